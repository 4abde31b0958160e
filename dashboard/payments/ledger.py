"""The only code that changes a payment's status or amounts.

`post` reads the payment's version, asks Stripe how things stand, and commits only if the version
still stands. The version goes up on every post, also when nothing changed: a snapshot that was
taken before another one was committed can never win afterwards.
"""

from datetime import datetime
from typing import Any

import structlog

from dashboard import clock, db
from dashboard.payments import trouble, verdict
from dashboard.payments.actors import SWEEP
from dashboard.payments.current import choose_current
from dashboard.payments.events import write_movements, write_operation, write_word
from dashboard.payments.evidence import Movement
from dashboard.payments.facts import CREATES, OPEN, State, Status, Verb
from dashboard.payments.queries import payment_facts
from dashboard.payments.tables import Operation, Payment, PaymentEvent, Purchase, StripeEvent
from dashboard.payments.turning import (
    card_works,
    count_attempt,
    reset_refusals,
    touch,
    turn,
)
from dashboard.snapshots import Charge, Intent, Refusal
from dashboard.stripe_gateway import gateway

log = structlog.get_logger()
TRIES = 5


class Contended(Exception):
    """Five reads of Stripe lost the race against other posts; the payment is left due."""


class _Stale(Exception):
    """The version moved while Stripe was read."""


async def post(payment_id: int, event_at: datetime | None = None) -> Payment:
    """Bring a payment in line with Stripe and record every movement that is not yet recorded.

    `event_at` is the time of the event that made us look. Raises the gateway's Unreachable and
    NotThere, and Contended after five lost races; in each case nothing was changed.
    """
    db.require_no_transaction("a post")
    for _ in range(TRIES):
        before = await _payment(payment_id)
        intent = await gateway().fetch(before.stripe_intent_id or "")
        try:
            return await commit(before, intent, event_at)
        except _Stale:
            continue
    await leave_due(payment_id)
    raise Contended(payment_id)


async def leave_due(payment_id: int) -> None:
    """Ask the sweep to post this payment at the next minute."""
    await Payment.update({Payment.post_due_at: clock.now()}).where(Payment.id == payment_id)


async def commit(before: Payment, intent: Intent, event_at: datetime | None) -> Payment:
    """Write a snapshot over the version that was read before the snapshot was taken."""
    async with db.transaction():
        purchase = await touch(before.purchase)
        version = {"post_due_at": None, "version": before.version + 1}
        values: dict[Any, Any] = {**verdict.columns(intent, before.captured_at), **version}
        rows = (
            await Payment.update(values)
            .where((Payment.id == before.id) & (Payment.version == before.version))
            .returning(*Payment.all_columns())
        )
        if not rows:
            raise _Stale
        payment = Payment(**rows[0])
        event_at = verdict.news_at(event_at, before.synced_at)
        operations = await _operations(payment.id)
        await _close_proven(operations, intent, purchase)
        news = await write_movements(payment, intent, operations, event_at)
        if any(movement.kind in verdict.HOLDS for movement in news):
            # Without the wish to save it, a card is used up by its first payment.
            saved = intent.payment_method if purchase.saves_card else None
            await card_works(purchase.id, saved)
        await choose_current(purchase)
        await _lower_owed(purchase, payment.id, news, operations)
        await trouble.note(payment.id, news)
        return await _payment(payment.id)


async def learn_fee(payment_id: int, charge: Charge) -> None:
    """Keep the fee of a charge that was booked after the last post; once told, it never changes."""
    values: dict[Any, Any] = {
        "fee_amount": charge.fee,
        "fee_currency": charge.fee_currency,
        "version": Payment.version + 1,
    }
    await Payment.update(values).where(
        (Payment.id == payment_id)
        & (Payment.stripe_charge_id == charge.id)
        & Payment.fee_amount.is_null()
    )


async def attach(payment_id: int, intent_id: str) -> None:
    """Keep the id of the intent that a create made; events that waited for it are tried again."""
    async with db.transaction():
        attached = (
            await Payment.update(
                {Payment.stripe_intent_id: intent_id, Payment.version: Payment.version + 1}
            )
            .where((Payment.id == payment_id) & (Payment.stripe_intent_id.is_null()))
            .returning(Payment.id)
        )
        if not attached:
            # Orphans that were woken in vain would wake each other until all of them are dead.
            return
        await StripeEvent.update({"state": "waiting", "due_at": clock.now()}).where(
            (StripeEvent.intent_id == intent_id) & (StripeEvent.state == "orphan")
        )


