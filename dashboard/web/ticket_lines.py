"""Tickets as the desk shows them: in a list, in a hold's timeline, on their own page."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from dashboard import formats
from dashboard.bookings.holds import NOBODY, subjects
from dashboard.support.queries import Row
from dashboard.support.tables import TicketNote

STATUS_NAMES = {"open": "Open", "waiting": "Waiting for others", "closed": "Closed"}
TOPIC_NAMES = {"hold": "Hold", "charge": "Charge", "refund": "Refund", "other": "Other"}


@dataclass(frozen=True, slots=True)
class Shown:
    """A ticket in a list."""

    id: int
    number: str
    subject: str
    topic: str
    status: str
    word: str
    waits: str
    moment: str
    iso: str
    opened_by: str
    student: str
    payment: int | None
    about: str


async def shown(rows: Iterable[Row], now: datetime, zone: ZoneInfo) -> list[Shown]:
    """These tickets, with the numbers of what they are about."""
    rows = list(rows)
    found = await subjects(sorted({row.purchase for row in rows if row.purchase is not None}))
    return [
        Shown(
            id=row.id,
            number=f"T{row.id}",
            subject=row.subject,
            topic=TOPIC_NAMES[row.topic],
            status=row.status,
            word=STATUS_NAMES[row.status],
            waits=span(row.since, now) if row.status != "closed" else "",
            moment=formats.moment(row.since, zone),
            iso=row.since.isoformat(),
            opened_by=row.opened_by,
            student=row.student or "",
            payment=row.payment,
            about=_about(row, found.get(row.purchase or 0, NOBODY).number),
        )
        for row in rows
    ]


def _about(row: Row, purchase_number: str) -> str:
    return f"#{row.booking}" if row.booking is not None else purchase_number


def span(since: datetime, now: datetime) -> str:
    """How long something waits, in its two largest units, rounded down."""
    return formats.countdown(now, since) if now > since else "under 1 min"


def heading(counts: Mapping[str, int], since: datetime | None, now: datetime) -> str:
    """What was found: how many wait for us, and how long the first of them does."""
    if counts["open"] and since is not None:
        long = span(since, now)
        if counts["open"] == 1:
            return f"1 ticket is open; it waits for {long}"
        return f"{counts['open']:,} tickets are open; the oldest waits for {long}"
    if counts["waiting"]:
        some = "1 waits" if counts["waiting"] == 1 else f"{counts['waiting']:,} wait"
        return f"No ticket is open; {some} for others"
    if counts["closed"]:
        count = counts["closed"]
        return f"No ticket is open; {'1 is' if count == 1 else f'all {count:,} are'} closed"
    return "No ticket was opened yet"


def done(note: TicketNote, zone: ZoneInfo) -> str:
    """What an entry says happened."""
    if note.kind == "paused":
        return (
            f"Paused the capture until {formats.moment(datetime.fromisoformat(note.detail), zone)}"
        )
    return {
        "opened": "Opened",
        "note": "Note",
        "reopened": "Opened again",
        "waiting": "Waits for others",
        "closed": "Closed",
        "topic": f"Sorted under {TOPIC_NAMES.get(note.detail, note.detail).lower()}",
        "linked": f"Linked to {note.detail}" if note.detail else "Linked to nothing",
    }[note.kind]
