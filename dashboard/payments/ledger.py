"""The only code that changes a payment's status or amounts.

`post` reads the payment's version, asks Stripe how things stand, and commits only if the version
still stands. The version goes up on every post, also when nothing changed: a snapshot that was
taken before another one was committed can never win afterwards.
"""

from datetime import datetime
from typing import Any

import structlog

from dashboard import clock, db
from dashboard.payments import evidence
from dashboard.payments.events import write_decline, write_movements, write_operation
from dashboard.payments.facts import CREATES, OPEN, State, Status, Verb
from dashboard.payments.tables import Operation, Payment, Purchase, StripeEvent
from dashboard.snapshots import Intent, Refusal
from dashboard.stripe_gateway import gateway

log = structlog.get_logger()
TRIES = 5
DONE = (State.SUCCEEDED, State.GIVEN_UP)


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
        values = {**evidence.standing(intent), "post_due_at": None, "version": before.version + 1}
        rows = (
            await Payment.update(values)
            .where((Payment.id == before.id) & (Payment.version == before.version))
            .returning(*Payment.all_columns())
        )
        if not rows:
            raise _Stale
        payment = Payment(**rows[0])
        operations = await _operations(payment.id)
        await _close_proven(operations, intent, purchase)
        news = await write_movements(payment, intent, operations, event_at)
        if any(movement.kind == "refund_failed" for movement in news):
            await _refund_failed(payment.id)
        await _lower_owed(purchase, payment, intent, operations)
        await _choose_current(purchase.id)
        return await _payment(payment.id)


async def touch(purchase_id: int) -> Purchase:
    """Lock a purchase for this transaction, raise its version and make settle look at it.

    Every claim, decision and post begins with it, so that each sees the other's outcome.
    """
    rows = (
        await Purchase.update(
            {Purchase.version: Purchase.version + 1, Purchase.due_at: clock.now()}
        )
        .where(Purchase.id == purchase_id)
        .returning(*Purchase.all_columns())
    )
    return Purchase(**rows[0])


async def attach(payment_id: int, intent_id: str) -> None:
    """Keep the id of the intent that a create made; events that waited for it are tried again."""
    async with db.transaction():
        await Payment.update(
            {Payment.stripe_intent_id: intent_id, Payment.version: Payment.version + 1}
        ).where((Payment.id == payment_id) & (Payment.stripe_intent_id.is_null()))
        await StripeEvent.update({"state": "waiting", "due_at": clock.now()}).where(
            (StripeEvent.intent_id == intent_id) & (StripeEvent.state == "orphan")
        )


async def refused(operation: Operation, refusal: Refusal) -> bool:
    """Stripe said no, and a read back shows that nothing moved. False if it closed otherwise."""
    values = {
        "error_code": (refusal.decline_code or refusal.code)[:80],
        "error_message": refusal.message[:500],
        "stripe_object_id": refusal.intent_id or operation.stripe_object_id,
    }
    async with db.transaction():
        purchase = await touch(operation.purchase)
        if not await turn(operation, State.REFUSED, values):
            return False
        await write_operation(operation, State.REFUSED, refusal.message)
        if Verb(operation.verb) in CREATES:
            if await _never_created(operation, refusal):
                await write_decline(operation, refusal.message)
        elif Verb(operation.verb) is Verb.REFUND:
            await Payment.update({"refund_trouble": refusal.message[:500]}).where(
                Payment.id == operation.payment
            )
        else:
            await _count_refusal(purchase, refusal)
    log.warning("payment.refused", operation=operation.id, code=refusal.code)
    return True


async def unknown(operation: Operation, why: str, due_at: datetime, replayed: bool) -> bool:
    """Stripe's answer settles nothing: the operation stays open and is taken up at `due_at`."""
    values = {
        "unknown_since": operation.unknown_since or clock.now(),
        "due_at": due_at,
        "lease": None,
        "error_message": why[:500],
        "replayed_error": replayed or operation.replayed_error,
    }
    async with db.transaction():
        await touch(operation.purchase)
        if not await turn(operation, State.UNKNOWN, values):
            return False
        await write_operation(operation, State.UNKNOWN, why)
    log.warning("payment.unknown", operation=operation.id, why=why)
    return True


async def close(operation: Operation, to: State, why: str, by: str) -> bool:
    """End or park an operation without a movement: withdrawn, overtaken, stalled, given up."""
    async with db.transaction():
        await touch(operation.purchase)
        if not await turn(operation, to, {"error_message": why[:500], "closed_by": by}):
            return False
        await write_operation(operation, to, why)
        if to in (State.WITHDRAWN, State.GIVEN_UP) and Verb(operation.verb) in CREATES:
            await _never_created(operation, Refusal(to, why))
    log.info("operation.closed", operation=operation.id, state=str(to), why=why)
    return True


