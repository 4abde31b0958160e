"""The queue of the mail: events that nobody has read for it yet, and messages."""

from piccolo.columns import Integer, Text, Varchar
from piccolo.table import Table

from dashboard.columns import Instant, OneOf, Reference, SerialId
from dashboard.mail.facts import State, Template
from dashboard.payments.tables import Payment, PaymentEvent


class UnreadEvent(Table, tablename="mail_unread"):
    """An event that no message was derived from yet; gone once it was.

    A trigger of the database makes the row in the transaction that records the event. No event is
    missed that way, in whatever order the transactions commit, and nothing has to be searched.
    """

    id = SerialId()
    event = Reference(PaymentEvent, unique=True)
    due_at = Instant(index=True)
    attempts = Integer(default=0)
    error = Varchar(length=500, default="")


class Message(Table, tablename="message"):
    """One e-mail: what it says, to whom, and how far it has come. One per event and template."""

    id = SerialId()
    event = Reference(PaymentEvent)
    payment = Reference(Payment, index=True)
    template = OneOf(Template)
    # As staff call the booking or the package: #12, P3.
    number = Varchar(length=40, index=True)
    recipient = Varchar(length=254, index=True)
    recipient_name = Varchar(length=200, default="")
    subject = Varchar(length=300)
    # What was said stays readable as it was said; a skipped message was never written.
    text = Text(default="")
    html = Text(default="")
    # Stays the same however often it is sent, so that the reader's program shows it once.
    message_id = Varchar(length=255, unique=True)
    state = OneOf(State, default=State.WAITING)
    attempts = Integer(default=0)
    # When it may be taken up: at once, after a back-off, or when the lease of a sender is over.
    due_at = Instant(null=True, index=True)
    lease = Varchar(length=36, null=True, default=None)
    error = Varchar(length=500, default="")
    event_at = Instant()
    created_at = Instant()
    sent_at = Instant(null=True)
    # Staff had it sent once more: when the last time, and who.
    resent_at = Instant(null=True)
    resent_by = Varchar(length=255, default="")


class Notice(Table, tablename="notice"):
    """One e-mail to ourselves, at ALERT_EMAIL. Delivered as messages are, and before them."""

    id = SerialId()
    template = Varchar(length=40)
    recipient = Varchar(length=254)
    recipient_name = Varchar(length=200, default="")
    subject = Varchar(length=300)
    text = Text()
    html = Text()
    message_id = Varchar(length=255, unique=True)
    state = OneOf(State, default=State.WAITING)
    attempts = Integer(default=0)
    due_at = Instant(null=True, index=True)
    lease = Varchar(length=36, null=True, default=None)
    error = Varchar(length=500, default="")
    created_at = Instant()
    sent_at = Instant(null=True)
