"""Who is in a past: as many instructors and students as its bookings need. Pure.

The instructors of the small seed come first; the others join as the shop grows.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from dashboard.seeding.people import FIRST, LAST, TEACHERS, ZONES, Teacher, address

# So many bookings of a year keep one instructor busy.
_BOOKINGS_PER_TEACHER = 700
_MOST_TEACHERS = 400
# How many orders in a hundred are somebody's first, and how many keep to a student's own teachers.
_NEW = 0.12
_LOYAL = 0.75
_SUBJECTS = ("piano", "guitar", "mathematics", "English", "Spanish", "chemistry", "physics")
# Rates of an hour in minor units, by currency, in steps that each currency can charge.
_RATES = {"usd": (4200, 12000, 100), "eur": (3900, 9500, 100), "jpy": (3500, 9500, 100)}
_RATES["kwd"] = (9500, 24000, 100)
_PLACES = (
    ("usd", "America/New_York"),
    ("usd", "America/Los_Angeles"),
    ("usd", "America/Chicago"),
    ("eur", "Europe/Berlin"),
    ("usd", "America/Denver"),
    ("eur", "Europe/Paris"),
    ("usd", "America/New_York"),
    ("jpy", "Asia/Tokyo"),
    ("eur", "Europe/Madrid"),
    ("kwd", "Asia/Kuwait"),
)
_DAY_BEGINS, _DAY_ENDS = 8, 21
_HALF = timedelta(minutes=30)


@dataclass(slots=True)
class Pupil:
    """A student: the row's id, and Stripe's customer once there is one."""

    id: int
    name: str
    email: str
    time_zone: str
    since: datetime
    teachers: tuple[int, ...]
    customer: str = ""


@dataclass(frozen=True, slots=True)
class Tutor:
    """An instructor with the row's id and what is needed to price and place a lesson."""

    id: int
    teacher: Teacher
    zone: ZoneInfo

    @classmethod
    def of(cls, row_id: int, teacher: Teacher) -> "Tutor":
        return cls(row_id, teacher, ZoneInfo(teacher.time_zone))


def teachers(number: int, bookings: int) -> list[Teacher]:
    """The instructors of a past of this size; the same ones for the same number."""
    chance = random.Random(f"teachers {number}")  # noqa: S311
    found = list(TEACHERS)
    for index in range(min(bookings // _BOOKINGS_PER_TEACHER, _MOST_TEACHERS) - len(found)):
        currency, zone = _PLACES[index % len(_PLACES)]
        least, most, step = _RATES[currency]
        name = f"{FIRST[index % len(FIRST)]} {LAST[(index * 5 + index // 24 + 3) % len(LAST)]}"
        rate = chance.randrange(least, most, step)
        subject = _SUBJECTS[index % len(_SUBJECTS)]
        found.append(Teacher(name, subject, rate, currency, zone, number=index + 1))
    return found


class Crowd:
    """Finds a student, an instructor and a free time for each order, in the order of time."""

    def __init__(
        self, chance: random.Random, tutors: list[Tutor], next_id: Callable[[], int]
    ) -> None:
        self.tutors = tutors
        self._chance = chance
        self._next_id = next_id
        self._pupils: list[Pupil] = []
        self._taken: set[tuple[int, datetime]] = set()
        self._fresh: list[Pupil] = []

    def newcomers(self) -> list[Pupil]:
        """The students who have come since this was asked last."""
        found, self._fresh = self._fresh, []
        return found

    def pupil(self, at: datetime, part: float) -> Pupil:
        """Somebody who books now; `part` of the past is over. Some come often, most seldom."""
        if not self._pupils or self._chance.random() < _NEW:
            return self._new(at, part)
        # Those who came of late come again more than those who came long ago.
        back = int(len(self._pupils) * self._chance.random() ** 2)
        return self._pupils[-1 - back]

    def _new(self, at: datetime, part: float) -> Pupil:
        index = len(self._pupils)
        first = FIRST[index * 7 % len(FIRST)]
        name = f"{first} {LAST[(index * 5 + index // len(FIRST)) % len(LAST)]}"
        email, zone = address(name, "students.example", index + 1), ZONES[index * 5 % len(ZONES)]
        own = tuple(self._some(part) for _ in range(2))
        made = Pupil(self._next_id(), name, email, zone, at, own)
        self._pupils.append(made)
        self._fresh.append(made)
        return made

    def tutor(self, pupil: Pupil, part: float, currency: str | None = None) -> Tutor:
        """Mostly one of the student's own; of a currency where one is given."""
        if currency is not None:
            found = next((i for i in pupil.teachers if self._currency(i) == currency), None)
            fitting = [i for i in range(self._joined(part)) if self._currency(i) == currency]
            return self.tutors[self._chance.choice(fitting) if found is None else found]
        own = self._chance.random() < _LOYAL
        return self.tutors[self._chance.choice(pupil.teachers) if own else self._some(part)]

    def _currency(self, index: int) -> str:
        return self.tutors[index].teacher.currency

    def _some(self, part: float) -> int:
        return self._chance.randrange(self._joined(part))

    def _joined(self, part: float) -> int:
        """How many instructors there are by then: half of them were there at the beginning."""
        # The first ones have every currency, so that every package can be sold.
        least = min(len(TEACHERS), len(self.tutors))
        return max(least, int(len(self.tutors) * (0.5 + 0.5 * part)))

    def place(self, tutor: Tutor, about: datetime) -> datetime:
        """A full or half hour from `about` on at which this instructor teaches and is free."""
        local = about.astimezone(tutor.zone) + _HALF
        local = local.replace(minute=local.minute // 30 * 30, second=0, microsecond=0)
        while True:
            if local.hour < _DAY_BEGINS or local.hour >= _DAY_ENDS:
                next_day = local + timedelta(days=local.hour >= _DAY_ENDS)
                hour = self._chance.choice((9, 10, 15, 16, 17, 17, 18, 18, 19))
                local = next_day.replace(hour=hour, minute=0)
            start = local.astimezone(UTC)
            if (tutor.id, start) not in self._taken:
                self._taken.add((tutor.id, start))
                return start
            local += _HALF
