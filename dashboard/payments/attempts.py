"""The payment that an attempt to pay is for. All of it runs in the caller's transaction."""

from dashboard import clock
from dashboard.payments import queries
from dashboard.payments.facts import Status
from dashboard.payments.tables import Payment, Purchase


async def begin(purchase: Purchase, books: queries.Books) -> Payment:
    """The payment that a new attempt is for: a planned one, or a new one.

    A hold that is to be renewed stays current until the new one stands.
    """
    current = books.current
    if current is not None and queries.payment_facts(current).planned:
        return current
    if current is not None and queries.payment_facts(current).held:
        return await plan(purchase, renews=current.id)
    return await replace_current(purchase)


async def replace_current(purchase: Purchase) -> Payment:
    """A new planned payment in the place of one that came to nothing; in a transaction."""
    await Payment.update({"current": False}).where(
        (Payment.purchase == purchase.id) & (Payment.current.eq(True))
    )
    return await plan(purchase)


async def plan(purchase: Purchase, renews: int | None = None) -> Payment:
    """A payment of which nothing is asked yet, inside the caller's transaction."""
    payment = Payment(
        purchase=purchase.id,
        current=renews is None,
        renews=renews,
        payment_status=Status.PENDING,
        currency=purchase.currency,
        created_at=clock.now(),
    )
    await payment.save()
    return payment
