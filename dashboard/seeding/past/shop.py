"""What every story of a past shares: chance, the present, ids, terms, and who acts."""

import random
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, TypeVar

from piccolo.table import Table

from dashboard.payments.actors import Actor
from dashboard.seeding.past.crowd import Pupil, Tutor
from dashboard.seeding.past.rhythm import Outage
from dashboard.seeding.people import Offer

T = TypeVar("T", bound=Table)
_templates: dict[type[Table], dict[str, Any]] = {}


@dataclass(frozen=True, slots=True)
class Terms:
    """How the shop treats cancellations and holds, as the settings have it."""

    free_hours: int
    late_percent: int
    policy: str
    account: str


@dataclass(slots=True)
class Shop:
    """The shop of a past. `ids` counts the rows of each table from where the database stands."""

    chance: random.Random
    start: datetime
    anchor: datetime
    outage: Outage
    terms: Terms
    staff: Mapping[str, Actor]
    ids: dict[type[Table], int] = field(default_factory=dict)

    def next_id(self, table: type[Table]) -> int:
        self.ids[table] = self.ids.get(table, 0) + 1
        return self.ids[table]

    def operation_id(self) -> str:
        return str(uuid.UUID(int=self.chance.getrandbits(128), version=4))

    def minutes(self, least: float, most: float) -> timedelta:
        """Some time between so many minutes, to the second."""
        return timedelta(seconds=int(self.chance.uniform(least, most) * 60))

    def hours(self, least: float, most: float) -> timedelta:
        return self.minutes(least * 60, most * 60)

    def part(self, at: datetime) -> float:
        """How much of the past is over at an instant."""
        return (at - self.start) / (self.anchor - self.start)


@dataclass(frozen=True, slots=True)
class Lesson:
    """An order: who books what with whom, and when. `later` are the starts of the other lessons
    that are booked of a package; an order without an `offer` is one lesson."""

    at: datetime
    pupil: Pupil
    tutor: Tutor
    starts_at: datetime
    minutes: int
    offer: Offer | None = None
    offer_id: int = 0
    later: tuple[datetime, ...] = ()

    @property
    def ends_at(self) -> datetime:
        return self.starts_at + timedelta(minutes=self.minutes)


def fresh(table: type[T], **values: Any) -> T:
    """A row with the table's defaults, made at a tenth of the price of the constructor.

    The values are trusted to be of the column's kind; the database's CHECKs are not spared.
    """
    template = _templates.get(table)
    if template is None:
        template = _templates[table] = dict(table(_ignore_missing=True).__dict__)
    row = table.__new__(table)
    row.__dict__.update(template)
    row.__dict__.update(values)
    return row


def put(row: Table, values: Mapping[str, Any]) -> None:
    """Set columns of a row in the same way, all at once."""
    row.__dict__.update(values)