async def _close_proven(operations: list[Operation], intent: Intent, purchase: Purchase) -> None:
    for operation in operations:
        is_open = State(operation.state) in OPEN
        verbs = (Verb(operation.asked_verb), Verb(operation.verb))
        proven = verdict.closing(operation.id, verbs, State(operation.state), intent)
        if proven is None:
            continue
        said = intent.last_refusal if proven is State.REFUSED else None
        values: dict[str, Any] = {"closed_by": "post"}
        if said:
            values |= {"error_code": (said.decline_code or said.code)[:80]}
            values |= {"error_message": said.message[:500]}
        if not await turn(operation, proven, values):
            # Somebody took it up meanwhile, and will read Stripe again: it is closed then, once.
            continue
        if not is_open:
            log.error("operation.corrected", operation=operation.id, was=operation.state)
            await write_operation(operation, State.SUCCEEDED, "Found at Stripe after all.")
        if proven is State.REFUSED and said:
            await write_operation(operation, proven, said.message)
            if Verb(operation.asked_verb) in CREATES:
                await count_attempt(operation, said)
        if proven is State.SUCCEEDED:
            await reset_refusals(purchase.id)


async def never_created(operation: Operation, refusal: Refusal) -> bool:
    """A create that left no intent behind: the attempt has failed and nothing is held."""
    return await failed(operation.payment, refusal)


async def failed(payment_id: int, refusal: Refusal) -> bool:
    """Nothing came of a payment that has no intent; in the caller's transaction."""
    rows = (
        await Payment.update(
            {
                "payment_status": Status.FAILED,
                "refusal_code": (refusal.decline_code or refusal.code)[:80],
                "refusal_message": refusal.message[:500],
                "version": Payment.version + 1,
            }
        )
        .where((Payment.id == payment_id) & (Payment.stripe_intent_id.is_null()))
        .returning(Payment.id)
    )
    return bool(rows)


async def never_asked(purchase_id: int) -> None:
    """Nothing is owed: a planned payment of which nothing was asked yet ends here."""
    if await Operation.exists().where(Operation.open_for == purchase_id):
        return
    planned = (
        await Payment.objects()
        .where(
            (Payment.purchase == purchase_id)
            & (Payment.payment_status == Status.PENDING)
            & Payment.stripe_intent_id.is_null()
        )
        .first()
    )
    if planned is not None:
        await failed(planned.id, Refusal("cancelled", "It was called off before the hold."))
        await write_word(planned, "cancelled", "", SWEEP, key=f"cancel:planned:{planned.id}")


async def _lower_owed(
    purchase: Purchase, payment_id: int, news: list[Movement], operations: list[Operation]
) -> None:
    """A refund made outside the desk is a decision too: what it gave back is owed no longer.

    Only a refund that is new here counts, and only its own amount. Giving back a payment that
    another one has replaced, or replaces now that its money is gone, leaves what is owed as it is.
    """
    refunds = [movement for movement in news if movement.kind in verdict.GIVES_BACK]
    payment = await _payment(payment_id) if refunds else None
    if payment is None or not payment.current:
        return
    ours = {operation.id for operation in operations}
    given = verdict.given_elsewhere(refunds, ours, await _counted(refunds))
    owed = verdict.owed_after(purchase.owed, payment_facts(payment).refundable, given)
    if owed is None:
        return
    await Purchase.update(
        {
            "owed": owed,
            "owed_reason": "Refunded in Stripe",
            "decided_by": "Stripe",
            "decided_at": clock.now(),
        }
    ).where(Purchase.id == purchase.id)


async def _counted(refunds: list[Movement]) -> set[str]:
    """Of new refunds, those that were news before, when they were pending."""
    keys = {verdict.pending_key(one.object_id): one.object_id for one in refunds}
    found = PaymentEvent.key.is_in(list(keys))
    rows = await PaymentEvent.select(PaymentEvent.key).where(found)
    return {keys[row["key"]] for row in rows}


async def _payment(payment_id: int) -> Payment:
    row = await Payment.objects().get(Payment.id == payment_id)
    if row is None:
        raise LookupError(f"payment {payment_id}")
    return row


async def _operations(payment_id: int) -> list[Operation]:
    return (
        await Operation.objects()
        .where(Operation.payment == payment_id)
        .order_by(Operation.asked_at)
    )
