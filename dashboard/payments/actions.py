"""Authorize, charge, capture, release, refund: claim the right to move money, then send.

A claim commits the operation before Stripe hears of it. The unique `open_for` refuses the second
of two clicks, sweeps or renewals; the rules are asked on the rows of the same transaction.
"""

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from dashboard import clock, db
from dashboard.payments import attempts, beforehand, checks, queries, trouble
from dashboard.payments.actors import SWEEP, Actor
from dashboard.payments.case import Do
from dashboard.payments.errors import Busy, Declined, Mismatch, NotAllowed, OutcomeUnknown
from dashboard.payments.facts import CREATES, PaymentFacts, State, Status, Verb
from dashboard.payments.sending import PLANNED_FOR, body_of, claimed_until, on_session, send
from dashboard.payments.tables import Operation, Payment, Purchase
from dashboard.payments.turning import touch
from dashboard.snapshots import Refusal
from dashboard.stripe_gateway import API_VERSION, gateway


@dataclass(frozen=True, slots=True)
class Shown:
    """The amounts that a form showed, in minor units: an action upon other ones is stale."""

    authorized: int
    captured: int
    refunded: int


@dataclass(frozen=True, slots=True)
class Stood:
    """How a purchase stood when somebody looked: undecided or not, and until when paused."""

    undecided: bool
    paused_until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Wish:
    """One wanted movement. `amount` None means all that is possible; minor units otherwise.

    `operation_id` is a fresh UUID made with the form, so that a repeat is known as one.
    """

    verb: Verb
    purchase_id: int
    operation_id: str
    actor: Actor
    payment_id: int | None = None
    amount: int | None = None
    reason: str = ""
    note: str = ""
    shown: Shown | None = None
    stood: Stood | None = None


async def perform(wish: Wish) -> Operation:
    """Claim and send one movement; answers the finished operation.

    Raises NotAllowed, Busy and Mismatch before anything is sent; Declined when Stripe says no;
    OutcomeUnknown when it is not known what Stripe did; Unreachable when it can't be read before a
    movement that it might show already. A wish that was performed before answers the same as then
    and sends nothing.
    """
    await beforehand.look_once(wish.operation_id, wish.verb, wish.purchase_id, wish.payment_id)
    async with db.transaction():
        operation = await claim(wish)
    until = claimed_until(operation)
    return answer(await db.shielded(send(operation.id, planned_until=until)))


def answer(operation: Operation) -> Operation:
    """The operation, or the exception that tells how it ended."""
    state = State(operation.state)
    if state is State.SUCCEEDED:
        return operation
    if state is State.REFUSED:
        raise Declined(Refusal(operation.error_code, operation.error_message))
    if state in (State.WITHDRAWN, State.OVERTAKEN, State.GIVEN_UP):
        raise NotAllowed("overtaken", why=operation.error_message)
    raise OutcomeUnknown(operation.id)


async def claim(wish: Wish) -> Operation:
    """Write the operation down, inside the caller's transaction, or raise why it can't be.

    Raises NotAllowed, Busy or Mismatch; the caller's transaction must then be rolled back.
    """
    purchase = await touch(wish.purchase_id)
    known = await Operation.objects().get(Operation.id == wish.operation_id)
    if known is not None:
        return _same(known, wish)
    books = await queries.books(wish.purchase_id)
    assert books is not None
    if books.operation is not None:
        raise Busy(books.operation)
    payment = _target(books, wish)
    amount = _check(books, payment, wish)
    if wish.verb in CREATES:
        payment = await attempts.begin(purchase, books)
    assert payment is not None
    operation = await _insert(wish, purchase, payment, amount)
    if wish.actor.cause != SWEEP.cause and wish.verb not in CREATES:
        await _decide_by_hand(purchase, payment, wish, amount)
    return operation


def _same(known: Operation, wish: Wish) -> Operation:
    same_payment = wish.payment_id is None or wish.payment_id == known.payment
    same_amount = wish.amount is None or wish.amount == known.asked_amount
    if known.asked_verb != wish.verb or known.purchase != wish.purchase_id:
        raise Mismatch
    if not same_payment or not same_amount:
        raise Mismatch
    return known


def _target(books: queries.Books, wish: Wish) -> Payment | None:
    if wish.payment_id is None:
        return books.current
    return next((row for row in books.payments if row.id == wish.payment_id), None)


