"""Writes the append-only story. Called by the ledger, inside its transaction."""

from datetime import datetime
from typing import Any

from dashboard import clock
from dashboard.payments import story
from dashboard.payments.actors import Actor
from dashboard.payments.evidence import Movement, movements
from dashboard.payments.facts import State
from dashboard.payments.tables import Operation, Payment, PaymentEvent
from dashboard.snapshots import Intent, Refusal


async def write_movements(
    payment: Payment, intent: Intent, operations: list[Operation], event_at: datetime | None
) -> list[Movement]:
    """Insert every movement that has no event yet; answers the ones that are new."""
    news = []
    for movement in movements(intent, event_at):
        operation = story.author(movement, operations)
        detail: dict[str, Any] = {"code": movement.code} if movement.code else {}
        if movement.kind == "refund_failed":
            # Only a recorded success is reversed; a refund that failed at once gave nothing.
            success = f"refund:{movement.object_id}:succeeded"
            detail["reverses"] = await PaymentEvent.exists().where(PaymentEvent.key == success)
        if await _insert(story.of_movement(movement, payment, operation, detail, clock.now())):
            news.append(movement)
    return news


async def write_operation(operation: Operation, state: State, reason: str, code: str = "") -> None:
    """Record what became of an operation, with the code of a refusal; once per state."""
    await _insert(story.of_outcome(operation, state, reason, clock.now(), code))


async def write_decline(operation: Operation, refusal: Refusal) -> None:
    """Record an attempt that Stripe refused before any intent or charge came of it."""
    await _insert(story.of_decline(operation, refusal, clock.now()))


async def write_decision(
    payment: Payment, policy: str, reason: str, amount: int, actor: str
) -> None:
    """Record what was decided about a hold that would expire; once per hold and policy."""
    await _insert(story.of_decision(payment, policy, reason, amount, actor, clock.now()))


async def write_word(
    payment: Payment,
    kind: str,
    reason: str,
    by: Actor,
    *,
    key: str | None = None,
    amount: int = 0,
    detail: dict[str, Any] | None = None,
) -> bool:
    """Record what somebody said about a purchase's money without moving any: a pause, a waiver.

    Answers whether it is new: `key` (a fresh one unless given) makes it count once. `amount` is in
    minor units.
    """
    return await _insert(
        story.of_word(payment, kind, reason, by, clock.now(), key=key, amount=amount, detail=detail)
    )


async def _insert(entry: story.Entry) -> bool:
    rows = await PaymentEvent.insert(PaymentEvent(**entry)).on_conflict(
        action="DO NOTHING", target=PaymentEvent.key
    )
    return bool(rows)
