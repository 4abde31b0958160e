"""Are we losing money? Six figures of a period, each with its chart, its table and its rows."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from litestar import get
from litestar_htmx import HTMXRequest, HTMXTemplate

from dashboard.metrics import numbers, queries, thresholds
from dashboard.metrics.facts import Metric
from dashboard.metrics.figures import Figures
from dashboard.metrics.series import Series, series
from dashboard.metrics.spans import Step, fitting
from dashboard.metrics.values import SHARES, share
from dashboard.staff.tables import reaches
from dashboard.web import analytics_finding as finding
from dashboard.web import analytics_words as words
from dashboard.web.analytics_asked import PERIODS, Asked, asked
from dashboard.web.analytics_marks import marks
from dashboard.web.analytics_panels import WITH_CURRENCY, Beside, Panel, panels
from dashboard.web.analytics_standing import drawn, lines_of
from dashboard.web.analytics_table import rows_href
from dashboard.web.pages import page
from dashboard.web.security import guard

PLACES = {"": "Figures", "/money": "Money", "/cohorts": "Cohorts", "/forecast": "Forecast"}


@dataclass(frozen=True, slots=True)
class Part:
    """What the page shows of one currency. `days` tells of single days beyond their line."""

    currency: str
    panels: Sequence[Panel]
    heading: Sequence[tuple[str, str]]
    crossed: int
    days: str
    marked: bool


@get("/analytics", guards=[guard()])
async def index(request: HTMXRequest) -> HTMXTemplate:
    """The six figures."""
    return await figures_page(request, await here(request), {})


async def here(request: HTMXRequest) -> Asked:
    """What the address asks for."""
    given = dict(request.query_params.items())
    return asked(given, queries.today(), await queries.currencies())


async def figures_page(
    request: HTMXRequest, what: Asked, more: dict[str, Any], status: int = 200
) -> HTMXTemplate:
    """The page as things stand, with what a form has to add to it."""
    step, found = await _all(what)
    shown = [await _part(one, number, len(found)) for number, one in enumerate(found)]
    worst = max(shown, key=lambda part: part.crossed)
    context = {
        **await frame(what, ""),
        "step": step,
        "parts": shown,
        "heading": worst.heading,
        "days": " ".join(part.days for part in shown),
        "each": words.each(step),
        "marked": any(part.marked for part in shown),
        "unit_of": words.typed_unit,
        "may_draw": reaches(request.state.staff, "finance"),
        "flash": await drawn(request.query_params.get("drawn", "")),
        "form": {"key": "", "typed": "", "fault": ""},
    }
    status = 422 if what.faults and status == 200 else status
    return await page(request, "analytics/index.html", {**context, **more}, status)


async def frame(what: Asked, place: str) -> dict[str, Any]:
    """What all pages of the analytics share: the choice of period, currency and page."""
    return {
        "asked": what,
        "place": place,
        "places": PLACES,
        "periods": {**{name: words.PERIODS[name] for name in PERIODS}, "custom": "Custom"},
        "steps": words.STEPS,
        "step": what.step,
        "currencies": await queries.currencies(),
        "shown": what.currencies(await queries.currencies()),
        "span": words.period(what.span),
        "span_before": words.period(what.span.before()),
        "today": queries.today().isoformat(),
    }


async def _all(what: Asked) -> tuple[Step, list[Series]]:
    """The series of each currency to be shown, and how much time their points stand for.

    Where nobody chose that, it is the least that leaves a point enough cases for a percentage.
    """
    chosen = what.currencies(await queries.currencies())
    fine = [await series(what.span, what.step, one) for one in chosen]
    if what.by:
        return what.step, fine
    cases = max(min(filter(None, _cases(one.total)), default=0) for one in fine)
    step = fitting(what.span, what.step, cases)
    if step is what.step:
        return step, fine
    return step, [await series(what.span, step, one) for one in chosen]


def _cases(figures: Figures) -> list[int]:
    """Of how many each share is one; where there are none at all, no percentage is missing."""
    return [share(metric, figures).denominator for metric in SHARES]


async def _part(found: Series, number: int, of: int) -> Part:
    lines = await lines_of(found.currency)
    crossings = await thresholds.crossings(found.span.first, found.span.last, found.currency)
    marked = await marks([point.span for point in found.points])
    beside = Beside(queries.today(), lines, crossings, marked)
    days = Counter(Metric(row.metric) for row in crossings)
    came = finding.Found(
        found.currency,
        found.total,
        {metric: row.value for metric, row in lines.items()},
        days,
        await _after_refusal(found) if Metric.EXPIRY in lines else 0,
    )
    told = finding.heading(came, found.span.days, named=of > 1)
    # The tickets have no currency: they stand in the first part.
    metrics = WITH_CURRENCY if number else tuple(Metric)
    return Part(
        found.currency,
        panels(found, beside, metrics),
        [
            (text, rows_href(name, found.span, found.currency) if name else "")
            for text, name in told
        ],
        len(finding.crossed(came)),
        finding.few_days(came, found.span.days),
        bool(marked),
    )


async def _after_refusal(found: Series) -> int:
    span = found.span
    rows = numbers.named(numbers.AFTER_REFUSAL, span.first, span.last, found.currency)
    return (await rows.come_to())[0]


handlers = [index]
assert set(words.STEPS) == set(Step)
