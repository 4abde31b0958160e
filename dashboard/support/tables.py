"""Support tickets and the notes of the people who work them."""

from piccolo.columns import BigInt, Integer, Text, Varchar
from piccolo.table import Table

from dashboard.bookings.tables import Booking, Student
from dashboard.columns import Instant, OneOf, Reference, SerialId
from dashboard.payments.tables import Payment, Purchase

TOPICS = ("hold", "charge", "refund", "other")
STATUSES = ("open", "waiting", "closed")
# What an entry of a ticket's story can be. The first one has what was asked as its body.
ENTRIES = ("opened", "note", "reopened", "waiting", "closed", "topic", "linked", "paused")


class Ticket(Table, tablename="ticket"):
    """Somebody waits for an answer."""

    id = SerialId()
    topic = OneOf(TOPICS, default="other")
    # What it was about when it came. The metric counts this one: a ticket that is sorted under
    # another topic later must not change a day that was reported already.
    opened_topic = OneOf(TOPICS, default="other")
    status = OneOf(STATUSES, default="open", index=True)
    # Since when it has this status: how long somebody waits, a ticket that was reopened included.
    status_since = Instant(null=True)
    subject = Varchar(length=200)
    student = Reference(Student, null=True, default=None, index=True)
    booking = Reference(Booking, null=True, default=None, index=True)
    payment = Reference(Payment, null=True, default=None, index=True)
    opened_by = Varchar(length=255)
    opened_at = Instant(index=True)
    closed_at = Instant(null=True)
    # Raised by every change of status, topic or link: what an old page asks for is refused.
    version = Integer(default=0)
    # What was sent once and arrives again opens nothing new. An index keeps it unique.
    key = Varchar(length=64, null=True, default=None)
    body_hash = Varchar(length=64, default="")


class TicketNote(Table, tablename="ticket_note"):
    """One entry of a ticket's story: what somebody wrote, or what they changed."""

    id = SerialId()
    ticket = Reference(Ticket, index=True)
    kind = OneOf(ENTRIES, default="note")
    author = Varchar(length=255)
    body = Text()
    # The words of a change: the topics before and after, or what it was linked to.
    detail = Varchar(length=200, default="")
    written_at = Instant()
    key = Varchar(length=64, null=True, default=None)


class HoldNote(Table, tablename="hold_note"):
    """What somebody wrote on a hold, for the desk alone. The database refuses to change it."""

    id = SerialId()
    purchase = Reference(Purchase, index=True)
    # The payment whose page it was written on; all of the purchase's pages show it.
    payment = Reference(Payment)
    author = Varchar(length=255)
    body = Text()
    written_at = Instant()
    # What was sent once and arrives again writes nothing new.
    key = Varchar(length=64, unique=True)


class Snooze(Table, tablename="snooze"):
    """Somebody left a payment for later. The newest row of a payment counts, while it is as it was
    then; the database refuses to change one."""

    id = SerialId()
    purchase = Reference(Purchase, index=True)
    payment = Reference(Payment, index=True)
    author = Varchar(length=255)
    author_staff = BigInt(null=True, default=None)
    reason = Varchar(length=400)
    until = Instant()
    # What it was, and why it needed a person: with another of either the snooze is over.
    payment_status = Varchar(length=20)
    attention = Varchar(length=40, default="")
    made_at = Instant(index=True)
    # What was sent once and arrives again snoozes nothing anew.
    key = Varchar(length=64, unique=True)
