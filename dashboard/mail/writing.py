"""Derives messages from events. Each event is read once; one that fails comes again, alone."""

import hashlib
from collections.abc import Sequence
from datetime import datetime, timedelta
from email.utils import parseaddr
from typing import Any

import structlog

from dashboard import clock, db, settings
from dashboard.bookings.tables import Student
from dashboard.mail import messages, rendering
from dashboard.mail.facts import Facts, State
from dashboard.mail.letters import Letter
from dashboard.mail.reading import facts_of
from dashboard.mail.tables import Message, UnreadEvent
from dashboard.payments.tables import PaymentEvent

log = structlog.get_logger()
# Later than this a message is no news to anybody: a worker that was away for a weekend still tells.
TOO_OLD = timedelta(days=3)
_WAS_OLD = f"It was more than {TOO_OLD.days} days old when it could have been sent."
_WAS_OVERTAKEN = "Something else had happened by then, or it was too late for what it asks for."
FIRST_RETRY = timedelta(minutes=1)
LONGEST_RETRY = timedelta(hours=1)


def delay(attempts: int) -> timedelta:
    """How long to wait after so many failed attempts: 1, 2, 4 … 60 minutes."""
    wait: timedelta = min(FIRST_RETRY * 2 ** min(attempts - 1, 10), LONGEST_RETRY)
    return wait


async def due_events(limit: int) -> list[int]:
    """Events that no message was derived from yet, the oldest first."""
    rows = (
        await UnreadEvent.select(UnreadEvent.event)
        .where(UnreadEvent.due_at <= clock.now())
        .order_by(UnreadEvent.due_at)
        .order_by(UnreadEvent.id)
        .limit(limit)
    )
    return [row["event"] for row in rows]


async def read(event_id: int) -> bool:
    """Derive the message of one event, or find that there is none; true when one was queued.

    Idempotent, also with several workers. Never raises for what is wrong with the event: it is
    backed off and the ones behind it go on.
    """
    try:
        return await _read(event_id)
    except db.CONNECTION_ERRORS:
        raise
    except Exception as error:
        log.exception("mail.unreadable", event_id=event_id, error=type(error).__name__)
        await _postpone(event_id, error)
        return False


async def _read(event_id: int) -> bool:
    event = await PaymentEvent.objects().get(PaymentEvent.id == event_id)
    assert event is not None
    message = await _message(event)
    async with db.transaction():
        gone = (
            await UnreadEvent.delete()
            .where(UnreadEvent.event == event_id)
            .returning(UnreadEvent.event)
        )
        if not gone or message is None:
            return False
        await Message.insert(message).on_conflict(action="DO NOTHING")
    return message.state == State.WAITING


async def _message(event: PaymentEvent) -> Message | None:
    found = await facts_of(event)
    if found is None:
        return None
    facts, student = found
    letter = messages.letter(facts)
    return None if letter is None else _row(event, facts, student, letter)


def _row(event: PaymentEvent, facts: Facts, student: Student, letter: Letter) -> Message:
    now = clock.now()
    row = Message(
        event=event.id,
        payment=event.payment,
        template=letter.template,
        number=facts.number,
        recipient=student.email,
        recipient_name=rendering.one_line(student.name),
        subject=rendering.one_line(letter.subject, 300),
        message_id=_message_id(event, letter),
        event_at=event.recorded_at,
        created_at=now,
    )
    old = event.recorded_at <= now - TOO_OLD
    if old or facts.overtaken:
        row.state, row.error = State.SKIPPED, _WAS_OLD if old else _WAS_OVERTAKEN
        return row
    row.text, row.html, row.due_at = rendering.text(letter), rendering.html(letter), now
    return row


def _message_id(event: PaymentEvent, letter: Letter) -> str:
    """The same however often it is made: the event's own key is in it."""
    digest = hashlib.sha256(f"{event.key} {letter.template}".encode()).hexdigest()[:32]
    domain = parseaddr(settings.current().mail_from)[1].rpartition("@")[2]
    return f"<{letter.template}.{event.id}.{digest}@{domain}>"


async def _postpone(event_id: int, error: Exception) -> None:
    row = await UnreadEvent.objects().get(UnreadEvent.event == event_id)
    if row is None:
        return
    values: dict[Any, Any] = {
        "attempts": row.attempts + 1,
        "due_at": clock.now() + delay(row.attempts + 1),
        "error": f"{type(error).__name__}: {error}"[:500],
    }
    await UnreadEvent.update(values).where(UnreadEvent.event == event_id)


async def troubled() -> Sequence[tuple[int, str, datetime]]:
    """Events whose message could not be written yet: id, what went wrong, and the next try."""
    rows = (
        await UnreadEvent.select(UnreadEvent.event, UnreadEvent.error, UnreadEvent.due_at)
        .where(UnreadEvent.attempts > 0)
        .order_by(UnreadEvent.id)
        .limit(20)
    )
    return [(row["event"], row["error"], row["due_at"]) for row in rows]
