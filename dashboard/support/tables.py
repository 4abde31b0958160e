"""Support tickets and the notes of the people who work them."""

from piccolo.columns import Text, Varchar
from piccolo.table import Table

from dashboard.bookings.tables import Booking, Student
from dashboard.columns import Instant, OneOf, Reference, SerialId
from dashboard.payments.tables import Payment

TOPICS = ("hold", "charge", "refund", "other")


class Ticket(Table, tablename="ticket"):
    """Somebody waits for an answer."""

    id = SerialId()
    topic = OneOf(TOPICS, default="other")
    status = OneOf(("open", "waiting", "closed"), default="open", index=True)
    subject = Varchar(length=200)
    student = Reference(Student, null=True, default=None, index=True)
    booking = Reference(Booking, null=True, default=None, index=True)
    payment = Reference(Payment, null=True, default=None, index=True)
    opened_by = Varchar(length=255)
    opened_at = Instant(index=True)
    closed_at = Instant(null=True)


class TicketNote(Table, tablename="ticket_note"):
    """What somebody wrote on a ticket."""

    id = SerialId()
    ticket = Reference(Ticket, index=True)
    author = Varchar(length=255)
    body = Text()
    written_at = Instant()
