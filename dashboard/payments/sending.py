"""Sends an operation to Stripe under its lease, and reads the answer for what it settles."""

import json
import os
import signal
import time
import uuid
from datetime import datetime, timedelta
from typing import Any

import structlog

from dashboard import clock, db
from dashboard.payments import ledger, outcomes
from dashboard.payments.case import LAST_SEND_BEFORE_EXPIRY
from dashboard.payments.facts import CREATES, State, Verb
from dashboard.payments.tables import Operation, Payment, Purchase
from dashboard.snapshots import Answer, Call
from dashboard.stripe_gateway import NotThere, Unreachable, gateway

log = structlog.get_logger()
# A planned operation is its claimer's for a minute; then resume asks the rules again.
PLANNED_FOR = timedelta(minutes=1)
LEASE = timedelta(seconds=45)
# What may still be written this long after the lease was taken is answered before it runs out.
WRITE_WITHIN = 25.0
# Stripe keeps a key for at least 24 h; the margin is for clocks and for the way there.
KEY_LIFE = timedelta(hours=23)
FIRST_RETRY = timedelta(seconds=5)
SOON_ENOUGH = timedelta(minutes=1)
LONGEST_RETRY = timedelta(minutes=10)
STRIPE_REASONS = ("duplicate", "fraudulent", "requested_by_customer")


def body_of(
    verb: Verb, operation_id: str, purchase: Purchase, payment: Payment, amount: int, reason: str
) -> dict[str, Any]:
    """The mutation that `verb` means, as it is stored and sent: kind, target and parameters."""
    mark = {"operation_id": operation_id}
    if verb in CREATES:
        params: dict[str, Any] = {
            "amount": amount,
            "currency": purchase.currency,
            "customer": purchase.customer,
            "payment_method": purchase.payment_method,
            "capture_method": "automatic" if verb is Verb.CHARGE else "manual",
            "confirm": True,
            "automatic_payment_methods": {"enabled": True, "allow_redirects": "never"},
            "description": purchase.description,
            "metadata": {**json.loads(purchase.metadata), **mark},
        }
        return {"kind": "create", "target": None, "params": params}
    intent = payment.stripe_intent_id
    if verb is Verb.CAPTURE:
        params = {"amount_to_capture": amount, "metadata": mark}
        return {"kind": "capture", "target": intent, "params": params}
    said = reason if reason in STRIPE_REASONS else "requested_by_customer"
    if verb is Verb.RELEASE:
        return {"kind": "cancel", "target": intent, "params": {"cancellation_reason": said}}
    params = {"payment_intent": intent, "amount": amount, "reason": said, "metadata": mark}
    return {"kind": "refund", "target": None, "params": params}


def on_session(purchase: Purchase, automatic: bool) -> dict[str, Any]:
    """Whether the student is there: to save the card for later, or to be charged without them."""
    if automatic:
        return {"off_session": True}
    return {"setup_future_usage": "off_session"} if purchase.saves_card else {}


async def send(
    operation_id: str,
    *,
    states: tuple[State, ...] = (State.PLANNED,),
    planned_until: datetime | None = None,
) -> Operation:
    """Take the lease of an operation in one of `states` and send it once.

    `planned_until` is the end of the minute for which whoever asked the rules has planned it; of a
    claim that is `claimed_until`.
    Answers the operation as it stands afterwards, also when somebody else holds it.
    """
    db.require_no_transaction("a send")
    with structlog.contextvars.bound_contextvars(operation=operation_id):
        return await _send(operation_id, states, planned_until)


def claimed_until(operation: Operation) -> datetime:
    """The end of the claimer's minute, which no repeat of the wish and no resume moves."""
    return operation.asked_at + PLANNED_FOR


async def _send(
    operation_id: str, states: tuple[State, ...], planned_until: datetime | None
) -> Operation:
    started = time.perf_counter()
    taken_at = clock.boot_seconds()
    operation = await _take_lease(operation_id, states, planned_until)
    if operation is not None:
        body = json.loads(operation.body)
        call = Call(body["kind"], body["target"], body["params"])
        answer = await gateway().send(
            call,
            key=f"{operation.id}:{operation.step}",
            api_version=operation.api_version,
            deadline=taken_at + WRITE_WITHIN,
        )
        _leave_if_stalled(taken_at)
        await _take_answer(operation, answer)
    after = await reload(operation_id)
    if operation is not None:
        _tell(after, started)
    return after


async def reload(operation_id: str) -> Operation:
    """The operation's row as it is now; LookupError if there is none."""
    row = await Operation.objects().get(Operation.id == operation_id)
    if row is None:
        raise LookupError(operation_id)
    return row


