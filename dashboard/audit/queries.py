"""Reads the audit: its own entries and the story of the payments, in one order, newest first."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from piccolo.columns import Varchar
from piccolo.columns.base import Column
from piccolo.columns.combination import And, Or, Where

from dashboard.audit.record import Action
from dashboard.audit.tables import AuditEntry
from dashboard.payments.tables import PaymentEvent

Condition = And | Or | Where
PAGE = 50
# What LIKE would take for a pattern; any one character stands in for it.
_PATTERN = re.compile(r"[%_\\]")
_CURSOR = re.compile(r"([0-9T:.+-]{10,40}Z?)~([01])~(\d{1,18})")
# What can be asked for: actions of ours, and whether the story of the payments belongs to it.
GROUPS: dict[str, tuple[tuple[str, ...], bool]] = {
    "": (tuple(Action), True),
    "sign_ins": ((Action.SIGN_IN, Action.SIGN_IN_FAILED, Action.SIGN_OUT), False),
    "denied": ((Action.DENIED, Action.SIGN_IN_FAILED), False),
    "admin": ((Action.ADMIN_WRITE, Action.COMMAND), False),
    "decisions": (
        (
            Action.DECISION,
            Action.GIVE_UP,
            Action.KEEP,
            Action.RECONCILE,
            Action.REPLAY,
            Action.BATCH,
            Action.LINE,
        ),
        False,
    ),
    "exports": ((Action.EXPORT, Action.SUBSCRIPTION), False),
    "money": ((), True),
}


@dataclass(frozen=True, slots=True)
class Place:
    """A line of the list, to go on after it: its moment, which of the two it is, its id."""

    at: datetime
    rank: int
    id: int

    def __str__(self) -> str:
        return f"{self.at.isoformat()}~{self.rank}~{self.id}"


@dataclass(frozen=True, slots=True)
class About:
    """What one booking or payment is called in the rows; the story knows only purchases."""

    purchases: Sequence[int] = ()
    bookings: Sequence[int] = ()
    payments: Sequence[int] = ()


@dataclass(frozen=True, slots=True)
class Asked:
    """What of the audit is looked at."""

    who: str = ""
    what: str = ""
    since: datetime | None = None
    until: datetime | None = None
    about: About | None = None
    after: Place | None = None


@dataclass(frozen=True, slots=True)
class Line:
    """One line: `row` is an AuditEntry's values, or those of a PaymentEvent when `money`."""

    place: Place
    money: bool
    row: dict[str, Any]


def place(text: str) -> Place | None:
    """The place that an address names; None for nonsense."""
    match = _CURSOR.fullmatch(text)
    try:
        at = datetime.fromisoformat(match[1]) if match else None
    except ValueError:
        return None
    # Years far out can't be brought into UTC.
    if match is None or at is None or at.tzinfo is None or not 2000 <= at.year <= 2999:
        return None
    return Place(at, int(match[2]), int(match[3]))


async def listed(asked: Asked) -> tuple[list[Line], Place | None]:
    """A page of lines, the newest first, and after which one the next page begins, if any."""
    actions, story = GROUPS[asked.what]
    lines: list[Line] = []
    if actions:
        lines += await _entries(asked, actions)
    if story:
        lines += await _story(asked)
    # A line of the story comes before an entry of the same moment.
    lines.sort(key=lambda line: (line.place.at, line.place.rank, line.place.id), reverse=True)
    more = lines[PAGE - 1].place if len(lines) > PAGE else None
    return lines[:PAGE], more


async def anything() -> bool:
    """Whether there is a line at all."""
    return bool(await AuditEntry.exists()) or bool(await PaymentEvent.exists())


async def _entries(asked: Asked, actions: Sequence[str]) -> list[Line]:
    query = AuditEntry.select().where(
        *_common(asked, AuditEntry.at, AuditEntry.id, AuditEntry.actor, rank=0)
    )
    if actions != tuple(Action):
        query = query.where(AuditEntry.action.is_in(list(actions)))
    if asked.about is not None:
        query = query.where(
            _in(AuditEntry.booking, asked.about.bookings)
            | _in(AuditEntry.payment, asked.about.payments)
        )
    rows = await query.order_by(AuditEntry.at, AuditEntry.id, ascending=False).limit(PAGE + 1)
    return [Line(Place(row["at"], 0, row["id"]), False, row) for row in rows]


async def _story(asked: Asked) -> list[Line]:
    query = PaymentEvent.select().where(
        *_common(asked, PaymentEvent.occurred_at, PaymentEvent.id, PaymentEvent.actor, rank=1)
    )
    if asked.about is not None:
        query = query.where(_in(PaymentEvent.purchase, asked.about.purchases))
    order = (PaymentEvent.occurred_at, PaymentEvent.id)
    rows = await query.order_by(*order, ascending=False).limit(PAGE + 1)
    return [Line(Place(row["occurred_at"], 1, row["id"]), True, row) for row in rows]


def _common(asked: Asked, at: Column, key: Column, actor: Varchar, rank: int) -> list[Condition]:
    found: list[Condition] = []
    if asked.who:
        found.append(_like(actor, f"%{_PATTERN.sub('_', asked.who)}%"))
    if asked.since:
        found.append(at >= asked.since)
    if asked.until:
        found.append(at < asked.until)
    if asked.after:
        found.append(_before(asked.after, at, key, rank))
    return found or [key.is_not_null()]


def _before(after: Place, at: Column, key: Column, rank: int) -> Condition:
    """What comes later in the list than this place."""
    if rank > after.rank:
        return at < after.at
    if rank < after.rank:
        return at <= after.at
    return (at <= after.at) & ((at < after.at) | (key < after.id))


def _in(column: Column, numbers: Sequence[int]) -> Where:
    # An empty list is no SQL; no row has the number 0.
    return column.is_in(list(numbers) or [0])


def _like(column: Varchar, pattern: str) -> Where:
    """Without regard to case. SQLite's LIKE has none anyway, and it knows no ILIKE."""
    sqlite = column._meta.engine_type == "sqlite"
    return column.like(pattern) if sqlite else column.ilike(pattern)
