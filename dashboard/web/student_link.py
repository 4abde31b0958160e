"""What the student is asked to do, where, until when, and whether the e-mail about it went out."""

from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from dashboard import formats
from dashboard.bookings import till
from dashboard.bookings.holds import Hold
from dashboard.bookings.tables import Booking
from dashboard.bookings.till import Stage
from dashboard.mail import again, prospects
from dashboard.mail.facts import State
from dashboard.mail.tables import Message

_ASKED = {
    "payment": "Confirm the payment with the bank",
    "renewal": "Confirm the new hold with the bank",
    "card": "Confirm the card with the bank",
}


@dataclass(frozen=True, slots=True)
class Panel:
    """The student's own page, as long as there is something to do on it."""

    asked: str
    until: str
    address: str
    message: Message | None
    told: str
    sendable: bool


async def panel(found: Hold, zone: ZoneInfo) -> Panel | None:
    """None where nothing is asked of the student, or nothing can be done any more."""
    books = found.books
    if not found.payment.current or till.stage(books) not in (Stage.CARD, Stage.CONFIRM):
        return None
    mine = Booking.objects().where(Booking.purchase == books.purchase.id)
    address = prospects.link(await mine.order_by(Booking.id).first(), books.purchase)
    if address is None:
        return None
    row = await again.last_link(books.purchase.id)
    question = till.question(books)
    until = _until(found)
    return Panel(
        asked=_ASKED[question.about] if question else "Pay with a card",
        until=formats.moment(until, zone) if until else "",
        address=address,
        message=row,
        told=_told(row, zone) if row else "No e-mail about it yet",
        sendable=row is not None and State(row.state) in (State.SENT, State.FAILED),
    )


def _until(found: Hold) -> datetime | None:
    """The last moment at which it helps; None while the booking stands."""
    question, facts = till.question(found.books), found.facts
    if question is not None and question.about != "renewal":
        return prospects.confirm_by(found.payment)
    if facts.held:
        return facts.expires_at
    at: datetime | None = found.books.purchase.give_up_at
    return at


def _told(row: Message, zone: ZoneInfo) -> str:
    by = f", again by {row.resent_by}" if row.resent_by else ""
    state = State(row.state)
    if state is State.SENT and row.sent_at is not None:
        return f"Sent {formats.moment(row.sent_at, zone)}{by}"
    if state is State.FAILED:
        return f"Could not be delivered: {row.error}" if row.error else "Could not be delivered"
    return f"Due to be sent{by}" + (f": {row.error}" if row.error else "")
