"""When people book: a shop that grows, weeks with a rhythm, holidays, and one bad day. Pure."""

import random
from bisect import bisect
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import accumulate

from dashboard.seeding.plan import DAY

# By day of the week, Monday first: people plan their week at its beginning.
_WEEK = (1.15, 1.2, 1.1, 1.05, 0.85, 0.7, 0.95)
# By hour of the day, UTC: a shop that sells mostly in America, with Europe's evening before it.
_HOURS = (6, 4, 2, 1, 1, 1, 2, 3, 4, 4, 4, 5, 6, 6, 7, 8, 9, 11, 12, 12, 11, 11, 10, 8)
# School holidays as (month, day) from and to, and how much is booked in them; then the rushes.
_SEASONS = (
    ((12, 20), (12, 31), 0.35),
    ((1, 1), (1, 4), 0.35),
    ((4, 1), (4, 10), 0.65),
    ((7, 15), (8, 24), 0.5),
    ((10, 12), (10, 18), 0.7),
    ((1, 8), (1, 21), 1.2),
    ((9, 1), (9, 21), 1.35),
)
# At the end of the past so many times as much is booked as at its beginning.
_GROWTH = 2.4
# How much of the past is over when the bad day comes, and how long the trouble lasts.
_BAD_DAY_AT = 0.7
_TROUBLE = timedelta(hours=9)


@dataclass(frozen=True, slots=True)
class Outage:
    """While it lasts, the card networks refuse every capture."""

    start: datetime
    end: datetime

    def __contains__(self, at: datetime) -> bool:
        return self.start <= at < self.end


def outage(start: datetime, anchor: datetime) -> Outage:
    """The bad day: a Tuesday, from early afternoon until late at night, UTC."""
    about = start + (anchor - start) * _BAD_DAY_AT
    tuesday = about + timedelta(days=(1 - about.weekday()) % 7)
    begins = tuesday.replace(hour=14, minute=10, second=0, microsecond=0)
    return Outage(begins, begins + _TROUBLE)


def instants(
    chance: random.Random, start: datetime, anchor: datetime, count: int
) -> list[datetime]:
    """So many instants at which somebody books, in order, to the second."""
    days = max(1, (anchor - start) // DAY)
    weights = list(accumulate(_weight(start + DAY * n, n / days) for n in range(days)))
    hours = list(accumulate(_HOURS))
    found = []
    for _ in range(count):
        day = start + DAY * bisect(weights, chance.random() * weights[-1])
        hour = bisect(hours, chance.random() * hours[-1])
        midnight = day.replace(hour=0, minute=0, second=0, microsecond=0)
        at = midnight + timedelta(hours=hour, seconds=chance.randrange(3600))
        # The days count from the hour of the anchor, the hours from midnight.
        found.append(min(max(at, start), anchor - timedelta(seconds=chance.randint(30, 5000))))
    return sorted(found)


def _weight(day: datetime, part: float) -> float:
    growth = 1 + (_GROWTH - 1) * part
    return growth * _WEEK[day.weekday()] * season(day.date())


def season(day: date) -> float:
    """How much is booked on a day, against an ordinary one of the year."""
    month_and_day = (day.month, day.day)
    return next((much for since, to, much in _SEASONS if since <= month_and_day <= to), 1.0)
