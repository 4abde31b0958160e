"""What happens in the seed, and when: the same for the same number and anchor. Pure.

Everything is told as time before or after the anchor, the instant when the seed was begun; the
last orders are still open then.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from dashboard.seeding.people import LEARNERS, OFFERS, TEACHERS

DAYS = 60
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
# What happens within twenty minutes happens at its end: fewer steps of the clock.
WINDOW = timedelta(minutes=20)

# How many bookings of each story there are. The names are those of the functions in `tales`.
STORIES = {
    "by_itself": 31,
    "completed": 38,
    "partly_captured": 9,
    "partly_refunded": 10,
    "refunded": 6,
    "cancelled_free": 13,
    "cancelled_late": 9,
    "instructor_cancelled": 7,
    "released_by_staff": 3,
    "student_no_show": 6,
    "instructor_no_show": 3,
    "declined": 6,
    "declined_then_paid": 6,
    "package": 9,
    "too_far": 4,
    "open": 26,
}
DECLINES = (
    "pm_card_chargeDeclined",
    "pm_card_chargeDeclinedInsufficientFunds",
    "pm_card_chargeDeclinedExpiredCard",
    "pm_card_chargeDeclinedIncorrectCvc",
    "pm_card_chargeDeclinedLostCard",
)
CARDS = ("pm_card_visa", "pm_card_mastercard", "pm_card_visa", "pm_card_amex", "pm_card_visa_debit")


@dataclass(frozen=True, slots=True)
class Order:
    """A booking to be placed. `life` orders the hold's length at the sandbox, where given.

    `offer` is the package that is bought with it; `redeems` the number of the order that bought
    the package which this lesson is taken from.
    """

    number: int
    at: datetime
    teacher: int
    learner: int
    starts_at: datetime
    minutes: int
    card: str
    offer: int | None = None
    redeems: int | None = None
    life: timedelta | None = None

    @property
    def ends_at(self) -> datetime:
        return self.starts_at + timedelta(minutes=self.minutes)


@dataclass(frozen=True, slots=True)
class Deed:
    """Something done to a booking later: `what` names it, `detail` is its word or its percent."""

    number: int
    at: datetime
    what: str
    detail: str = ""
    percent: int = 100


Happening = Order | Deed


def clusters(happenings: list[Happening]) -> Iterator[list[Happening]]:
    """Happenings that share one step of the clock."""
    group: list[Happening] = []
    for one in happenings:
        if group and one.at > group[0].at + WINDOW:
            yield group
            group = []
        group.append(one)
    if group:
        yield group


def choose_teacher(chance: random.Random, learner: int, offer: int | None = None) -> int:
    """A teacher whose price is in the offer's currency; a student mostly keeps to a few."""
    if offer is not None:
        wanted = OFFERS[offer].currency
        fitting = [i for i, one in enumerate(TEACHERS) if one.currency == wanted]
        return chance.choice(fitting)
    if chance.random() < 0.6:
        return learner % len(TEACHERS)
    return chance.randrange(len(TEACHERS))


def choose_learner(chance: random.Random) -> int:
    """Some students come often, most seldom."""
    return int(chance.triangular(0, len(LEARNERS) - 1, 0))
