"""The days to come, hour by hour of a clock on the wall: how much money stops being held in each.

An hour is the span from its first instant to the first one of the next. Where the clock is put
back it is longer than sixty minutes; where it is put forward it is empty: there is no such hour.
"""

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from dashboard.bookings.outlook import Ending
from dashboard.bookings.spans import Span

DAYS = 7
HOURS = 24


@dataclass(frozen=True, slots=True)
class Sum:
    """What ends in a span in one currency, in minor units. `person`: somebody must look at it."""

    currency: str
    count: int
    amount: int
    person: bool


@dataclass(frozen=True, slots=True)
class Slot:
    """A span with what ends in it, per currency."""

    span: Span
    sums: list[Sum]

    @property
    def exists(self) -> bool:
        return self.span.start < self.span.end

    @property
    def count(self) -> int:
        return sum(one.count for one in self.sums)

    @property
    def person(self) -> bool:
        return any(one.person for one in self.sums)


@dataclass(frozen=True, slots=True)
class Day:
    """A day of the reporting zone, with its twenty-four hours in their order."""

    date: date
    whole: Slot
    hours: list[Slot]

    def bins(self, size: int) -> list[Slot]:
        """Hours side by side taken together, and of these only those in which something ends."""
        groups = [self.hours[at : at + size] for at in range(0, HOURS, size)]
        return [
            Slot(Span(group[0].span.start, group[-1].span.end), _together(group))
            for group in groups
            if any(slot.sums for slot in group)
        ]


def week(now: datetime, zone: ZoneInfo) -> Span:
    """From the beginning of today to the end of the seventh day."""
    today = now.astimezone(zone).date()
    return Span(_first(today, 0, zone), _first(today + timedelta(days=DAYS), 0, zone))


def days(endings: Sequence[Ending], now: datetime, zone: ZoneInfo) -> list[Day]:
    """The days of the week that begins today, with everything that ends in them."""
    today = now.astimezone(zone).date()
    dates = [today + timedelta(days=number) for number in range(DAYS)]
    starts = [_first(day, hour, zone) for day in dates for hour in range(HOURS)]
    starts.append(_first(today + timedelta(days=DAYS), 0, zone))
    inside: list[list[Ending]] = [[] for _ in starts]
    for ending in endings:
        # Of hours that begin at one instant only the last one has any time in it.
        place = bisect_right(starts, ending.at) - 1
        if 0 <= place < len(starts) - 1:
            inside[place].append(ending)
    slots = [
        Slot(Span(start, end), sums(found))
        for start, end, found in zip(starts, starts[1:], inside, strict=False)
    ]
    return [_day(day, slots[at * HOURS : (at + 1) * HOURS]) for at, day in enumerate(dates)]


def sums(endings: Iterable[Ending]) -> list[Sum]:
    """What these add up to in each currency; two currencies are never added."""
    found: dict[str, list[Ending]] = {}
    for ending in endings:
        found.setdefault(ending.currency, []).append(ending)
    return [
        Sum(
            currency,
            len(ones),
            sum(one.amount for one in ones),
            any(one.person for one in ones),
        )
        for currency, ones in sorted(found.items())
    ]


def _day(day: date, hours: list[Slot]) -> Day:
    return Day(day, Slot(Span(hours[0].span.start, hours[-1].span.end), _together(hours)), hours)


def _together(slots: Sequence[Slot]) -> list[Sum]:
    found: dict[str, Sum] = {}
    for one in (one for slot in slots for one in slot.sums):
        old = found.get(one.currency, Sum(one.currency, 0, 0, False))
        found[one.currency] = Sum(
            one.currency,
            old.count + one.count,
            old.amount + one.amount,
            old.person or one.person,
        )
    return [found[currency] for currency in sorted(found)]


def _first(day: date, hour: int, zone: ZoneInfo) -> datetime:
    """The first instant at which the clock shows this hour, or would: one that the clock leaves
    out begins and ends where the next one begins."""
    return datetime.combine(day, time(hour), tzinfo=zone).astimezone(UTC)
