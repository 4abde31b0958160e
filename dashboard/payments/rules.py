"""What happens to a purchase's money next, when, and why: one pure function.

`settle` performs what `next_step` answers and the desk shows its reason, so the two can't disagree.
The order of `_RULES` is the law: the first rule that has something to say wins.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime

from dashboard.payments.case import (
    ABANDONED_AFTER,
    LAST_SEND_BEFORE_EXPIRY,
    PLAN_MARGIN,
    POLICY_BEFORE_EXPIRY,
    UNKNOWN_ALERT_AFTER,
    Case,
    Do,
    Step,
    movement,
    person,
)
from dashboard.payments.facts import OperationFacts, PaymentFacts, PurchaseFacts, State, Status
from dashboard.payments.holding import (
    ended_hold,
    is_on_anyway,
    let_go_at,
    place,
    policy_for,
    renew,
)
from dashboard.payments.waiting import read_at_the_end, still_processing, to_its_end, wait, watched


def next_step(
    purchase: PurchaseFacts,
    payments: Sequence[PaymentFacts],
    operation: OperationFacts | None,
    now: datetime,
) -> Step:
    """The next movement of this purchase's money; `operation` is the unfinished one, if any.

    Source: the table in docs/payments.md. Never raises; the last rule always answers.
    """
    case = Case(purchase, payments, operation, now)
    for rule in _RULES:
        step = rule(case)
        if step is not None:
            return step
    return wait(case)


def _a_person_first(case: Case) -> Step | None:
    step = _for_a_person(case)
    return None if step is None else to_its_end(case, step)


def _for_a_person(case: Case) -> Step | None:
    for payment in case.payments:
        # A refund is an answer to an inquiry: one that a person has begun is brought to its end.
        if payment.disputed and not (payment.inquiry and case.operation):
            return watched(case, payment, "disputed")
        # What is under way is brought to its end first: while it is open, nobody can refund again.
        if payment.refund_trouble and not case.operation:
            return person("refund_failed", payment)
    if case.operation and case.operation.state is State.STALLED:
        return Step(
            Do.PERSON,
            "stalled",
            operation_id=case.operation.id,
            attention="stalled",
            payment_id=case.operation.payment_id,
        )
    return None


def _resume(case: Case) -> Step | None:
    operation = case.operation
    if operation is None:
        return None
    since = operation.unknown_since
    late = since is not None and case.now - since >= UNKNOWN_ALERT_AFTER
    ready = operation.due_at <= case.now
    # The next try may be later than the moment from which a person has to know.
    alert = operation.due_at if since is None or late else since + UNKNOWN_ALERT_AFTER
    return Step(
        Do.RESUME if ready else Do.NOTHING,
        "unknown" if operation.state is State.UNKNOWN else "under_way",
        at=min(operation.due_at, alert),
        then=Do.RESUME,
        payment_id=operation.payment_id,
        operation_id=operation.id,
        amount=operation.amount,
        attention="unknown" if late else None,
    )


def _superseded(case: Case) -> Step | None:
    for payment in case.payments:
        if payment.current:
            continue
        if payment.held:
            return movement(case, Do.RELEASE, "superseded", payment, payment.authorized)
        if payment.kept > payment.withdrawn:
            amount = payment.kept - payment.withdrawn
            return movement(case, Do.REFUND, "superseded", payment, amount)
    return None


def _cancel_waiting(case: Case) -> Step | None:
    paid = {payment.id for payment in case.payments if payment.captured > 0}
    for payment in case.payments:
        if not payment.waiting:
            continue
        # What nobody completes must not keep the student's bank waiting, though the lesson is on.
        left = payment.unfinished and _abandoned(case, payment)
        ended = left and is_on_anyway(case.purchase, case.payments, payment)
        if not (case.purchase.owed == 0 or paid - {payment.id} or ended):
            continue
        if payment.intent_status == "processing":
            return still_processing(case, payment)
        return movement(case, Do.RELEASE, "cancel_intent", payment, 0)
    return None


def _settle_hold(case: Case) -> Step | None:
    hold, owed = case.hold, case.purchase.owed
    if hold is None or owed is None:
        return None
    if owed == 0:
        return movement(case, Do.RELEASE, "nothing_owed", hold, hold.authorized)
    due = case.purchase.capture_due_at
    if due is not None and due <= case.now and not case.paused:
        return _capture(case, hold, min(owed, hold.authorized))
    return None


def _decide_by_itself(case: Case) -> Step | None:
    hold, due = case.hold, case.purchase.capture_due_at
    if hold is None or case.purchase.owed is not None or due is None:
        return None
    if due > case.now or case.paused:
        return None
    return Step(Do.DECIDE, "by_itself", at=case.now, payment_id=hold.id, owed=case.purchase.price)


def _expiry_policy(case: Case) -> Step | None:
    hold, planned = case.hold, case.planned_at
    if hold is None or hold.expires_at is None or case.purchase.owed == 0:
        return None
    on_time = planned is not None and planned <= hold.expires_at - PLAN_MARGIN
    if on_time or case.now < hold.expires_at - POLICY_BEFORE_EXPIRY:
        return None
    if case.paused and not case.purchase.policy_override:
        return _undecided(case, hold, "paused_past_expiry")
    policy = policy_for(case, hold)
    if case.decision == policy:
        if policy == "renew":
            return renew(case, hold)
        return _undecided(case, hold, "paused_past_expiry" if case.paused else "expiring")
    owed = case.purchase.owed if case.purchase.owed is not None else case.purchase.price
    return Step(
        Do.DECIDE,
        f"policy_{policy}",
        at=case.now,
        payment_id=hold.id,
        owed={"capture": owed, "release": 0}.get(policy, case.purchase.owed),
        policy=policy,
    )


def _undecided(case: Case, hold: PaymentFacts, why: str) -> Step:
    """A person has to decide; once the hold's time is over only Stripe can tell how it ended."""
    ends, pause = hold.expires_at, case.purchase.paused_until
    if ends is None or case.now < ends:
        again = [at for at in (ends, pause) if at is not None and at > case.now]
        return replace(person(why, hold), at=min(again, default=None))
    return replace(read_at_the_end(case, hold), attention=why)


