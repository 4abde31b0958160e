"""The compare-and-sets that claims, posts and outcomes share. All run in a caller's transaction."""

from collections.abc import Mapping
from typing import Any

from dashboard import clock
from dashboard.payments.actors import SWEEP
from dashboard.payments.facts import OPEN, State
from dashboard.payments.tables import Operation, Purchase
from dashboard.snapshots import Refusal


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


async def turn(operation: Operation, to: State, values: Mapping[Any, Any]) -> bool:
    """Compare-and-set on (state, lease): true if `operation` was still as we know it.

    An unknown operation has no lease, and is unknown again after somebody else has sent it. The
    number of sends and of steps tells the two apart.
    """
    closing: dict[Any, Any] = {}
    if to not in OPEN:
        closing = {"open_for": None, "due_at": None, "lease": None, "closed_at": clock.now()}
    lease = (
        Operation.lease.is_null()
        if operation.lease is None
        else (Operation.lease == operation.lease)
    )
    rows = (
        await Operation.update({"state": to, **closing, **values})
        .where(
            (Operation.id == operation.id)
            & (Operation.state == operation.state)
            & lease
            & (Operation.sends == operation.sends)
            & (Operation.step == operation.step)
        )
        .returning(Operation.id)
    )
    return bool(rows)


async def reset_refusals(purchase_id: int) -> None:
    """Forget earlier refusals: a movement has worked."""
    await Purchase.update(
        {"refused_count": 0, "refused_since": None, "refused_last_at": None, "refused_error": ""}
    ).where(Purchase.id == purchase_id)


async def count_attempt(operation: Operation, refusal: Refusal) -> None:
    """Remember that an automatic hold was refused; a student's own attempt counts for nothing."""
    if operation.cause != SWEEP.cause:
        return
    await Purchase.update(
        {
            Purchase.attempts_refused: Purchase.attempts_refused + 1,
            Purchase.attempt_refused_at: clock.now(),
            Purchase.attempt_refused_code: (refusal.decline_code or refusal.code)[:80],
        }
    ).where(Purchase.id == operation.purchase)


async def card_works(purchase_id: int, payment_method: str | None) -> None:
    """A hold stands, or a card is saved: what was refused before counts no more.

    The card is kept by the id under which Stripe has it, so that it can be used once more.
    """
    values: dict[Any, Any] = {
        "attempts_refused": 0,
        "attempt_refused_at": None,
        "attempt_refused_code": "",
    }
    if payment_method:
        values["payment_method"] = payment_method
    await Purchase.update(values).where(Purchase.id == purchase_id)
