"""Which of a purchase's payments is the current one; the ledger asks after every post."""

from collections.abc import Sequence

from dashboard.payments import trouble
from dashboard.payments.facts import Status
from dashboard.payments.queries import payment_facts
from dashboard.payments.tables import Payment, Purchase


async def choose_current(purchase: Purchase) -> None:
    """Make the payment current that `standing_one` names, by the purchase as it stands now."""
    rows = await Payment.objects().where(Payment.purchase == purchase.id)
    chosen = standing_one(rows, purchase.owed)
    if chosen.current:
        return
    await Payment.update({"current": False}).where(
        (Payment.purchase == purchase.id) & (Payment.current.eq(True))
    )
    await Payment.update({"current": True}).where(Payment.id == chosen.id)
    if trouble.is_over(purchase, chosen):
        await trouble.clear(chosen.id)


def standing_one(rows: Sequence[Payment], owed: int | None) -> Payment:
    """The payment that was captured or charged first; else the newest hold; else the newest.

    An attempt to renew a hold is none of these until it stands.

    One that has money and is current stays so. The time of a capture can become known better later
    on, and a change of mind would give back the second payment after the first. While something is
    owed, one whose money has all gone back stands behind one that was paid as well and is not kept
    on purpose: somebody gave back the first of the two.
    """

    def rank(row: Payment) -> tuple[int, int, float]:
        if row.renews is not None and row.payment_status in (Status.PENDING, Status.FAILED):
            # An attempt to renew a hold that came to nothing says nothing about the payment.
            return -1, 0, row.id
        if row.captured_amount > 0 and row.captured_at is not None:
            # Where nothing is owed none takes the place of another: all of them go back.
            kept = owed != 0 and payment_facts(row).kept > row.withdrawn_amount
            return 2, 2 * kept + row.current, -row.captured_at.timestamp()
        return (1 if row.payment_status == Status.AUTHORIZED else 0), 0, row.id

    return max(rows, key=rank)