def _refund_difference(case: Case) -> Step | None:
    payment, owed = case.current, case.purchase.owed
    if payment is None or owed is None or payment.kept <= owed:
        return None
    return movement(case, Do.REFUND, "overpaid", payment, payment.kept - owed)


def _underpaid(case: Case) -> Step | None:
    payment, owed = case.current, case.purchase.owed
    if payment is None or payment.held or owed == 0:
        return None
    over = payment.planned or _abandoned(case, payment)
    if payment.status is Status.PENDING and (owed is None or not over):
        return None
    gone = payment if payment.status is Status.RELEASED else None
    if owed is None and payment.status is Status.FAILED:
        # To pay again came to nothing: what is unpaid is still the hold that ended.
        gone = ended_hold(case.payments, payment)
    if owed is None and gone is None and not payment.lost:
        return None
    target = case.purchase.price if owed is None else owed
    if payment.kept >= target:
        return None
    if gone is not None:
        return person(gone.end_reason or "released", gone)
    # What the student can still complete may come through, and its event get lost.
    if payment.waiting:
        return watched(case, payment, "underpaid")
    return person("underpaid", payment)


def _abandoned(case: Case, payment: PaymentFacts) -> bool:
    return payment.waiting and payment.created_at + ABANDONED_AFTER <= case.now


def _let_go(case: Case) -> Step | None:
    payment, owed = case.current, case.purchase.owed
    if payment is None or owed is not None:
        return None
    until = let_go_at(case, payment)
    if until is None or until[0] is None or until[0] > case.now:
        return None
    if payment.intent_id is not None and (payment.synced_at or payment.created_at) < until[0]:
        # It may have come about in time, and the event that tells of it got lost.
        return Step(Do.READ, until[1], at=case.now, payment_id=payment.id)
    return Step(Do.DECIDE, until[1], at=case.now, payment_id=payment.id, owed=0)


_RULES: tuple[Callable[[Case], Step | None], ...] = (
    _a_person_first,
    _resume,
    _superseded,
    _cancel_waiting,
    _settle_hold,
    _decide_by_itself,
    _expiry_policy,
    _refund_difference,
    place,
    _underpaid,
    _let_go,
)


def _capture(case: Case, hold: PaymentFacts, amount: int) -> Step:
    expires = hold.expires_at
    closing = (
        expires is not None
        and not hold.expires_estimated
        and case.now > expires - LAST_SEND_BEFORE_EXPIRY
    )
    # The last send is a minute before expiry; after that only Stripe can tell how it ended.
    if closing:
        return read_at_the_end(case, hold)
    return movement(case, Do.CAPTURE, "due", hold, amount)
