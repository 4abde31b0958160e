"""Takes up an operation that was left open: by a crash, a lost answer, or a lapsed lease."""

import contextlib
import json
from datetime import timedelta

from dashboard import clock, db
from dashboard.payments import beforehand, ledger, outcomes, queries
from dashboard.payments.checks import captured_elsewhere
from dashboard.payments.errors import NotAllowed
from dashboard.payments.facts import CREATES, ENDS_A_HOLD, State, Status, Verb
from dashboard.payments.sending import KEY_LIFE, PLANNED_FOR, body_of, reload, send
from dashboard.payments.still_wanted import beyond_owed, unwanted
from dashboard.payments.tables import Operation, Payment, Purchase
from dashboard.payments.turning import touch, turn
from dashboard.snapshots import Refusal
from dashboard.stripe_gateway import NotThere, gateway

LOOK_BACK = timedelta(minutes=5)
BY = "resume"


async def resume(operation_id: str, *, at_once: bool = False) -> Operation:
    """Bring an open operation one step nearer to its end; answers it as it stands then.

    `at_once` is a person's "Ask Stripe again": it does not wait for the next try, and a stalled
    operation is looked for once more. Raises Unreachable when Stripe can't be read; nothing is
    lost, it stays due.
    """
    operation = await reload(operation_id)
    state = State(operation.state)
    now = clock.now()
    if state is State.PLANNED and (operation.due_at or now) <= now:
        return await _resume_planned(operation)
    if state is State.SENDING and (operation.lease_until or now) <= now:
        await outcomes.unknown(operation, "the sender went away", now, False)
        operation = await reload(operation_id)
        state = State(operation.state)
    if state is State.UNKNOWN:
        return await _resume_unknown(operation, at_once)
    if state is State.STALLED and at_once:
        return (await _look(operation))[0]
    return operation


async def give_up(operation_id: str, by: str, reason: str) -> Operation:
    """Close a stalled operation on a person's word, unless Stripe shows it after all.

    What is owed stays as it is: a refund that is still due is made anew, under a new key. Raises
    NotAllowed when it isn't stalled, and Unreachable when Stripe can't be read first.
    """
    operation = await reload(operation_id)
    if operation.state == State.STALLED:
        operation = (await _look(operation))[0]
        if operation.state == State.SUCCEEDED:
            return operation
    stalled = operation.state == State.STALLED
    if not (stalled and await outcomes.close(operation, State.GIVEN_UP, reason, by)):
        raise NotAllowed("not_stalled")
    return await reload(operation_id)


async def _resume_planned(operation: Operation) -> Operation:
    """Nothing was sent yet: ask Stripe and the rules again, for the world may have moved on."""
    # From here on it is not its claimer's any more.
    if not await turn(operation, State.PLANNED, {"due_at": clock.now() + PLANNED_FOR}):
        return await reload(operation.id)
    await beforehand.look(Verb(operation.verb), operation.purchase, operation.payment)
    # Reading may have taken longer than a minute.
    until = clock.now() + PLANNED_FOR
    if not await turn(operation, State.PLANNED, {"due_at": until}):
        return await reload(operation.id)
    books = await queries.books(operation.purchase)
    assert books is not None
    why = unwanted(books, operation)
    if not _same_account(operation):
        why = "another_account"
    if why:
        await outcomes.close(operation, State.WITHDRAWN, why, BY)
        return await reload(operation.id)
    return await send(operation.id, planned_until=until)


async def _resume_unknown(operation: Operation, at_once: bool) -> Operation:
    operation, payment = await _look(operation)
    if State(operation.state) is not State.UNKNOWN:
        return operation
    if not at_once and (operation.due_at or clock.now()) > clock.now():
        return operation
    if Verb(operation.verb) in ENDS_A_HOLD:
        return await _resume_end(operation, payment)
    return await _resume_create_or_refund(operation)


async def _look(operation: Operation) -> tuple[Operation, Payment]:
    """Read Stripe, which may prove the operation; both rows as they stand afterwards."""
    payment = await _find_payment(operation)
    if payment.stripe_intent_id is None:
        return operation, payment
    payment = await ledger.post(payment.id)
    return await reload(operation.id), payment


