"""Stripe is read before a movement is claimed that could be the second of its kind.

A refund that somebody made in Stripe's own dashboard, and an attempt that its customer completed
after all, are known there before their events have reached us.
"""

import contextlib

from dashboard.payments import ledger, queries
from dashboard.payments.facts import CREATES, Verb
from dashboard.payments.tables import Operation, Payment
from dashboard.stripe_gateway import NotThere

# Of an intent that is none of these something may come yet: an attempt that failed, too, can be
# confirmed by whoever was handed its client secret.
_ENDED = ("requires_capture", "succeeded", "canceled")


async def look(verb: Verb, purchase_id: int, payment_id: int | None = None) -> None:
    """Post what may have changed at Stripe and would speak against `verb`; the rules then see it.

    A refund reads its payment (the current one without an id), a new attempt those before it.
    Captures and releases read nothing: Stripe ends a hold once. Raises Unreachable, and then
    nothing must be sent.
    """
    if verb is not Verb.REFUND and verb not in CREATES:
        return
    books = await queries.books(purchase_id)
    for payment in books.payments if books else ():
        if payment.stripe_intent_id is None or not _speaks(payment, verb, payment_id):
            continue
        # One that others are posting all the time is fresh, and what this Stripe does not know can
        # tell nothing.
        with contextlib.suppress(NotThere, ledger.Contended):
            await ledger.post(payment.id)


async def look_once(
    operation_id: str, verb: Verb, purchase_id: int, payment_id: int | None = None
) -> None:
    """As `look`, for a wish: one that was asked before is answered as then, and reads nothing."""
    if not await Operation.exists().where(Operation.id == operation_id):
        await look(verb, purchase_id, payment_id)


def _speaks(payment: Payment, verb: Verb, payment_id: int | None) -> bool:
    if verb is Verb.REFUND:
        return payment.current if payment_id is None else payment.id == payment_id
    return payment.intent_status not in _ENDED
