"""Writes the append-only story. Called by the ledger, inside its transaction."""

import json
import uuid
from datetime import datetime
from typing import Any

from dashboard import clock
from dashboard.payments.actors import Actor
from dashboard.payments.evidence import Movement, movements
from dashboard.payments.facts import CREATES, State, Verb
from dashboard.payments.tables import Operation, Payment, PaymentEvent
from dashboard.snapshots import Intent, Refusal

# A movement that no operation of ours explains was made elsewhere: in Stripe's own dashboard,
# by the bank, or by time.
ELSEWHERE = "Stripe"


async def write_movements(
    payment: Payment, intent: Intent, operations: list[Operation], event_at: datetime | None
) -> list[Movement]:
    """Insert every movement that has no event yet; answers the ones that are new."""
    news = []
    for movement in movements(intent, event_at):
        operation = _author(movement, operations)
        detail: dict[str, Any] = {"code": movement.code} if movement.code else {}
        if movement.kind == "refund_failed":
            # Only a recorded success is reversed; a refund that failed at once gave nothing.
            success = f"refund:{movement.object_id}:succeeded"
            detail["reverses"] = await PaymentEvent.exists().where(PaymentEvent.key == success)
        if await _insert(_event(movement, payment, operation, detail)):
            news.append(movement)
    return news


async def write_operation(operation: Operation, state: State, reason: str, code: str = "") -> None:
    """Record what became of an operation, with the code of a refusal; once per state."""
    key = f"operation:{operation.id}:{state}"
    detail = {"verb": operation.verb} | ({"code": code} if code else {})
    await _insert(_of_operation(operation, key, f"operation_{state}", reason, detail))


async def write_decline(operation: Operation, refusal: Refusal) -> None:
    """Record an attempt that Stripe refused before any intent or charge came of it."""
    key, detail = f"declined:{operation.id}", {"code": refusal.decline_code or refusal.code}
    await _insert(_of_operation(operation, key, "declined", refusal.message, detail))


async def write_decision(
    payment: Payment, policy: str, reason: str, amount: int, actor: str
) -> None:
    """Record what was decided about a hold that would expire; once per hold and policy."""
    await _insert(
        PaymentEvent(
            key=f"decision:{payment.stripe_charge_id}:{policy}",
            purchase=payment.purchase,
            payment=payment.id,
            kind="expiry_decision",
            amount=amount,
            currency=payment.currency,
            actor=actor,
            cause="policy",
            reason=reason[:500],
            detail=json.dumps({"policy": policy}),
            **_by_our_clock(),
        )
    )


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
        PaymentEvent(
            key=key or f"{kind}:{uuid.uuid4()}",
            purchase=payment.purchase,
            payment=payment.id,
            kind=kind,
            amount=amount,
            currency=payment.currency,
            actor=by.name,
            cause=by.cause,
            reason=reason[:500],
            detail=json.dumps(detail or {}),
            **_by_our_clock(),
        )
    )


def _of_operation(
    operation: Operation, key: str, kind: str, reason: str, detail: dict[str, str]
) -> PaymentEvent:
    return PaymentEvent(
        key=key,
        purchase=operation.purchase,
        payment=operation.payment,
        operation=operation.id,
        kind=kind,
        amount=operation.amount,
        currency=operation.currency,
        actor=operation.asked_by,
        cause=operation.cause,
        reason=reason[:500],
        detail=json.dumps(detail),
        **_by_our_clock(),
    )


def _by_our_clock() -> dict[str, Any]:
    """When it occurred and was recorded, for what Stripe knows nothing of."""
    now = clock.now()
    return {"occurred_at": now, "occurred_by": "ours", "recorded_at": now}


def _event(
    movement: Movement, payment: Payment, operation: Operation | None, detail: dict[str, Any]
) -> PaymentEvent:
    # It was the bank that let a refund fail, whoever had asked for it.
    by = None if movement.kind == "refund_failed" else operation
    return PaymentEvent(
        key=movement.key,
        purchase=payment.purchase,
        payment=payment.id,
        operation=operation.id if operation else None,
        kind=movement.kind,
        amount=movement.amount,
        currency=payment.currency,
        given_back=movement.given_back,
        occurred_at=movement.occurred_at,
        occurred_by=movement.occurred_by,
        recorded_at=clock.now(),
        actor=by.asked_by if by else ELSEWHERE,
        cause=by.cause if by else "stripe",
        reason=((by.note or by.reason) if by else movement.reason)[:500] or movement.reason[:500],
        stripe_object_id=movement.object_id,
        detail=json.dumps(detail),
    )


async def _insert(event: PaymentEvent) -> bool:
    rows = await PaymentEvent.insert(event).on_conflict(
        action="DO NOTHING", target=PaymentEvent.key
    )
    return bool(rows)


def _author(movement: Movement, operations: list[Operation]) -> Operation | None:
    """The operation that made this movement; None when it was made elsewhere."""
    verbs = {
        "authorized": CREATES,
        "charged": CREATES,
        "declined": CREATES,
        "captured": (Verb.CAPTURE,),
        "released": (Verb.RELEASE,),
        "cancelled": (Verb.RELEASE,),
        "refund_pending": (Verb.REFUND,),
        "refund_succeeded": (Verb.REFUND,),
        "refund_failed": (Verb.REFUND,),
    }.get(movement.kind, ())
    # A capture whose owed amount fell went on as a release: either of its steps may be the one.
    able = [row for row in operations if row.verb in verbs or row.asked_verb in verbs]
    if movement.kind in ("captured", "refund_pending", "refund_succeeded", "refund_failed"):
        able = [operation for operation in able if operation.id == movement.operation_id]
    elif movement.kind in ("released", "cancelled"):
        ended = (State.WITHDRAWN, State.REFUSED, State.OVERTAKEN, State.PLANNED)
        able = [operation for operation in able if operation.state not in ended]
    return able[-1] if able else None
