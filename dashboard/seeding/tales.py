"""The stories that bookings of the seed can have, each told as an order and what follows it."""

import random
from datetime import datetime, timedelta

from dashboard.seeding.people import OFFERS
from dashboard.seeding.plan import (
    CARDS,
    DAY,
    DAYS,
    DECLINES,
    HOUR,
    STORIES,
    Deed,
    Happening,
    Order,
    choose_learner,
    choose_teacher,
)
from dashboard.seeding.questions import ask

MINUTE = timedelta(minutes=1)


def tell(number: int, anchor: datetime) -> list[Happening]:
    """All that happens, in order of time. `number` chooses another sixty days."""
    # Not for secrets: the point is that the same number tells the same story.
    chance = random.Random(number)  # noqa: S311
    teller = Teller(chance, anchor)
    stories = [story for story, count in STORIES.items() for _ in range(count)]
    chance.shuffle(stories)
    for story in stories:
        getattr(teller, story)()
    teller.special()
    orders = [one for one in teller.happenings if isinstance(one, Order)]
    teller.happenings += ask(orders, anchor)
    return sorted(teller.happenings, key=lambda one: (one.at, isinstance(one, Deed), one.number))


class Teller:
    """Tells stories with one source of chance, and collects what happens in them."""

    def __init__(self, chance: random.Random, anchor: datetime) -> None:
        self.happenings: list[Happening] = []
        self._chance = chance
        self._anchor = anchor
        self._count = 0
        self._taken: set[tuple[int, int, datetime]] = set()

    # Stories that are over before the anchor.

    def by_itself(self) -> None:
        """Nobody does anything: the capture comes an hour after the lesson."""
        self._past()

    def completed(self) -> None:
        order = self._past()
        self._deed(order, order.ends_at + self._minutes(2, 50), "complete")

    def partly_captured(self) -> None:
        order = self._past()
        percent = self._chance.choice((50, 60, 75))
        self._deed(order, order.ends_at + self._minutes(5, 40), "capture", percent=percent)

    def partly_refunded(self) -> None:
        order = self._past()
        self._deed(order, order.ends_at + self._minutes(2, 40), "complete")
        later = order.ends_at + 3 * HOUR + self._chance.random() * 3 * DAY
        percent = self._chance.choice((20, 25, 50))
        self._deed(order, later, "refund", percent=percent)
        if self._chance.random() < 0.4:
            self._deed(order, later + DAY, "refund", percent=percent)

    def refunded(self) -> None:
        order = self._past()
        self._deed(order, order.ends_at + 6 * HOUR + self._chance.random() * 2 * DAY, "refund")

    def cancelled_free(self) -> None:
        order = self._past()
        span = order.starts_at - 7 * HOUR - order.at
        self._deed(order, order.at + span * self._chance.random(), "cancel", "student")

    def cancelled_late(self) -> None:
        order = self._past()
        before = timedelta(hours=self._chance.uniform(1, 5))
        self._deed(order, order.starts_at - before, "cancel", "student")

    def instructor_cancelled(self) -> None:
        order = self._past()
        before = timedelta(hours=self._chance.uniform(1, 10))
        self._deed(order, order.starts_at - before, "cancel", "instructor")

    def released_by_staff(self) -> None:
        order = self._past()
        self._deed(order, order.starts_at - 2 * HOUR, "release")

    def student_no_show(self) -> None:
        order = self._past()
        self._deed(order, order.ends_at + self._minutes(1, 30), "no_show", "student")

    def instructor_no_show(self) -> None:
        order = self._past()
        self._deed(order, order.ends_at + self._minutes(1, 30), "no_show", "instructor")

    def declined(self) -> None:
        """A third of them is recent, so that the desk shows some that may still be paid."""
        card = self._chance.choice(DECLINES)
        if self._chance.random() < 0.35:
            self._soon(card)
        else:
            self._past(card)

    def declined_then_paid(self) -> None:
        order = self._past(self._chance.choice(DECLINES))
        self._deed(order, order.at + self._minutes(3, 90), "pay", self._chance.choice(CARDS))

    def package(self) -> None:
        """A package with its first lesson, one or two more, and sometimes the rest given back."""
        offer = self._chance.randrange(len(OFFERS))
        first = self._past(offer=offer)
        starts_at = first.starts_at
        for _ in range(self._chance.randint(0, 2)):
            starts_at += 7 * DAY
            at = starts_at - 2 * DAY
            if at < self._anchor:
                self._order(at, starts_at, redeems=first)
        rest = starts_at + 3 * DAY
        if rest < self._anchor and self._chance.random() < 0.3:
            self._deed(first, rest, "refund_unused")

    def too_far(self) -> None:
        """The lesson is later than the hold lives: the policy captures a day before its end."""
        at = self._anchor - timedelta(days=self._chance.uniform(25, DAYS - 1))
        self._order(at, self._lesson(at + timedelta(days=self._chance.uniform(9, 13))))

    # Stories that are still open at the anchor.

    def open(self) -> None:
        self._soon(self._chance.choice(CARDS))

    def special(self) -> None:
        """Holds that are about to end, one that ended, and one whose capture keeps failing."""
        now = self._anchor
        # Staff wanted to decide these by hand, and nobody did.
        for days, cancelled in ((31, True), (12, False)):
            at = now - timedelta(days=days)
            order = self._order(at, self._lesson(at + 9 * DAY))
            self._deed(order, at + HOUR, "alert")
            if cancelled:
                self._deed(order, at + 8 * DAY, "cancel", "student")
        at = now - 7 * DAY + 110 * MINUTE
        order = self._order(at, self._lesson(now + 2 * DAY))
        self._deed(order, at + HOUR, "alert")
        at = now - 7 * DAY + 9 * HOUR
        order = self._order(at, self._lesson(now + DAY))
        self._deed(order, at + HOUR, "pause")
        soon, past = _half_hour(now + 4 * HOUR), _half_hour(now - 5 * HOUR)
        self._order(now - 8 * HOUR, soon, life=timedelta(hours=26), minutes=60)
        order = self._order(now - 20 * HOUR, past, life=timedelta(hours=40), minutes=60)
        self._deed(order, now - 4 * HOUR + 10 * MINUTE, "break_capture")

    # How orders come about.

    def _past(self, card: str | None = None, offer: int | None = None) -> Order:
        """An order whose lesson is held at least five days before the anchor."""
        at = self._at(self._anchor - timedelta(days=self._chance.uniform(11, DAYS - 0.5)))
        starts_at = self._lesson(at + timedelta(hours=self._chance.uniform(12, 120)))
        return self._order(at, starts_at, card=card, offer=offer)

    def _soon(self, card: str) -> Order:
        """An order of the last days, whose lesson comes before the hold ends."""
        starts_at = self._lesson(self._anchor + timedelta(hours=self._chance.uniform(2, 96)))
        earliest = max(self._anchor - 5 * DAY, starts_at - 6 * DAY)
        at = earliest + (self._anchor - 10 * MINUTE - earliest) * self._chance.random()
        return self._order(at, starts_at, card=card)

    def _order(
        self,
        at: datetime,
        starts_at: datetime,
        *,
        card: str | None = None,
        minutes: int | None = None,
        offer: int | None = None,
        redeems: Order | None = None,
        life: timedelta | None = None,
    ) -> Order:
        self._count += 1
        who = redeems.learner if redeems else choose_learner(self._chance)
        whom = redeems.teacher if redeems else choose_teacher(self._chance, who, offer)
        while (who, whom, starts_at) in self._taken:
            starts_at += HOUR
        self._taken.add((who, whom, starts_at))
        order = Order(
            number=self._count,
            at=at,
            teacher=whom,
            learner=who,
            starts_at=starts_at,
            minutes=minutes or self._chance.choice((30, 45, 60, 60, 60, 90)),
            card=card or self._chance.choice(CARDS),
            offer=offer,
            redeems=redeems.number if redeems else None,
            life=life,
        )
        self.happenings.append(order)
        return order

    def _deed(
        self, order: Order, at: datetime, what: str, detail: str = "", percent: int = 100
    ) -> None:
        self.happenings.append(Deed(order.number, at, what, detail, percent))

    def _at(self, about: datetime) -> datetime:
        """Within waking hours of that day, at one of a few times, so that orders come together."""
        hour = self._chance.choice((8, 11, 14, 17, 20))
        return about.replace(hour=hour, minute=self._chance.choice((5, 12, 21)), second=0)

    def _lesson(self, about: datetime) -> datetime:
        """A full or half hour not before `about`, and not at night."""
        start = _half_hour(about) + HOUR / 2
        while not 8 <= start.hour <= 21:
            start += HOUR
        return start

    def _minutes(self, least: int, most: int) -> timedelta:
        return self._chance.randint(least, most) * MINUTE


def _half_hour(about: datetime) -> datetime:
    """The full or half hour before `about`."""
    return about.replace(minute=about.minute // 30 * 30, second=0, microsecond=0)
