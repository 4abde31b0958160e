"""What would become of a purchase's money by itself. Nothing is asked of Stripe, nothing written.

The rules that settle performs are asked one after the other, on copies of the rows that change as
the ledger would change them. Stripe is taken to accept what it is asked.
"""

import copy
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from dashboard.payments.actors import SWEEP
from dashboard.payments.case import Do, Step
from dashboard.payments.facts import Status
from dashboard.payments.horizon import MERCHANT_LIFE
from dashboard.payments.queries import Books, payment_facts
from dashboard.payments.settle import LET_GO
from dashboard.payments.tables import Payment, PaymentEvent

# Larger than every id of a database: what is only imagined comes after what was recorded.
IMAGINED = 2**61
MOST_STEPS = 200


@dataclass(frozen=True, slots=True)
class Turn:
    """One entry of the story as it would be written, and why the rules make it. Never stored."""

    event: PaymentEvent
    why: str


@dataclass(slots=True)
class Course:
    """Copies of the rows at `at`, what has happened on the way, and what the rules wait for."""

    books: Books
    at: datetime
    turns: list[Turn] = field(default_factory=list)

    @property
    def step(self) -> Step:
        return self.books.step(self.at)


def begin(books: Books, now: datetime) -> Course:
    """A course from how things stand. An operation that is open is left out: ask beforehand."""
    rows = [copy.copy(row) for row in books.payments]
    return Course(Books(copy.copy(books.purchase), rows, None), now)


def advance(course: Course, until: datetime) -> None:
    """Let time pass until then, as the sweeps would; earlier where nothing more is to come."""
    for _ in range(MOST_STEPS):
        if _ended_by_time(course):
            continue
        step = course.step
        deed = _DEEDS.get(step.do)
        if deed is not None:
            deed(course, step)
            continue
        at = _next(course, step)
        if at is None or at > until:
            break
        course.at = at


def decide(course: Course, owed: int, reason: str) -> None:
    """What somebody decides is owed; like the real decision it never raises what is owed."""
    purchase = course.books.purchase
    if purchase.owed is not None and owed > purchase.owed:
        return
    purchase.owed, purchase.owed_reason = owed, reason
    purchase.capture_due_at = course.at if owed else purchase.capture_due_at
    if owed == 0:
        _called_off(course)
        _end_planned(course)


def _next(course: Course, step: Step) -> datetime | None:
    """The next instant at which something can happen, by the rules or at the bank."""
    ends = [
        row.authorization_expires_at
        for row in course.books.payments
        if row.payment_status == Status.AUTHORIZED and row.expires_source != "estimate"
    ]
    later = [at for at in (step.at, *ends) if at is not None and at > course.at]
    return min(later, default=None)


def _ended_by_time(course: Course) -> bool:
    """End a hold whose time is over. How an estimated one ends only Stripe can tell."""
    for row in course.books.payments:
        at = row.authorization_expires_at
        held = row.payment_status == Status.AUTHORIZED and row.expires_source != "estimate"
        if held and at is not None and at <= course.at:
            _end(row, Status.RELEASED, "expired", at)
            _tell(course, row, "expired", row.authorized_amount, "expired", at=at)
            return True
    return False


def _end(row: Payment, status: Status, reason: str, at: datetime) -> None:
    row.payment_status, row.end_reason, row.ended_at = status, reason, at
    row.intent_status = "succeeded" if status is Status.CAPTURED else "canceled"


def _row(course: Course, step: Step) -> Payment:
    return next(row for row in course.books.payments if row.id == step.payment_id)


def _moved(course: Course, step: Step) -> Payment:
    """The payment of a movement that Stripe has accepted."""
    purchase = course.books.purchase
    purchase.refused_count, purchase.refused_last_at = 0, None
    return _row(course, step)


def _capture(course: Course, step: Step) -> None:
    row = _moved(course, step)
    row.captured_amount, row.captured_at = step.amount, course.at
    _end(row, Status.CAPTURED, "captured", course.at)
    _tell(course, row, "captured", step.amount, step.why)


