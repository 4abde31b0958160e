"""One story of a purchase: its money, what the student was told, tickets and notes, by time."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from dashboard import formats
from dashboard.bookings import holds
from dashboard.mail import queries as mail
from dashboard.payments.tables import Payment
from dashboard.support import notes, snoozes
from dashboard.support import queries as tickets
from dashboard.support.queries import Row
from dashboard.support.tables import HoldNote, Snooze, TicketNote
from dashboard.web import timeline
from dashboard.web.ticket_lines import done
from dashboard.web.timeline import Told

GROUPS = {"money": "Money", "message": "Messages", "system": "System", "staff": "Staff"}
# So much of a ticket's text stands in the story; the ticket has the rest.
_SHORT = 200
_SENT = {
    "waiting": "Waits to be sent",
    "sending": "Is being sent",
    "failed": "Could not be sent",
    "skipped": "Not sent: it would have come too late",
}


@dataclass(frozen=True, slots=True)
class Filter:
    """A choice above the story: how many lines it has, and whether it is the one that is shown."""

    name: str
    called: str
    count: int
    chosen: bool


@dataclass(frozen=True, slots=True)
class Story:
    """The lines that are shown, oldest first, and what else could be."""

    lines: Sequence[Told]
    filters: Sequence[Filter]


async def story(
    purchase_id: int, payments: dict[int, Payment], asked: Sequence[Row], show: str, zone: ZoneInfo
) -> Story:
    """The story of a purchase; `show` is one of GROUPS, and anything else shows all of it."""
    found = [
        (entry.event.occurred_at, timeline.told(entry, payments, zone))
        for entry in await holds.story(purchase_id)
    ]
    found += [(row["created_at"], _mailed(row, zone)) for row in await mail.of_payments(payments)]
    found += [(row.written_at, _noted(row, zone)) for row in await notes.of_purchase(purchase_id)]
    left = await snoozes.of_purchase(purchase_id)
    found += [(row.made_at, _left(row, zone)) for row in left]
    subjects = {row.id: row.subject for row in asked}
    found += [
        (row.written_at, _asked(row, subjects[row.ticket], zone))
        for row in await tickets.entries(list(subjects))
        # A pause stands in the money's own story already, with the same reason and author.
        if row.kind != "paused"
    ]
    # Stripe's clock tells whole seconds; within one, money stands first.
    found.sort(key=lambda pair: pair[0].replace(microsecond=0))
    return _filtered([told for _, told in found], show if show in GROUPS else "")


def _filtered(lines: Sequence[Told], show: str) -> Story:
    counts = {name: sum(told.group == name for told in lines) for name in GROUPS}
    filters = [Filter("", "All", len(lines), not show)] + [
        Filter(name, GROUPS[name], count, name == show) for name, count in counts.items()
    ]
    shown = [told for told in lines if not show or told.group == show]
    # One kind of line alone leaves nothing to choose, unless it was chosen.
    several = show or sum(count > 0 for count in counts.values()) > 1
    return Story(shown, filters if several else [])


def _mailed(row: dict[str, Any], zone: ZoneInfo) -> Told:
    at: datetime = row["sent_at"] or row["created_at"]
    return Told(
        group="message",
        text=f"E-mail: {row['subject']}" if row["subject"] else "E-mail",
        reason=_SENT.get(row["state"], ""),
        actor=f"to {row['recipient']}",
        moment=formats.moment(at, zone),
        iso=at.isoformat(),
        status="mail",
        href=f"/mail/{row['id']}",
        called="Read it",
    )


def _noted(row: HoldNote, zone: ZoneInfo) -> Told:
    return Told(
        group="staff",
        text="Note",
        reason=row.body,
        actor=row.author,
        moment=formats.moment(row.written_at, zone),
        iso=row.written_at.isoformat(),
        status="note",
    )


def _left(row: Snooze, zone: ZoneInfo) -> Told:
    return Told(
        group="staff",
        text=f"Snoozed until {formats.moment(row.until, zone)}",
        reason=row.reason,
        actor=row.author,
        moment=formats.moment(row.made_at, zone),
        iso=row.made_at.isoformat(),
        status="note",
    )


def _asked(row: TicketNote, subject: str, zone: ZoneInfo) -> Told:
    word = f"{done(row, zone)}: {subject}" if row.kind == "opened" else done(row, zone)
    text = " ".join(row.body.split())
    return Told(
        group="staff",
        text=f"Ticket T{row.ticket} {word[:1].lower()}{word[1:]}",
        reason=text if len(text) <= _SHORT else f"{text[:_SHORT]}…",
        actor=row.author,
        moment=formats.moment(row.written_at, zone),
        iso=row.written_at.isoformat(),
        status="ticket",
        href=f"/tickets/{row.ticket}",
        called=f"T{row.ticket}",
    )
