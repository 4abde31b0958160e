"""What lies ahead of a student who is written to: the next try, the last moment, and the way on."""

from collections.abc import Sequence
from datetime import datetime

from dashboard import clock
from dashboard.bookings import pay_links
from dashboard.bookings.queries import ALIVE
from dashboard.bookings.tables import Booking
from dashboard.payments import queries
from dashboard.payments.case import ABANDONED_AFTER, HOLD_RETRIES
from dashboard.payments.holding import CARRIED_OUT
from dashboard.payments.tables import Payment, PaymentEvent, Purchase

# Events that ask the student for something, and those after which there is nothing to ask for.
ASKING = ("declined", "card_refused", "card_waiting")
ANSWERING = (*ASKING, "card_saved", "authorized", "captured", "charged", "let_go")


def otherwise(purchase: Purchase) -> str:
    """What becomes of a hold whose renewal the student does not confirm, as the rules decide it."""
    present = queries.policy(purchase)
    if present != "renew":
        return present
    paused = purchase.paused_until is not None and purchase.paused_until > clock.now()
    announced: str | None = purchase.announced_policy
    return announced if announced in CARRIED_OUT and not paused else "alert"


def next_try(purchase: Purchase) -> datetime | None:
    """When a refused hold is tried again by itself, if it is."""
    count, last = purchase.attempts_refused, purchase.attempt_refused_at
    if last is None or not 0 < count <= len(HOLD_RETRIES):
        return None
    at: datetime = last + HOLD_RETRIES[count - 1]
    return at if purchase.give_up_at is None or at < purchase.give_up_at else None


def confirm_by(payment: Payment) -> datetime:
    """Until when a payment that was begun, or the saving of its card, has to be confirmed."""
    begun: datetime = payment.created_at
    return begun + ABANDONED_AFTER


def link(booking: Booking | None, purchase: Purchase) -> str | None:
    """Where the student can go on, while the booking is alive and something may be owed."""
    if booking is None or booking.status not in ALIVE or purchase.owed == 0:
        return None
    return pay_links.address(booking.id)


def overtaken(
    event: PaymentEvent,
    story: Sequence[PaymentEvent],
    booking: Booking | None,
    purchase: Purchase,
    until: datetime | None,
) -> bool:
    """Whether what this event asks of the student has been answered, or is too late by now."""
    if event.kind not in ASKING:
        return False
    answered = any(one.id > event.id and one.kind in ANSWERING for one in story)
    over = purchase.owed == 0 or (booking is not None and booking.status not in ALIVE)
    return answered or over or (until is not None and until <= clock.now())