def _release(course: Course, step: Step) -> None:
    row = _moved(course, step)
    held = row.payment_status == Status.AUTHORIZED
    if held:
        _end(row, Status.RELEASED, "released", course.at)
        _tell(course, row, "released", row.authorized_amount, step.why)
    else:
        _end(row, Status.FAILED, "cancelled", course.at)
        _tell(course, row, "cancelled", 0, step.why)


def _refund(course: Course, step: Step) -> None:
    row = _moved(course, step)
    row.refunded_amount += step.amount
    if row.refunded_amount == row.captured_amount:
        row.payment_status = Status.REFUNDED
    _tell(course, row, "refund_succeeded", step.amount, step.why)


def _decide(course: Course, step: Step) -> None:
    row, purchase = _moved(course, step), course.books.purchase
    if step.why in LET_GO:
        _tell(course, row, "let_go", 0, step.why)
    if step.owed is not None and (purchase.owed is None or step.owed <= purchase.owed):
        purchase.owed, purchase.owed_reason = step.owed, step.why
        if step.policy == "capture":
            purchase.capture_due_at = course.at
        if step.owed == 0:
            _end_planned(course)
    if step.policy:
        purchase.expiry_decision, purchase.expiry_decided_for = step.policy, row.id
        told = {"policy": step.policy}
        _tell(course, row, "expiry_decision", step.owed or 0, step.why, detail=told)


def _authorize(course: Course, step: Step) -> None:
    """The card says yes; for how long the new hold lives is an estimate until it stands."""
    current = course.books.current
    assert current is not None
    row = current
    if not payment_facts(current).planned:
        row = copy.copy(current)
        row.id, row.renews = IMAGINED + len(course.books.payments), current.id
        row.stripe_charge_id, current.current = None, False
        course.books = Books(course.books.purchase, [*course.books.payments, row], None)
    row.payment_status, row.authorized_amount = Status.AUTHORIZED, step.amount
    row.intent_status, row.authorized_at = "requires_capture", course.at
    row.authorization_expires_at = course.at + MERCHANT_LIFE
    row.expires_source = "network"
    course.books.purchase.attempts_refused = 0
    _tell(course, row, "authorized", step.amount, step.why)


def _called_off(course: Course) -> None:
    current = course.books.current
    if course.books.never_held and current is not None:
        _tell(course, current, "let_go", 0, "called_off")


def _end_planned(course: Course) -> None:
    for row in course.books.payments:
        if payment_facts(row).planned:
            row.payment_status = Status.FAILED
            _tell(course, row, "cancelled", 0, "")


def _tell(
    course: Course,
    row: Payment,
    kind: str,
    amount: int,
    why: str,
    *,
    at: datetime | None = None,
    detail: dict[str, Any] | None = None,
) -> None:
    back = {
        "captured": row.authorized_amount - amount,
        "released": amount,
        "expired": amount,
    }.get(kind, 0)
    number = IMAGINED + len(course.turns)
    event = PaymentEvent(
        id=number,
        key=f"imagined:{number}",
        purchase=course.books.purchase.id,
        payment=row.id,
        kind=kind,
        amount=amount,
        currency=row.currency,
        given_back=back,
        occurred_at=at or course.at,
        occurred_by="ours",
        recorded_at=at or course.at,
        actor=SWEEP.name,
        cause=SWEEP.cause,
        reason=why,
        detail=json.dumps(detail or {}),
    )
    course.turns.append(Turn(event, why))


def _read(course: Course, step: Step) -> None:
    """Stripe is taken to show what is known already."""
    _row(course, step).synced_at = course.at


_DEEDS: dict[Do, Callable[[Course, Step], None]] = {
    Do.AUTHORIZE: _authorize,
    Do.CAPTURE: _capture,
    Do.RELEASE: _release,
    Do.REFUND: _refund,
    Do.DECIDE: _decide,
    Do.READ: _read,
}
