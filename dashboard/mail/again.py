"""Sends a message once more, because the student can't find it or could not be reached."""

import uuid
from datetime import timedelta

from dashboard import clock
from dashboard.mail.facts import State, Template
from dashboard.mail.tables import Message
from dashboard.payments.tables import Payment

# Whoever presses twice means it once.
PAUSE = timedelta(minutes=1)
# The messages that lead the student to their own page.
LINKED = (
    Template.DECLINED,
    Template.CARD_REFUSED,
    Template.CONFIRM_CARD,
    Template.AUTHENTICATE,
    Template.HOLD_REFUSED,
)
_ENDED = (State.SENT, State.FAILED)


async def last_link(purchase_id: int) -> Message | None:
    """The latest message of a purchase that has a link to the student's page in it."""
    payments = Payment.select(Payment.id).where(Payment.purchase == purchase_id)
    about = Message.payment.is_in(payments)
    linked = Message.template.is_in([str(template) for template in LINKED])
    found = Message.objects().where(about & linked & (Message.state != str(State.SKIPPED)))
    row: Message | None = await found.order_by(Message.id, ascending=False).first()
    return row


async def send_again(row: Message, by: str) -> bool:
    """Make a sent or failed message due once more; false if it was not, or was a moment ago.

    It gets a new Message-ID: under the old one the reader's program would hide it.
    """
    now = clock.now()
    rested = Message.resent_at.is_null() | (Message.resent_at <= now - PAUSE)
    ended = Message.state.is_in([str(state) for state in _ENDED])
    rows = (
        await Message.update(
            {
                Message.state: State.WAITING,
                Message.due_at: now,
                Message.attempts: 0,
                Message.error: "",
                Message.message_id: f"<again.{uuid.uuid4()}@{row.message_id.rpartition('@')[2]}",
                Message.resent_at: now,
                Message.resent_by: by[:255],
            }
        )
        .where((Message.id == row.id) & ended & rested)
        .returning(Message.id)
    )
    return bool(rows)
