"""Refunds that failed: a person is asked until the money has gone back, or is kept on purpose.

All of it runs in the caller's transaction.
"""

from collections.abc import Sequence
from typing import Any

from dashboard.payments.evidence import Movement
from dashboard.payments.queries import payment_facts
from dashboard.payments.tables import Payment, Purchase


async def refused(payment_id: int, said: str) -> None:
    """Keep why Stripe refused a refund, if more is kept than is owed: else nothing is left to do.

    While a dispute is open Stripe refunds nothing, which is no trouble of the refund's own: it is
    tried again when the dispute is won.
    """
    await Payment.update({"refund_trouble": said[:500]}).where(
        (Payment.id == payment_id) & (Payment.disputed_amount == 0)
    )
    await note(payment_id, [])


async def note(payment_id: int, news: Sequence[Movement]) -> None:
    """Keep that a refund has failed at the bank; forget it once it was paid back in another way."""
    payment = await Payment.objects().get(Payment.id == payment_id)
    assert payment is not None
    if not payment.refund_trouble and not any(_failed(movement) for movement in news):
        return
    purchase = await Purchase.objects().get(Purchase.id == payment.purchase)
    assert purchase is not None
    await Payment.update({"refund_trouble": left(purchase, payment, news)}).where(
        Payment.id == payment_id
    )


def left(purchase: Purchase, payment: Payment, news: Sequence[Movement]) -> str:
    """What is to be told of refunds that failed, of the rows as they stand after `news`."""
    said = str(payment.refund_trouble)
    failed = [movement.reason for movement in news if _failed(movement)]
    if failed:
        why = f" ({failed[-1].replace('_', ' ')})" if failed[-1] else ""
        said = f"The bank sent it back{why}."
    owed = purchase.owed if payment.current else payment.withdrawn_amount
    if owed is not None and payment_facts(payment).refundable <= owed:
        return ""
    return said


def is_over(purchase: Purchase, chosen: Payment) -> bool:
    """Whether a payment that stands from now on, and was to go back as the second, is all owed."""
    owed = purchase.price if purchase.owed is None else purchase.owed
    return bool(payment_facts(chosen).refundable <= owed)


def _failed(movement: Movement) -> bool:
    return movement.kind == "refund_failed"


async def clear(payment_id: int) -> None:
    """A person has taken the matter into their own hands, or all of the payment is owed now."""
    await Payment.update({"refund_trouble": ""}).where(Payment.id == payment_id)


async def keep_replaced(payment_id: int) -> bool:
    """Keep what could not be refunded of a payment that another one has replaced; false for others.

    What is owed is a matter of the payment that stands, and stays as it is.
    """
    row = await Payment.objects().get(Payment.id == payment_id)
    if row is None or row.current:
        return False
    kept: dict[Any, Any] = {"withdrawn_amount": payment_facts(row).refundable}
    kept["refund_trouble"] = ""
    await Payment.update(kept).where(Payment.id == row.id)
    return True
