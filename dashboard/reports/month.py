"""A month as finance looks at it: the six figures, the money, and the worst holds."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from dashboard import settings
from dashboard.metrics.figures import Figures
from dashboard.metrics.queries import today
from dashboard.metrics.series import series
from dashboard.metrics.spans import Span, Step
from dashboard.metrics.tables import Day
from dashboard.reports.words import end_of_month
from dashboard.reports.worst import Worst, worst

_ONE = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Part:
    """One currency of a month, beside the month before."""

    currency: str
    figures: Figures
    before: Figures
    worst: Sequence[Worst]


@dataclass(frozen=True, slots=True)
class Report:
    """A month; `so_far` while it is not over. Each currency stands by itself."""

    first: date
    last: date
    so_far: bool
    parts: Sequence[Part]


async def report(first: date) -> Report:
    """The report of the month that begins with `first`, as the days are counted now."""
    now = today()
    last, so_far = min(end_of_month(first), now), end_of_month(first) >= now
    parts = [await _part(first, last, currency) for currency in await _currencies(first, last)]
    return Report(first, last, so_far, parts)


async def _part(first: date, last: date, currency: str) -> Part:
    earlier = (first - _ONE).replace(day=1)
    now = await series(Span(first, last), Step.MONTH, currency)
    before = await series(Span(earlier, first - _ONE), Step.MONTH, currency)
    return Part(currency, now.total, before.total, await worst(first, last, currency))


async def _currencies(first: date, last: date) -> list[str]:
    """Those in which anything was counted, the usual one first; it alone where nothing was."""
    usual = settings.current().default_currency
    rows = (
        await Day.select(Day.currency)
        .distinct()
        .where((Day.day >= first) & (Day.day <= last) & (Day.currency != ""))
    )
    found = sorted((row["currency"] for row in rows), key=lambda one: (one != usual, one))
    return found or [usual]


async def months() -> list[date]:
    """The first day of every month since something was counted, the present one first."""
    row = await Day.select(Day.day).order_by(Day.day).first()
    month = today().replace(day=1)
    first = row["day"].replace(day=1) if row else month
    found = []
    while month >= first:
        found.append(month)
        month = (month - _ONE).replace(day=1)
    return found or [today().replace(day=1)]
