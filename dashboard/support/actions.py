"""Opens tickets and works them. Every change leaves an entry in the ticket's own story."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from dashboard import clock, db
from dashboard.bookings.errors import BadOrder, KeyReused
from dashboard.payments.actors import Actor
from dashboard.support import wording
from dashboard.support.errors import NoSuchTicket, Stale
from dashboard.support.links import Link
from dashboard.support.pausing import Pause, apply
from dashboard.support.tables import STATUSES, TOPICS, Ticket, TicketNote

# The entry that a change of status leaves.
_ENTRY = {"open": "reopened", "waiting": "waiting", "closed": "closed"}


@dataclass(frozen=True, slots=True)
class Opening:
    """A ticket to be opened. `key` makes it count once, for the same `body_hash`. With `pause` the
    automatic capture waits: both happen or neither."""

    topic: str
    subject: str
    body: str
    about: Link
    by: Actor
    key: str | None = None
    body_hash: str = ""
    pause: Pause | None = None


@dataclass(frozen=True, slots=True)
class Word:
    """What somebody does to a ticket. `shown` is the version that their page was made of; `key`
    makes it count once, however often the form arrives."""

    by: Actor
    key: str | None
    body: str = ""
    shown: int = 0


async def open_ticket(opening: Opening) -> int:
    """Open a ticket; answers its id, of the first one if the key comes again.

    Raises BadOrder for what can't be one, KeyReused for a key that opened another, and what
    `pausing.apply` raises.
    """
    topic = None if opening.topic in TOPICS else f"Choose one of: {', '.join(TOPICS)}."
    _refuse(
        ("topic", topic),
        ("subject", wording.subject_fault(opening.subject)),
        ("body", wording.text_fault(opening.body)),
    )
    known = await _known(opening)
    if known is not None:
        return known
    async with db.transaction():
        made = await _insert(opening)
        if made is not None:
            await _write(made, "opened", Word(opening.by, None, opening.body))
            if opening.pause is not None:
                await _paused(made, opening.about.payment, opening.pause, opening.by)
            return made
    # Another request with the same key was faster by less than a moment.
    known = await _known(opening)
    assert known is not None
    return known


async def _known(opening: Opening) -> int | None:
    """The ticket that this key opened before; KeyReused if that was another."""
    if opening.key is None:
        return None
    found = await Ticket.objects().get(Ticket.key == opening.key)
    if found is not None and found.body_hash != opening.body_hash:
        raise KeyReused
    return None if found is None else int(found.id)


async def note(ticket_id: int, word: Word) -> None:
    """Write something on a ticket. Raises BadOrder, NoSuchTicket, KeyReused."""
    _refuse(("body", wording.text_fault(word.body)))
    async with db.transaction():
        if not await Ticket.exists().where(Ticket.id == ticket_id):
            raise NoSuchTicket(ticket_id)
        await _write(ticket_id, "note", word)


async def pause(ticket_id: int, wanted: Pause, word: Word) -> None:
    """Pause the automatic capture of what the ticket is about.

    Raises NoSuchTicket, KeyReused, and what `pausing.apply` raises.
    """
    async with db.transaction():
        row = await Ticket.objects().get(Ticket.id == ticket_id)
        if row is None:
            raise NoSuchTicket(ticket_id)
        await _paused(ticket_id, row.payment, wanted, word.by, word.key)


async def _paused(
    ticket_id: int, payment_id: int | None, wanted: Pause, by: Actor, key: str | None = None
) -> None:
    """The entry first: a form that arrives twice pauses once."""
    word = Word(by, key, wanted.reason)
    if await _write(ticket_id, "paused", word, wanted.until.isoformat()):
        await apply(wanted, payment_id, by)


async def turn(ticket_id: int, status: str, word: Word) -> None:
    """Close it, let it wait for others, or open it again; a text may go along.

    Raises BadOrder, NoSuchTicket, KeyReused; and Stale if it was changed since the page was made.
    """
    _refuse(
        ("status", None if status in STATUSES else f"Choose one of: {', '.join(STATUSES)}."),
        ("body", wording.text_fault(word.body) if word.body.strip() else None),
    )
    now = clock.now()
    closed_at = now if status == "closed" else None
    values = {"status": status, "status_since": now, "closed_at": closed_at}
    await _change(ticket_id, _ENTRY[status], word, values, Ticket.status != status)


async def sort(ticket_id: int, topic: str, word: Word) -> None:
    """Sort it under another topic; the one at its opening stays. Raises like `turn`."""
    _refuse(("topic", None if topic in TOPICS else f"Choose one of: {', '.join(TOPICS)}."))
    await _change(ticket_id, "topic", word, {"topic": topic}, Ticket.topic != topic, topic)


async def link(ticket_id: int, about: Link, said: str, word: Word) -> None:
    """Say what it is about; `said` is how the entry calls that. Raises like `turn`."""
    values = {"student": about.student, "booking": about.booking, "payment": about.payment}
    await _change(ticket_id, "linked", word, values, Ticket.id.is_not_null(), said[:200])


async def _insert(opening: Opening) -> int | None:
    now, about = clock.now(), opening.about
    row = Ticket(
        topic=opening.topic,
        opened_topic=opening.topic,
        status="open",
        status_since=now,
        subject=opening.subject.strip(),
        student=about.student,
        booking=about.booking,
        payment=about.payment,
        opened_by=opening.by.name[:255],
        opened_at=now,
        key=opening.key,
        body_hash=opening.body_hash,
    )
    made = await Ticket.insert(row).on_conflict(action="DO NOTHING", target=Ticket.key)
    return int(made[0]["id"]) if made else None


async def _change(
    ticket_id: int, kind: str, word: Word, values: Mapping[Any, Any], differs: Any, detail: str = ""
) -> None:
    """The entry first: the second of two that are the same stops there, whoever was faster."""
    async with db.transaction():
        if not await Ticket.exists().where(Ticket.id == ticket_id):
            raise NoSuchTicket(ticket_id)
        if not await _write(ticket_id, kind, word, detail):
            return
        rows = (
            await Ticket.update({**values, Ticket.version: Ticket.version + 1})
            .where((Ticket.id == ticket_id) & (Ticket.version == word.shown) & differs)
            .returning(Ticket.id)
        )
        if not rows:
            raise Stale


async def _write(ticket_id: int, kind: str, word: Word, detail: str = "") -> bool:
    """Append an entry; false if it stands there already."""
    row = TicketNote(
        ticket=ticket_id,
        kind=kind,
        author=word.by.name[:255],
        body=word.body,
        detail=detail,
        written_at=clock.now(),
        key=word.key,
    )
    made = await TicketNote.insert(row).on_conflict(action="DO NOTHING", target=TicketNote.key)
    if made:
        return True
    known = await TicketNote.objects().get(TicketNote.key == word.key)
    assert known is not None
    if (known.ticket, known.kind, known.body, known.detail) != (ticket_id, kind, word.body, detail):
        raise KeyReused
    return False


def _refuse(*found: tuple[str, str | None]) -> None:
    if faults := [(field, fault) for field, fault in found if fault is not None]:
        raise BadOrder(*faults)
