"""The lines that finance draws, and the days on which a metric was beyond its line.

The audit of who drew a line is written by whoever lets a person do it; the rows here, which are
never changed, say it as well.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from fractions import Fraction

from dashboard import clock, settings
from dashboard.metrics.days import span
from dashboard.metrics.facts import Metric
from dashboard.metrics.figures import Figures
from dashboard.metrics.queries import period
from dashboard.metrics.tables import Crossing, Threshold
from dashboard.metrics.values import SHARES, share

# Of this one less is worse; of all others more.
_FLOOR = Metric.AUTHORIZATION
# A share in hundredths of a percent; a year in seconds; more tickets than anybody opens in a day.
MOST = {
    **dict.fromkeys(SHARES, 100_00),
    Metric.CAPTURE_TIME: 366 * 86_400,
    Metric.HOLD_DURATION: 366 * 86_400,
    Metric.TICKETS: 1_000_000,
}


class BadThreshold(ValueError):
    """A line that can't be drawn there; the message says why."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What a metric came to, in the unit of its threshold, and of how many cases."""

    value: Fraction
    cases: int


async def draw(
    metric: Metric, currency: str, value: int | None, by: str, staff: int | None = None
) -> Threshold:
    """Set the line of a metric in one currency from now on; None takes it away.

    `value` is in hundredths of a percent for shares, in seconds for durations (the median from
    authorization to capture, the mean of a hold), and a number of tickets a day. Joins an open
    transaction. Raises BadThreshold.
    """
    if (metric is Metric.TICKETS) != (currency == ""):
        raise BadThreshold("Tickets have no currency, and every other metric has one.")
    if value is not None and not 0 <= value <= MOST[metric]:
        raise BadThreshold(f"Between 0 and {MOST[metric]}, not {value}.")
    row = Threshold(
        metric=metric,
        currency=currency,
        value=value,
        set_by=by[:255],
        set_by_staff=staff,
        set_at=clock.now(),
    )
    await row.save()
    return row


async def history(metric: Metric, currency: str) -> list[Threshold]:
    """Every line that was drawn for a metric, the newest first: who, when, where."""
    return (
        await Threshold.objects()
        .where((Threshold.metric == metric) & (Threshold.currency == currency))
        .order_by(Threshold.id, ascending=False)
    )


async def standing(on: date | None = None) -> list[Threshold]:
    """The lines that stand now, or that stood at the end of a day, one per metric and currency."""
    query = Threshold.objects().order_by(Threshold.id)
    if on is not None:
        query = query.where(Threshold.set_at < span(on, on, settings.current().zone)[1])
    newest = {(row.metric, row.currency): row for row in await query}
    return [row for row in newest.values() if row.value is not None]


def seen(metric: Metric, figures: Figures) -> Seen | None:
    """What is compared with the line; None where there are too few cases to say anything."""
    value: Fraction | int | None
    match metric:
        case Metric.AUTHORIZATION | Metric.EXPIRY | Metric.CAPTURE_FAILURE:
            found = share(metric, figures)
            value = None if found.exact is None else found.exact * 100
            cases = found.denominator
        case Metric.CAPTURE_TIME:
            value, cases = figures.capture_time.median, figures.capture_time.count
        case Metric.HOLD_DURATION:
            value, cases = figures.hold_duration.mean, figures.hold_duration.count
        case Metric.TICKETS:
            value, cases = figures.tickets, figures.tickets
    return None if value is None else Seen(Fraction(value), cases)


def beyond(metric: Metric, found: Seen, value: int) -> bool:
    """Whether it is worse than the line; on the line is not beyond it."""
    return found.value < value if metric is _FLOOR else found.value > value


async def record(days: Iterable[date]) -> list[Crossing]:
    """Record the lines that these days are beyond; answers the crossings that are new.

    A line says nothing about the days before it was drawn. A crossing that was recorded stays,
    though the day may look better later.
    """
    lines = await standing()
    if not lines:
        return []
    known = sorted({row.currency for row in lines})
    news = []
    for day in days:
        stood = await standing(day)
        for currency in known:
            mine = [row for row in stood if row.currency == currency]
            news += await _crossed(day, currency, mine) if mine else []
    return news


async def _crossed(day: date, currency: str, lines: Sequence[Threshold]) -> list[Crossing]:
    figures = (await period(day, day, currency)).total
    news = []
    for line in lines:
        metric = Metric(line.metric)
        found = seen(metric, figures)
        if found is None or not beyond(metric, found, line.value):
            continue
        row = Crossing(
            metric=metric,
            currency=currency,
            day=day,
            threshold=line.id,
            value=int(found.value),
            cases=found.cases,
            recorded_at=clock.now(),
        )
        if await Crossing.insert(row).on_conflict(action="DO NOTHING"):
            news.append(row)
    return news


async def crossings(first: date, last: date, currency: str) -> list[Crossing]:
    """The crossings on these days, of the tickets as well, the oldest first."""
    return (
        await Crossing.objects()
        .where((Crossing.day >= first) & (Crossing.day <= last))
        .where(Crossing.currency.is_in([currency, ""]))
        .order_by(Crossing.day)
        .order_by(Crossing.id)
    )