def _check(books: queries.Books, payment: Payment | None, wish: Wish) -> int:
    """The amount to move; raises NotAllowed when the rows of this transaction say otherwise."""
    now = clock.now()
    if wish.actor.cause == SWEEP.cause:
        step = books.step(now)
        target = payment.id if payment and wish.verb not in CREATES else None
        wanted = Do.AUTHORIZE if wish.verb in CREATES else Do(wish.verb.value)
        if (step.do, step.payment_id) != (wanted, target):
            raise NotAllowed("not_due", why=step.why)
        return step.amount
    facts = queries.payment_facts(payment) if payment else None
    amount = wish.amount if wish.amount is not None else _all(books, facts, wish.verb)
    if wish.verb in CREATES and any(one.unfinished for one in books.payment_facts):
        # An attempt to renew a hold is not the current payment, and is one all the same.
        raise NotAllowed("already_paid", status=Status.PENDING)
    if wish.shown and payment and wish.shown != _amounts(payment):
        raise NotAllowed("stale")
    stood = wish.stood
    since = stood and checks.decided_since(
        wish.verb, books.purchase_facts, stood.undecided, stood.paused_until
    )
    if since:
        raise NotAllowed(since)
    refused = checks.refusal(wish.verb, amount, books.purchase_facts, facts, now)
    if refused:
        raise NotAllowed(refused[0], currency=books.purchase.currency, **refused[1])
    if wish.verb is Verb.CAPTURE and facts:
        other = checks.captured_elsewhere(facts, books.payment_facts)
        if other:
            currency = books.purchase.currency
            raise NotAllowed("already_captured", currency=currency, amount=other)
    return amount


def _all(books: queries.Books, payment: PaymentFacts | None, verb: Verb) -> int:
    if verb in CREATES:
        owed = books.purchase.owed
        return books.purchase.price if owed is None else int(owed)
    if payment is None:
        return 0
    if verb is Verb.CAPTURE:
        return checks.capturable(books.purchase_facts, payment)
    return payment.refundable if verb is Verb.REFUND else payment.authorized


def _amounts(payment: Payment) -> Shown:
    return Shown(
        payment.authorized_amount,
        payment.captured_amount,
        payment.refunded_amount + payment.refund_pending_amount,
    )


async def _insert(wish: Wish, purchase: Purchase, payment: Payment, amount: int) -> Operation:
    now = clock.now()
    body = body_of(wish.verb, wish.operation_id, purchase, payment, amount, wish.reason)
    if wish.verb in CREATES:
        body["params"] |= on_session(purchase, wish.actor.cause == SWEEP.cause)
    operation = Operation(
        id=wish.operation_id,
        purchase=purchase.id,
        payment=payment.id,
        open_for=purchase.id,
        state=State.PLANNED,
        verb=wish.verb,
        amount=amount,
        currency=purchase.currency,
        asked_verb=wish.verb,
        asked_amount=amount,
        body=json.dumps(body),
        api_version=API_VERSION,
        account=gateway().account,
        reason=wish.reason,
        note=wish.note,
        cause=wish.actor.cause,
        asked_by=wish.actor.name,
        asked_by_staff=wish.actor.staff_id,
        asked_at=now,
        due_at=now + PLANNED_FOR,
    )
    try:
        await Operation.insert(operation)
    except Exception as error:
        if db.is_unique_violation(error, "id"):
            # The same id was claimed for another purchase in this very moment.
            raise Mismatch from error
        raise
    return operation


async def _decide_by_hand(purchase: Purchase, payment: Payment, wish: Wish, amount: int) -> None:
    """A movement by hand is a decision too: what it leaves is what is owed."""
    if wish.verb is Verb.REFUND:
        await trouble.clear(payment.id)
    if wish.verb is not Verb.CAPTURE and not payment.current:
        # Giving back a payment that another one has replaced leaves what is owed as it is.
        return
    kept = queries.payment_facts(payment).kept
    owed = {Verb.CAPTURE: amount, Verb.RELEASE: 0}.get(wish.verb, max(0, kept - amount))
    if purchase.owed is not None:
        owed = min(owed, purchase.owed)
    now = clock.now()
    values: dict[Any, Any] = {
        "owed": owed,
        "owed_reason": (wish.note or wish.reason or f"{wish.verb} by hand")[:500],
        "decided_by": wish.actor.name,
        "decided_at": now,
        "capture_due_at": now if wish.verb is Verb.CAPTURE else purchase.capture_due_at,
    }
    await Purchase.update(values).where(Purchase.id == purchase.id)