async def turn(operation: Operation, to: State, values: dict[str, Any]) -> bool:
    """Compare-and-set on (state, lease): true if `operation` was still as we know it."""
    closing: dict[str, Any] = {}
    if to not in OPEN:
        closing = {"open_for": None, "due_at": None, "lease": None, "closed_at": clock.now()}
    lease = (
        Operation.lease.is_null()
        if operation.lease is None
        else (Operation.lease == operation.lease)
    )
    rows = (
        await Operation.update({"state": to, **closing, **values})
        .where((Operation.id == operation.id) & (Operation.state == operation.state) & lease)
        .returning(Operation.id)
    )
    return bool(rows)


async def _close_proven(operations: list[Operation], intent: Intent, purchase: Purchase) -> None:
    for operation in operations:
        is_open = State(operation.state) in OPEN
        verbs = (Verb(operation.asked_verb), Verb(operation.verb))
        proven = evidence.outcome(operation.id, verbs, is_open, intent)
        if proven is None or operation.state in (State.SUCCEEDED, proven):
            continue
        said = intent.last_refusal if proven is State.REFUSED else None
        values: dict[str, Any] = {"closed_by": "post"}
        if said:
            values |= {"error_code": (said.decline_code or said.code)[:80]}
            values |= {"error_message": said.message[:500]}
        await turn(operation, proven, values)
        if not is_open:
            log.error("operation.corrected", operation=operation.id, was=operation.state)
            await write_operation(operation, State.SUCCEEDED, "Found at Stripe after all.")
        if proven is State.REFUSED and said:
            await write_operation(operation, proven, said.message)
        if proven is State.SUCCEEDED:
            await _reset_refusals(purchase.id)


async def _reset_refusals(purchase_id: int) -> None:
    await Purchase.update(
        {"refused_count": 0, "refused_since": None, "refused_last_at": None, "refused_error": ""}
    ).where(Purchase.id == purchase_id)


async def _count_refusal(purchase: Purchase, refusal: Refusal) -> None:
    now = clock.now()
    await Purchase.update(
        {
            "refused_count": purchase.refused_count + 1,
            "refused_since": purchase.refused_since or now,
            "refused_last_at": now,
            "refused_error": refusal.message[:500],
        }
    ).where(Purchase.id == purchase.id)


async def _never_created(operation: Operation, refusal: Refusal) -> bool:
    """A create that left no intent behind: the attempt has failed and nothing is held."""
    rows = (
        await Payment.update(
            {
                "payment_status": Status.FAILED,
                "refusal_code": (refusal.decline_code or refusal.code)[:80],
                "refusal_message": refusal.message[:500],
                "version": Payment.version + 1,
            }
        )
        .where((Payment.id == operation.payment) & (Payment.stripe_intent_id.is_null()))
        .returning(Payment.id)
    )
    return bool(rows)


async def _refund_failed(payment_id: int) -> None:
    await Payment.update({"refund_trouble": "A refund failed at the bank."}).where(
        Payment.id == payment_id
    )


async def _lower_owed(
    purchase: Purchase, payment: Payment, intent: Intent, operations: list[Operation]
) -> None:
    """A refund made outside the desk is a decision too: what it left is what is owed."""
    ours = {operation.id for operation in operations}
    foreign = any(
        refund.operation_id not in ours and not refund.failed for refund in intent.refunds
    )
    kept = payment.captured_amount - payment.refunded_amount - payment.refund_pending_amount
    kept = max(0, kept - payment.lost_amount)
    if not foreign or purchase.owed is None or purchase.owed <= kept:
        return
    await Purchase.update(
        {
            "owed": kept,
            "owed_reason": "Refunded in Stripe",
            "decided_by": "Stripe",
            "decided_at": clock.now(),
        }
    ).where(Purchase.id == purchase.id)


async def _choose_current(purchase_id: int) -> None:
    """The payment that was captured or charged first; else the newest hold; else the newest."""
    rows = await Payment.objects().where(Payment.purchase == purchase_id)

    def rank(row: Payment) -> tuple[int, float]:
        if row.captured_amount > 0 and row.captured_at is not None:
            return 2, -row.captured_at.timestamp()
        return (1 if row.payment_status == Status.AUTHORIZED else 0), row.id

    chosen = max(rows, key=rank)
    if chosen.current:
        return
    await Payment.update({"current": False}).where(
        (Payment.purchase == purchase_id) & (Payment.current.eq(True))
    )
    await Payment.update({"current": True}).where(Payment.id == chosen.id)


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
