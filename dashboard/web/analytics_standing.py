"""The lines of the analytics as they stand, and what a form has just done to one."""

from dashboard.metrics import thresholds
from dashboard.metrics.facts import Metric
from dashboard.metrics.tables import Threshold
from dashboard.metrics.values import NAMES, line
from dashboard.web import analytics_words as words
from dashboard.web.wholes import whole


async def lines_of(currency: str) -> dict[Metric, Threshold]:
    """The lines that stand for one currency, those of the tickets included."""
    return {
        Metric(row.metric): row
        for row in await thresholds.standing()
        if row.currency in (currency, "")
    }


def told(metric: Metric, row: Threshold | None) -> str:
    """A line in words: "at most 1 %", or "none"."""
    if row is None or row.value is None:
        return "none"
    return words.limit(metric, line(metric, row.value))


async def drawn(number: str) -> str:
    """What the form that led here did, for a browser that was redirected."""
    known = whole(number, 15)
    row = None if known is None else await Threshold.objects().get(Threshold.id == known)
    if row is None:
        return ""
    metric = Metric(row.metric)
    of = f"{NAMES[metric]}{f', {row.currency.upper()}' if row.currency else ''}"
    return f"{of}: the limit from now on is {told(metric, row)}."
