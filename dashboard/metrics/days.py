"""The days of the reporting time zone, as spans of instants. Pure.

A day lasts from its midnight to the next one, by the zone's clock: 23 or 25 hours where the clock
is changed, and no time at all where a zone has left a day out. The days of a zone cover every
instant once.
"""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

ONE = timedelta(days=1)


def starts_at(day: date, zone: ZoneInfo) -> datetime:
    """The instant at which a day begins in `zone`, in UTC."""
    # Of a midnight that the clock shows twice the first one counts; one that it jumps over is the
    # moment of the jump.
    return datetime.combine(day, time.min, zone).astimezone(UTC)


def span(first: date, last: date, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """From when (included) to when (excluded) these days last, both of them included, in UTC."""
    return starts_at(first, zone), starts_at(last + ONE, zone)


def day_of(instant: datetime, zone: ZoneInfo) -> date:
    """The day that an instant belongs to."""
    day = instant.astimezone(zone).date()
    # A clock that is turned back over midnight shows the old date again, though its day is over.
    if instant >= starts_at(day + ONE, zone):
        return day + ONE
    return day - ONE if instant < starts_at(day, zone) else day


def every(first: date, last: date) -> Iterator[date]:
    """Each day from `first` to `last`, both included."""
    while first <= last:
        yield first
        first += ONE
