"""Answers what finance asks of a period: figures per day, for all of it, and for the one before."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from dashboard import clock, settings
from dashboard.metrics.days import ONE, day_of, every
from dashboard.metrics.durations import Moved
from dashboard.metrics.figures import Figures
from dashboard.metrics.reading import read
from dashboard.metrics.tables import Day

# A day that is counted anew between two statements is read again; five times in a row is no chance.
TRIES = 5


@dataclass(frozen=True, slots=True)
class Point:
    """The figures of one day."""

    day: date
    figures: Figures


@dataclass(frozen=True, slots=True)
class Period:
    """Days in order, what they come to, and the figures of as many days just before them.

    `total` is counted from all of the days' cases: it is no mean of the days' figures. Balances in
    it are those of the last day's end.
    """

    first: date
    last: date
    currency: str
    points: Sequence[Point]
    total: Figures
    before_first: date
    before: Figures


async def period(first: date, last: date, currency: str) -> Period:
    """The figures of `first` to `last`, both included, in one currency.

    Days without any event are there as well. Raises ValueError when `last` is before `first`.
    Source: docs/decisions/0047; the numbers are as fresh as the last sweep.
    """
    if last < first:
        raise ValueError(f"{first} to {last} is no period")
    for _ in range(TRIES):
        try:
            return await _period(first, last, currency)
        except Moved:
            continue
    raise Moved


async def _period(first: date, last: date, currency: str) -> Period:
    before_first = first - (last - first) - ONE
    found = await read(before_first, last, currency)
    points = [Point(day, found.of_day(day)) for day in every(first, last)]
    return Period(
        first,
        last,
        currency,
        points,
        await found.of_days(first, last),
        before_first,
        await found.of_days(before_first, first - ONE),
    )


def today() -> date:
    """The present day of the reporting zone."""
    return day_of(clock.now(), settings.current().zone)


async def currencies() -> list[str]:
    """Every currency in which anything was counted, in the order of the alphabet."""
    rows = await Day.select(Day.currency).distinct().where(Day.currency != "")
    return sorted(row["currency"] for row in rows)