async def _take_lease(
    operation_id: str, states: tuple[State, ...], planned_until: datetime | None = None
) -> Operation | None:
    now = clock.now()
    # Asked again here: since resume looked at the key this process may have slept for a day.
    key_stands = Operation.first_sent_at.is_null() | (
        (Operation.first_sent_at > now - KEY_LIFE) & (Operation.first_sent_at <= now)
    )
    first = (
        await Operation.select(Operation.first_sent_at).where(Operation.id == operation_id).first()
    )
    rows = (
        await Operation.update(
            {
                "state": State.SENDING,
                "lease": str(uuid.uuid4()),
                "lease_until": now + LEASE,
                "due_at": now + LEASE,
                "first_sent_at": (first or {}).get("first_sent_at") or now,
                "last_sent_at": now,
                "sends": Operation.sends + 1,
            }
        )
        .where(
            (Operation.id == operation_id)
            & Operation.state.is_in([str(state) for state in states])
            & Operation.lease.is_null()
            & (Operation.account == gateway().account)
            & key_stands
            & _still_planned(now, planned_until)
        )
        .returning(*Operation.all_columns())
    )
    return Operation(**rows[0]) if rows else None


def _still_planned(now: datetime, planned_until: datetime | None) -> Any:
    """Whoever slept beyond the minute, while resume took over, must not send by old rules."""
    mine = Operation.due_at == planned_until if planned_until else Operation.due_at.is_not_null()
    return (Operation.state != State.PLANNED) | ((Operation.due_at > now) & mine)


async def _take_answer(operation: Operation, answer: Answer) -> None:
    """Let the ledger see what happened; only an answer that settles, read back, closes."""
    if answer.object_id and Verb(operation.asked_verb) in CREATES:
        await ledger.attach(operation.payment, answer.object_id)
    if answer.refusal and answer.refusal.intent_id and Verb(operation.asked_verb) in CREATES:
        await ledger.attach(operation.payment, answer.refusal.intent_id)
    read_back = await _read_back(operation.payment)
    if answer.outcome == "refused" and answer.refusal and read_back:
        await outcomes.refused(operation, answer.refusal)
    elif answer.outcome == "unclear" or not read_back:
        why = answer.why or "Stripe answered, but could not be read back."
        await outcomes.unknown(operation, why, await next_try(operation), answer.replayed_error)
    elif (await reload(operation.id)).state == State.SENDING:
        # Stripe said yes and does not show it yet: its own reads can lag behind its writes.
        await outcomes.unknown(
            operation, "not visible at Stripe yet", clock.now() + FIRST_RETRY, False
        )


async def _read_back(payment_id: int) -> bool:
    """Post what Stripe shows; false when that could not be read."""
    payment = await Payment.objects().get(Payment.id == payment_id)
    if payment is None or payment.stripe_intent_id is None:
        return True
    try:
        await ledger.post(payment_id)
    except (Unreachable, NotThere, ledger.Contended):
        return False
    return True


async def next_try(operation: Operation) -> datetime:
    """When to ask again: never after more than a quarter of the time that the hold has left."""
    payment = await Payment.objects().get(Payment.id == operation.payment)
    now, delay = clock.now(), retry_delay(operation.sends)
    ends_at = payment.authorization_expires_at if payment and payment.ended_at is None else None
    if ends_at is None or ends_at <= now:
        return now + delay
    at: datetime = now + min(delay, max(SOON_ENOUGH, (ends_at - now) / 4))
    final = ends_at - LAST_SEND_BEFORE_EXPIRY
    return min(at, final) if now < final else at


def retry_delay(sends: int) -> timedelta:
    """How long to wait after the `sends`-th unclear answer: 5 s, doubling up to 10 min."""
    delay: timedelta = FIRST_RETRY * 2 ** min(max(sends - 1, 0), 10)
    return min(delay, LONGEST_RETRY)


def _leave_if_stalled(taken_at: float) -> None:
    """A process that was suspended past its lease can't be trusted with another send."""
    if clock.boot_seconds() - taken_at > LEASE.total_seconds():
        log.error("process.stalled", seconds=round(clock.boot_seconds() - taken_at))
        os.kill(os.getpid(), signal.SIGTERM)


def _tell(operation: Operation, started: float) -> None:
    log.info(
        f"payment.{operation.verb}.{operation.state}",
        payment=operation.payment,
        operation=operation.id,
        by=operation.asked_by,
        ms=round((time.perf_counter() - started) * 1000),
    )
