"""What became of an operation when no movement proves it: refused, unknown, or closed.

Each of these commits the operation's new state, its entry in the story, and what follows from it.
"""

from datetime import datetime

import structlog

from dashboard import clock, db
from dashboard.payments import ledger, trouble
from dashboard.payments.events import write_decline, write_operation
from dashboard.payments.facts import CREATES, State, Verb
from dashboard.payments.tables import Operation, Purchase
from dashboard.payments.turning import count_attempt, touch, turn
from dashboard.snapshots import Refusal

log = structlog.get_logger()


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
        await write_operation(operation, State.REFUSED, refusal.message, refusal.code)
        if Verb(operation.verb) in CREATES:
            await count_attempt(operation, refusal)
            if await ledger.never_created(operation, refusal):
                await write_decline(operation, refusal)
        elif Verb(operation.verb) is Verb.REFUND:
            await trouble.refused(operation.payment, refusal.message)
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
        if not await turn(operation, to, {"error_message": why[:500], "closed_by": by[:255]}):
            return False
        await write_operation(operation, to, why)
        if to in (State.WITHDRAWN, State.GIVEN_UP) and Verb(operation.verb) in CREATES:
            await ledger.never_created(operation, Refusal(to, why))
    log.info("operation.closed", operation=operation.id, state=str(to), why=why)
    return True


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
