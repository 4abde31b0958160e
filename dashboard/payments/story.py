"""What each entry of the story says, as the columns of its row by name. Writes nothing."""

import json
import uuid
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from dashboard.payments.actors import Actor
from dashboard.payments.evidence import Movement
from dashboard.payments.facts import CREATES, State, Verb
from dashboard.payments.tables import Operation, Payment
from dashboard.snapshots import Refusal

Entry = dict[str, Any]
# A movement that no operation of ours explains was made elsewhere: in Stripe's own dashboard,
# by the bank, or by time.
ELSEWHERE = "Stripe"


def of_movement(
    movement: Movement,
    payment: Payment,
    operation: Operation | None,
    detail: dict[str, Any],
    at: datetime,
) -> Entry:
    """A movement that Stripe shows, as it was recorded at `at`; `operation` is its author."""
    # It was the bank that let a refund fail, whoever had asked for it.
    by = None if movement.kind == "refund_failed" else operation
    said = (by.note or by.reason) if by else ""
    return {
        "key": movement.key,
        "purchase": payment.purchase,
        "payment": payment.id,
        "operation": operation.id if operation else None,
        "kind": movement.kind,
        "amount": movement.amount,
        "currency": payment.currency,
        "given_back": movement.given_back,
        "occurred_at": movement.occurred_at,
        "occurred_by": movement.occurred_by,
        "recorded_at": at,
        "actor": by.asked_by if by else ELSEWHERE,
        "cause": by.cause if by else "stripe",
        "reason": said[:500] or movement.reason[:500],
        "stripe_object_id": movement.object_id,
        "detail": json.dumps(detail),
    }


def author(movement: Movement, operations: Sequence[Operation]) -> Operation | None:
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


def of_outcome(
    operation: Operation, state: State, reason: str, at: datetime, code: str = ""
) -> Entry:
    """What became of an operation, with the code of a refusal; once per state."""
    key = f"operation:{operation.id}:{state}"
    detail = {"verb": operation.verb} | ({"code": code} if code else {})
    return _of_operation(operation, key, f"operation_{state}", reason, detail, at)


def of_decline(operation: Operation, refusal: Refusal, at: datetime) -> Entry:
    """An attempt that Stripe refused before any intent or charge came of it."""
    key, detail = f"declined:{operation.id}", {"code": refusal.decline_code or refusal.code}
    return _of_operation(operation, key, "declined", refusal.message, detail, at)


def of_decision(
    payment: Payment, policy: str, reason: str, amount: int, actor: str, at: datetime
) -> Entry:
    """What was decided about a hold that would expire; once per hold and policy."""
    return dict(
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
        **_by_our_clock(at),
    )


def of_word(
    payment: Payment,
    kind: str,
    reason: str,
    by: Actor,
    at: datetime,
    *,
    key: str | None = None,
    amount: int = 0,
    detail: dict[str, Any] | None = None,
) -> Entry:
    """What somebody said about a purchase's money; `key` is a fresh one unless given."""
    return dict(
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
        **_by_our_clock(at),
    )


def _of_operation(
    operation: Operation,
    key: str,
    kind: str,
    reason: str,
    detail: dict[str, str],
    at: datetime,
) -> Entry:
    return dict(
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
        **_by_our_clock(at),
    )


def _by_our_clock(at: datetime) -> dict[str, Any]:
    """When it occurred and was recorded, for what Stripe knows nothing of."""
    return {"occurred_at": at, "occurred_by": "ours", "recorded_at": at}
