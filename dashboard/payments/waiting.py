"""The instants at which a purchase's money is looked at again, and what it waits for. Pure."""

from dataclasses import replace
from datetime import timedelta

from dashboard.payments.case import (
    ABANDONED_AFTER,
    PLAN_MARGIN,
    POLICY_BEFORE_EXPIRY,
    READ_ESTIMATED_EVERY,
    READ_EVERY,
    READ_SLOWLY_EVERY,
    Case,
    Do,
    Step,
)
from dashboard.payments.checks import hold_is_planned
from dashboard.payments.facts import PaymentFacts, Status
from dashboard.payments.holding import let_go_at, wait_for_hold


def wait(case: Case) -> Step:
    """Nothing now: the next instant at which something may happen, and what it waits for."""
    payment = case.current
    if payment is None:
        return Step(Do.NOTHING, "done")
    if payment.held:
        return _wait_for_capture(case, payment)
    early = payment.status is Status.FAILED and hold_is_planned(case.purchase, case.now)
    if payment.planned or early:
        return wait_for_hold(case, payment)
    if payment.status is Status.PENDING:
        at = payment.created_at + ABANDONED_AFTER
        return Step(Do.NOTHING, "customer", at=at, then=Do.DECIDE, payment_id=payment.id)
    if payment.status is Status.FAILED and case.purchase.owed is None:
        until = let_go_at(case, payment)
        deadline = until[0] if until else None
        tried = case.purchase.attempts_refused > 0
        return Step(
            Do.NOTHING,
            "declined",
            at=deadline,
            then=Do.DECIDE,
            payment_id=payment.id,
            attention="hold_refused" if tried else None,
        )
    if payment.refund_pending:
        return read_now_and_then(case, payment, "refund_under_way")
    return Step(Do.NOTHING, "done", payment_id=payment.id)


def _wait_for_capture(case: Case, hold: PaymentFacts) -> Step:
    planned, expires = case.planned_at, hold.expires_at
    if expires is not None and case.now >= expires:
        return read_at_the_end(case, hold)
    early = expires is not None and (planned is None or planned > expires - PLAN_MARGIN)
    at = expires - POLICY_BEFORE_EXPIRY if early and expires else planned
    amount = case.purchase.price if case.purchase.owed is None else case.purchase.owed
    return Step(
        Do.NOTHING,
        "paused" if case.paused else ("early" if early else "lesson"),
        at=at,
        then=Do.CAPTURE if not early else Do.DECIDE,
        payment_id=hold.id,
        amount=min(amount, hold.authorized),
        policy=case.purchase.expiry_policy if early else None,
    )


def read_at_the_end(case: Case, hold: PaymentFacts) -> Step:
    """Ask Stripe how the hold ended, once its time has come; not more often than is of use."""
    expires = hold.expires_at or case.now
    if expires > case.now:
        return Step(Do.NOTHING, "expiring", at=expires, then=Do.READ, payment_id=hold.id)
    every = READ_ESTIMATED_EVERY if hold.expires_estimated else READ_EVERY
    seen = hold.synced_at
    if seen is not None and seen >= expires and seen + every > case.now:
        return Step(Do.NOTHING, "expired_by_now", at=seen + every, then=Do.READ, payment_id=hold.id)
    return Step(Do.READ, "expired_by_now", at=case.now, payment_id=hold.id)


def still_processing(case: Case, payment: PaymentFacts) -> Step:
    """The bank is at it, which can't be cancelled: Stripe is asked every minute how it stands."""
    return read_now_and_then(case, payment, "processing", READ_EVERY)


def read_now_and_then(
    case: Case, payment: PaymentFacts, why: str, every: timedelta = READ_SLOWLY_EVERY
) -> Step:
    """The bank takes its time, and its answer may get lost on the way: Stripe is asked as well."""
    again = (payment.synced_at or case.now) + every
    return Step(
        Do.NOTHING if again > case.now else Do.READ,
        why,
        at=max(again, case.now),
        then=Do.READ,
        payment_id=payment.id,
    )


def watched(case: Case, payment: PaymentFacts, why: str) -> Step:
    """A person's matter which the bank or the customer may still end: Stripe is read meanwhile."""
    step = read_now_and_then(case, payment, why)
    return replace(step, do=step.do if step.do is Do.READ else Do.PERSON, attention=why)


def to_its_end(case: Case, step: Step) -> Step:
    """The step of a person's matter, beside a hold that may end first: Stripe is read then.

    What waits for a person plans nothing, and the event of the hold's end may get lost.
    """
    hold = next((one for one in case.payments if one.held and one.expires_at is not None), None)
    if hold is None or step.do is Do.READ:
        return step
    end = read_at_the_end(case, hold)
    if end.do is Do.READ:
        return replace(end, attention=step.attention)
    return replace(step, at=min(at for at in (step.at, end.at) if at is not None))
