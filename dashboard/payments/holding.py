"""Holds that are placed off-session on a saved card: a far lesson's first one, and renewals. Pure.

A refusal is tried again after 1, 4 and 8 hours. When the bank wants the student to confirm, only
the student can go on, through a link; the clock waits until it is too late and then goes on
without.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from dashboard.payments.case import (
    ABANDONED_AFTER,
    ASKS_THE_STUDENT,
    HOLD_RETRIES,
    PLAN_MARGIN,
    Case,
    Do,
    Step,
)
from dashboard.payments.facts import CardState, PaymentFacts, PurchaseFacts, Status

# Policies that can be carried out without the card or a person.
CARRIED_OUT = ("capture", "release")


def policy_for(case: Case, hold: PaymentFacts) -> str:
    """What applies to a hold that would end too early: the policy, or what is left of it.

    `renew` that can't be carried out (any more) gives way to what the student was told at the
    booking, and to a person where that was no other thing, or where staff have paused the capture.
    """
    purchase = case.purchase
    if purchase.expiry_policy != "renew" or not _renewal_is_over(case, hold):
        return purchase.expiry_policy
    announced = purchase.announced_policy
    return announced if announced in CARRIED_OUT and not case.paused else "alert"


def _renewal_is_over(case: Case, hold: PaymentFacts) -> bool:
    purchase = case.purchase
    late = hold.expires_at is not None and case.now >= hold.expires_at - PLAN_MARGIN
    return late or not purchase.saves_card or _exhausted(purchase)


def _exhausted(purchase: PurchaseFacts) -> bool:
    asks = purchase.attempt_refused_code == ASKS_THE_STUDENT
    return purchase.attempts_refused > len(HOLD_RETRIES) and not asks


def renew(case: Case, hold: PaymentFacts) -> Step:
    """The next step towards a new hold in the place of `hold`, which stands until that one does."""
    over = hold.expires_at - PLAN_MARGIN if hold.expires_at else None
    amount = case.purchase.price if case.purchase.owed is None else case.purchase.owed
    for one in case.payments:
        if one.renews == hold.id and one.unfinished:
            # Left unfinished, it is cancelled then.
            left = one.created_at + ABANDONED_AFTER
            return _students_turn(min(left, over) if over else left, hold)
    return _attempt(case, "renewing", amount, over, hold)


def place(case: Case) -> Step | None:
    """The hold of a far lesson, once its time has come; None when there is nothing to try.

    When something is owed already, for a lesson that was called off late or ended before its time,
    the time has come.
    """
    purchase, current = case.purchase, case.current
    if purchase.hold_due_at is None or purchase.owed == 0 or current is None:
        return None
    untried = current.planned or (current.status is Status.FAILED and current.authorized == 0)
    if not untried or purchase.card_state is not CardState.SAVED or _exhausted(purchase):
        return None
    if purchase.owed is not None:
        return _attempt(case, "hold_due", purchase.owed, None, current)
    if purchase.hold_due_at > case.now or _given_up(case):
        return None
    return _attempt(case, "hold_due", purchase.price, purchase.give_up_at, current)


def _given_up(case: Case) -> bool:
    until = case.purchase.give_up_at
    return until is not None and until <= case.now


def _attempt(
    case: Case, why: str, amount: int, until: datetime | None, payment: PaymentFacts
) -> Step:
    """Try now, at the next time, or not before the student has confirmed."""
    purchase, last = case.purchase, case.purchase.attempt_refused_at
    count = purchase.attempts_refused
    if count == 0 or last is None:
        return Step(Do.AUTHORIZE, why, at=case.now, then=Do.AUTHORIZE, amount=amount)
    if purchase.attempt_refused_code == ASKS_THE_STUDENT:
        return _students_turn(until, payment)
    again = last + HOLD_RETRIES[min(count, len(HOLD_RETRIES)) - 1]
    if until is not None:
        again = min(again, until)
    later = again > case.now
    return Step(
        Do.NOTHING if later else Do.AUTHORIZE,
        "hold_refused" if later else why,
        at=again,
        then=Do.AUTHORIZE,
        payment_id=payment.id if later else None,
        amount=amount,
        attention="hold_refused",
    )


def _students_turn(until: datetime | None, payment: PaymentFacts) -> Step:
    return Step(
        Do.NOTHING,
        "student_confirms",
        at=until,
        then=Do.DECIDE,
        payment_id=payment.id,
        attention="student_confirms",
    )


def wait_for_hold(case: Case, payment: PaymentFacts) -> Step:
    """A payment of which nothing was asked yet: what it waits for."""
    purchase = case.purchase
    if purchase.owed == 0 or purchase.hold_due_at is None:
        return Step(Do.NOTHING, "done", payment_id=payment.id)
    planned = Step(Do.NOTHING, "hold_planned", at=purchase.hold_due_at, payment_id=payment.id)
    if purchase.card_state is CardState.SAVED:
        return replace(planned, then=Do.AUTHORIZE, amount=purchase.price)
    if purchase.card_state is CardState.NEEDS_CUSTOMER:
        until = payment.created_at + ABANDONED_AFTER
        return replace(planned, why="card_confirms", at=until, then=Do.DECIDE)
    return replace(planned, why="card_wanted", at=purchase.give_up_at, then=Do.DECIDE)


def ended_hold(payments: Sequence[PaymentFacts], attempt: PaymentFacts) -> PaymentFacts | None:
    """The hold that ended before this attempt was made: the order was good, and is paid again."""
    ended = (one for one in reversed(payments) if one.status is Status.RELEASED)
    return next((one for one in ended if one.id != attempt.id), None)


def is_on_anyway(
    purchase: PurchaseFacts, payments: Sequence[PaymentFacts], attempt: PaymentFacts
) -> bool:
    """Whether the lesson was confirmed before this attempt, which then ends nothing but itself."""
    saved = purchase.hold_due_at is not None and purchase.card_state is CardState.SAVED
    return attempt.renews is not None or saved or ended_hold(payments, attempt) is not None


def let_go_at(case: Case, payment: PaymentFacts) -> tuple[datetime | None, str] | None:
    """Until when a payment that never came about is waited for, and why not longer; or None."""
    purchase = case.purchase
    if ended_hold(case.payments, payment):
        # The lesson is on, and was never paid: a person's matter, not the clock's.
        return None
    if payment.planned and purchase.hold_due_at is not None:
        if purchase.card_state is CardState.NEEDS_CUSTOMER:
            return payment.created_at + ABANDONED_AFTER, "abandoned"
        return purchase.give_up_at, "never_held"
    if payment.unfinished:
        left = payment.created_at + ABANDONED_AFTER
        if not is_on_anyway(purchase, case.payments, payment):
            return left, "abandoned"
        return max(left, purchase.give_up_at or left), "never_held"
    if payment.status is Status.FAILED:
        far = purchase.hold_due_at is not None
        until = purchase.give_up_at if far else None
        return until or purchase.capture_due_at, "never_held" if far else "never_paid"
    return None
