"""Reads tickets: the list with its counts, one ticket with its story, those of a payment."""

import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from dashboard.bookings.queries import OUT_OF_RANGE
from dashboard.bookings.queue import cursor, cursor_of
from dashboard.bookings.search import Condition, contains
from dashboard.bookings.tables import Student
from dashboard.payments.tables import Payment
from dashboard.support.errors import NoSuchTicket
from dashboard.support.tables import STATUSES, TOPICS, Ticket, TicketNote

PAGE = 50
VIEWS = (*STATUSES, "all")
_NUMBER = re.compile(r"[tT](\d{1,15})", re.ASCII)
_BOOKING = re.compile(r"#?(\d{1,15})", re.ASCII)


@dataclass(frozen=True, slots=True)
class Asked:
    """What of the tickets is looked at, all of it in the address bar."""

    view: str = "open"
    topic: str = ""
    q: str = ""
    after: str = ""

    def query(self, **changes: str) -> dict[str, str]:
        """The parameters of an address, without those that say nothing."""
        new = replace(self, **changes)
        pairs = {name: getattr(new, name) for name in ("view", "topic", "q", "after")}
        return {name: value for name, value in pairs.items() if value}


@dataclass(frozen=True, slots=True)
class Row:
    """A ticket in a list, with the names of what it is about."""

    id: int
    subject: str
    topic: str
    status: str
    since: datetime
    opened_by: str
    student: str | None
    payment: int | None
    purchase: int | None
    booking: int | None


def asked(given: dict[str, str]) -> Asked:
    """Read an address; what makes no sense is left out. A search looks everywhere by itself."""
    q = given.get("q", "").replace("\x00", "").strip()[:200]
    topic, view = given.get("topic", ""), given.get("view", "")
    if view not in VIEWS:
        view = "all" if q else "open"
    return Asked(view, topic if topic in TOPICS else "", q, given.get("after", ""))


async def listed(what: Asked) -> tuple[list[Row], str]:
    """One page: who has waited longest stands first, what is over by its number; the next place."""
    where, oldest_first = _view(what.view), what.view in ("open", "waiting")
    if what.topic:
        where &= Ticket.topic == what.topic
    if what.q:
        where &= _matching(what.q)
    if (place := cursor(what.after)) is not None:
        where &= _beyond(oldest_first, *place)
    query = Ticket.select(*_COLUMNS).where(where)
    if oldest_first:
        query = query.order_by(Ticket.status_since).order_by(Ticket.id)
    else:
        query = query.order_by(Ticket.id, ascending=False)
    found = [_row(row) for row in await query.limit(PAGE + 1)]
    page = found[:PAGE]
    if len(found) <= PAGE:
        return page, ""
    return page, cursor_of(page[-1].since if oldest_first else None, page[-1].id)


async def counts() -> dict[str, int]:
    """How many there are in each view."""
    return {view: int(await Ticket.count().where(_view(view))) for view in VIEWS}


async def longest(status: str) -> datetime | None:
    """Since when the ticket that has this status longest has it; None without one."""
    row = (
        await Ticket.select(Ticket.status_since)
        .where(Ticket.status == status)
        .order_by(Ticket.status_since)
        .first()
    )
    return row["status_since"] if row else None


async def ticket(ticket_id: int) -> Ticket:
    """The row; NoSuchTicket if there is none."""
    known = ticket_id < OUT_OF_RANGE
    row = await Ticket.objects().get(Ticket.id == ticket_id) if known else None
    if row is None:
        raise NoSuchTicket(ticket_id)
    return row


async def entries(ticket_ids: Sequence[int]) -> list[TicketNote]:
    """All that was written on these tickets and done with them, in order of time."""
    where = TicketNote.ticket.is_in(list(ticket_ids) or [0])
    return await TicketNote.objects().where(where).order_by(TicketNote.id)


async def of_purchases(purchase_ids: Sequence[int], alive: bool = False) -> dict[int, list[Row]]:
    """The tickets about each purchase, in order of time; `alive` leaves the closed ones out."""
    paid = Payment.select(Payment.id).where(Payment.purchase.is_in(list(purchase_ids) or [0]))
    where: Condition = Ticket.payment.is_in(paid)
    if alive:
        where = where & (Ticket.status != "closed")
    found: dict[int, list[Row]] = defaultdict(list)
    for row in await Ticket.select(*_COLUMNS).where(where).order_by(Ticket.id):
        found[row["purchase"]].append(_row(row))
    return found


_COLUMNS = (
    Ticket.id,
    Ticket.subject,
    Ticket.topic,
    Ticket.status,
    Ticket.status_since,
    Ticket.opened_at,
    Ticket.opened_by,
    Ticket.payment,
    Ticket.booking,
    Ticket.student.name.as_alias("student"),
    Ticket.payment.purchase.as_alias("purchase"),
)


def _row(row: dict[str, Any]) -> Row:
    names = ("id", "subject", "topic", "status", "opened_by", "student")
    return Row(
        **{name: row[name] for name in (*names, "payment", "purchase", "booking")},
        since=row["status_since"] or row["opened_at"],
    )


def _view(view: str) -> Condition:
    return Ticket.id.is_not_null() if view == "all" else Ticket.status == view


def _beyond(oldest_first: bool, at: datetime | None, last: int) -> Condition:
    if not oldest_first or at is None:
        return Ticket.id < last
    # The textbook form, `a > x OR (a = x AND id > y)`, reads a hundred times more at depth.
    since = Ticket.status_since
    beyond: Condition = (since >= at) & ((since > at) | (Ticket.id > last))
    return beyond


def _matching(q: str) -> Condition:
    if match := _NUMBER.fullmatch(q):
        return Ticket.id == int(match[1])
    if match := _BOOKING.fullmatch(q):
        return Ticket.booking == int(match[1])
    people = Student.select(Student.id).where(
        contains(Student.name, q) | contains(Student.email, q)
    )
    found: Condition = (
        contains(Ticket.subject, q) | contains(Ticket.opened_by, q) | Ticket.student.is_in(people)
    )
    return found
