"""A ticket that makes the automatic capture wait, until somebody has an answer."""

from dataclasses import dataclass
from datetime import datetime

from dashboard.bookings.errors import BadOrder
from dashboard.payments import instructions
from dashboard.payments.actors import Actor
from dashboard.payments.tables import Payment


@dataclass(frozen=True, slots=True)
class Pause:
    """Capture nothing by itself before `until`; `policy` is chosen along with it, or none is."""

    until: datetime
    reason: str
    policy: str | None = None


async def apply(pause: Pause, payment_id: int | None, by: Actor) -> None:
    """Pause the capture of the payment that a ticket is about, in the caller's transaction.

    Raises BadOrder for a ticket about no payment, and NotAllowed and Busy like
    `instructions.pause`.
    """
    payment = None
    if payment_id is not None:
        payment = await Payment.objects().get(Payment.id == payment_id)
    if payment is None:
        raise BadOrder(("pause", "Only a ticket about a payment can pause its capture."))
    await instructions.pause_within(payment.purchase, pause.until, pause.reason, by, pause.policy)
