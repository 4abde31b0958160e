"""What the administration's columns are told beyond the database: secrets, help, choices, names."""

from collections.abc import Sequence
from enum import Enum
from typing import Any

from piccolo.columns.base import Column
from piccolo.columns.readable import Readable
from piccolo.table import Table

from dashboard.batches.tables import Batch, BatchRow
from dashboard.bookings.tables import IdempotencyKey, Instructor, PackageOffer, Student
from dashboard.columns import OneOf
from dashboard.mail.tables import Message
from dashboard.metrics.tables import Day
from dashboard.payments.tables import Operation
from dashboard.staff.tables import ApiToken, CalendarFeed, Staff, StaffSession
from dashboard.support.tables import HoldNote, Snooze, Ticket, TicketNote
from dashboard.web.admin_words import HELP

# Never sent to a browser, and nobody can search by them. A hash is a secret, too: it is what a
# stolen copy of the database would be guessed against. `lease` and `body` are no one's reading.
SECRETS: tuple[Column, ...] = (
    Staff.password,
    StaffSession.token_hash,
    ApiToken.token_hash,
    CalendarFeed.token_hash,
    IdempotencyKey.scope,
    IdempotencyKey.body_hash,
    Student.customer_key,
    Operation.body,
    Operation.lease,
    Message.lease,
    Batch.key,
    BatchRow.lease,
    Ticket.key,
    Ticket.body_hash,
    TicketNote.key,
    HoldNote.key,
    Snooze.key,
    # Numbers in bytes, which a page could not show.
    Day.waits,
    Day.wait_hours,
)
# By what a row is called where another table refers to it.
_CALLED: dict[type[Table], Column] = {
    Student: Student.name,
    Instructor: Instructor.name,
    PackageOffer: PackageOffer.name,
    Staff: Staff.email,
}


def describe(tables: Sequence[type[Table]]) -> None:
    """Tell the columns what only a page has to know: it changes nothing in the database."""
    for column in SECRETS:
        column._meta.secret = True
        known = column._meta.table._meta.secret_columns
        if not any(one is column for one in known):
            known.append(column)
    for table, called in _CALLED.items():
        table.get_readable = _readable(called)  # type: ignore[method-assign]
    for table in tables:
        for column in table._meta.columns:
            name = column._meta.name
            column._meta.help_text = HELP.get(f"{table._meta.tablename}.{name}") or HELP.get(name)
            if isinstance(column, OneOf):
                column._meta.choices = _choices(name, column._meta.params["values"])


def _choices(name: str, words: Sequence[str]) -> Any:
    return Enum(name, [(word, word) for word in words])


def _readable(called: Column) -> Any:
    return lambda: Readable(template="%s", columns=[called])