async def _find_payment(operation: Operation) -> Payment:
    """The payment, with its intent's id looked up at Stripe when a create's answer was lost."""
    payment = await Payment.objects().get(Payment.id == operation.payment)
    assert payment is not None
    # While the key stands, the same request under it finds the intent; a stored error never does.
    askable = _key_stands(operation) and not operation.replayed_error and _same_account(operation)
    lost = payment.stripe_intent_id is None and not askable
    if lost and operation.first_sent_at:
        purchase = await Purchase.objects().get(Purchase.id == operation.purchase)
        assert purchase is not None
        since = operation.first_sent_at - LOOK_BACK
        found = None
        # Another account does not know the customer either: nothing is found there.
        with contextlib.suppress(NotThere):
            found = await gateway().find_created(purchase.customer, operation.id, since)
        if found:
            await ledger.attach(payment.id, found)
            payment.stripe_intent_id = found
    return payment


async def _resume_end(operation: Operation, payment: Payment) -> Operation:
    """A capture or a release: Stripe ends a hold once, so its state tells what may be sent."""
    if payment.payment_status != Status.AUTHORIZED and payment.intent_status in (
        "succeeded",
        "canceled",
    ):
        await outcomes.close(operation, State.OVERTAKEN, f"{payment.end_reason} at Stripe", BY)
        return await reload(operation.id)
    if await _next_step(operation, payment, await _captured_elsewhere(operation)):
        return await send(operation.id, states=(State.UNKNOWN,))
    if not _key_stands(operation):
        await outcomes.refused(
            operation, Refusal("never_arrived", "Stripe never carried it out: the hold stands.")
        )
        return await reload(operation.id)
    return await send(operation.id, states=(State.UNKNOWN,))


async def _captured_elsewhere(operation: Operation) -> bool:
    """Whether another hold of the purchase was captured since a capture was claimed, by Stripe.

    A renewal stands beside the old hold for a moment, and the event of a capture that was made in
    Stripe's own dashboard may be late or lost.
    """
    if Verb(operation.verb) is not Verb.CAPTURE:
        return False
    books = await queries.books(operation.purchase)
    assert books is not None
    for other in books.payments:
        if other.id != operation.payment and queries.payment_facts(other).held:
            await ledger.post(other.id)
    books = await queries.books(operation.purchase)
    assert books is not None
    own = next(facts for facts in books.payment_facts if facts.id == operation.payment)
    return captured_elsewhere(own, books.payment_facts) > 0


async def _next_step(operation: Operation, payment: Payment, paid_elsewhere: bool) -> bool:
    """Turn the operation to what is owed now, under a new key, when that is less than it asks.

    The hold still stands and can end only once, so the earlier step can't come on top. A replayed
    error gets a new key as well: the old one would answer the same for ever. So does what was sent
    with an API key that is no longer ours: the present one has just read this hold, so it is of the
    same account.
    """
    async with db.transaction():
        purchase = await touch(operation.purchase)
        verb, amount = Verb(operation.verb), operation.amount
        if paid_elsewhere:
            verb, amount = Verb.RELEASE, payment.authorized_amount
        elif verb is Verb.CAPTURE and purchase.owed is not None and purchase.owed < amount:
            verb = Verb.RELEASE if purchase.owed == 0 else Verb.CAPTURE
            amount = purchase.owed or payment.authorized_amount
        elif not operation.replayed_error and _same_account(operation):
            return False
        body = body_of(verb, operation.id, purchase, payment, amount, operation.reason)
        return await turn(
            operation,
            State.UNKNOWN,
            {
                "verb": verb,
                "amount": amount,
                "step": operation.step + 1,
                "body": json.dumps(body),
                "account": gateway().account,
                "first_sent_at": None,
                "replayed_error": False,
            },
        )


async def _resume_create_or_refund(operation: Operation) -> Operation:
    why = "nothing found at Stripe"
    if _key_stands(operation) and _same_account(operation) and not operation.replayed_error:
        books = await queries.books(operation.purchase)
        assert books is not None
        if Verb(operation.verb) in CREATES or not (surplus := beyond_owed(books, operation)):
            return await send(operation.id, states=(State.UNKNOWN,))
        # Somebody has paid it back elsewhere: sent again, it could pay the customer twice.
        why = surplus
    await outcomes.close(operation, State.STALLED, why, BY)
    return await reload(operation.id)


def _same_account(operation: Operation) -> bool:
    return bool(operation.account == gateway().account)


def _key_stands(operation: Operation) -> bool:
    """Whether Stripe still knows the key: younger than 23 h, and no clock has run backwards."""
    sent = operation.first_sent_at
    if sent is None:
        return True
    return timedelta() <= clock.now() - sent < KEY_LIFE
