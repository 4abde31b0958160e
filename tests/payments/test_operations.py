"""The life of an operation: every row of its table in docs/payments.md that a fault can reach."""

import asyncio
import contextlib
import json
import uuid
from datetime import timedelta

import pytest

from dashboard import clock, db, stripe_gateway
from dashboard.payments import actions, ledger, queries, sending, settle
from dashboard.payments.actions import Wish
from dashboard.payments.errors import Busy, NotAllowed, OutcomeUnknown
from dashboard.payments.facts import State, Status, Verb
from dashboard.payments.resume import resume
from dashboard.payments.tables import Operation, Payment, PaymentEvent, Purchase
from dashboard.snapshots import Call
from dashboard.stripe_gateway import NotThere, StripeGateway, gateway
from tests.payments.conftest import ANA, Desk

MINUTE = timedelta(minutes=1)
CAPTURE = "/v1/payment_intents/*/capture"
LATE = timedelta(hours=23, seconds=1)


async def claimed(purchase: int, verb: Verb, amount: int | None = None) -> str:
    """A claim whose process died before it sent anything."""
    wish = Wish(verb, purchase, str(uuid.uuid4()), ANA, amount=amount)
    async with db.transaction():
        operation = await actions.claim(wish)
    return str(operation.id)


async def unknown(desk: Desk, purchase: int, verb: Verb, path: str, when: str = "before") -> str:
    """An operation whose answer was lost and can't be found out by a read back."""
    desk.sandbox.fault(when, "drop", path)
    assert isinstance(await desk.ask(verb, purchase), OutcomeUnknown)
    operation = (await desk.operations(purchase))[-1]
    assert operation.state == State.UNKNOWN
    return str(operation.id)


async def state(operation_id: str) -> str:
    return str((await sending.reload(operation_id)).state)


async def test_a_claim_that_was_never_sent_is_sent_after_a_minute(desk: Desk):
    purchase = await desk.buy()
    operation = await claimed(purchase, Verb.CAPTURE)
    await settle.settle(purchase)
    assert await state(operation) == State.PLANNED
    await desk.advance(MINUTE)
    await desk.tick()
    assert await state(operation) == State.SUCCEEDED
    assert (await desk.payment(purchase)).captured_amount == 9600


async def test_a_claim_that_the_rules_no_longer_allow_is_withdrawn_unsent(desk: Desk):
    purchase = await desk.buy()
    operation = await claimed(purchase, Verb.CAPTURE)
    await desk.decide(purchase, 0)
    await desk.advance(MINUTE)
    await desk.tick()
    assert await state(operation) == State.WITHDRAWN
    assert desk.money_calls("/capture") == []
    assert (await desk.payment(purchase)).payment_status == Status.RELEASED


async def test_a_sender_that_went_away_is_followed_by_one_other(desk: Desk):
    purchase = await desk.buy()
    operation = await claimed(purchase, Verb.CAPTURE)
    assert await sending._take_lease(operation, (State.PLANNED,))
    assert await sending._take_lease(operation, (State.PLANNED, State.UNKNOWN)) is None
    await desk.advance(timedelta(seconds=44))
    await desk.tick()
    assert await state(operation) == State.SENDING
    await desk.advance(timedelta(seconds=2))
    await desk.tick()
    assert await state(operation) == State.SUCCEEDED
    assert len(desk.money_calls("/capture")) == 1


async def test_a_cancellation_during_an_unknown_capture_releases_the_hold_that_still_stands(
    desk: Desk,
):
    purchase = await desk.buy()
    operation = await unknown(desk, purchase, Verb.CAPTURE, CAPTURE)
    await desk.decide(purchase, 0)
    await desk.advance(MINUTE)
    await desk.tick()
    ended = await sending.reload(operation)
    assert (ended.state, ended.verb, ended.asked_verb, ended.step) == (
        State.SUCCEEDED,
        Verb.RELEASE,
        Verb.CAPTURE,
        2,
    )
    assert (await desk.payment(purchase)).payment_status == Status.RELEASED
    assert desk.money_calls("/capture") == []


async def test_a_late_fee_during_an_unknown_capture_captures_the_fee_alone(desk: Desk):
    purchase = await desk.buy()
    await unknown(desk, purchase, Verb.CAPTURE, CAPTURE)
    await desk.decide(purchase, 4800)
    await desk.advance(MINUTE)
    await desk.tick()
    assert (await desk.payment(purchase)).captured_amount == 4800


async def test_a_cancellation_during_a_capture_that_happened_is_refunded(desk: Desk):
    purchase = await desk.buy()
    desk.sandbox.fault("after", "drop", CAPTURE)
    desk.sandbox.fault("before", "500", "/v1/payment_intents/*", method="GET", times=3)
    assert isinstance(await desk.ask(Verb.CAPTURE, purchase), OutcomeUnknown)
    await desk.decide(purchase, 0)
    for _ in range(3):
        await desk.advance(MINUTE)
        await desk.tick()
    back = await desk.payment(purchase)
    assert (back.payment_status, back.refunded_amount) == (Status.REFUNDED, 9600)


async def test_an_unknown_capture_of_a_hold_that_somebody_else_ended_is_overtaken(desk: Desk):
    purchase = await desk.buy()
    operation = await unknown(desk, purchase, Verb.CAPTURE, CAPTURE)
    payment = await desk.payment(purchase)
    desk.stripe().payment_intents.cancel(payment.stripe_intent_id)
    await desk.advance(MINUTE)
    await desk.tick()
    assert await state(operation) == State.OVERTAKEN
    books = await queries.books(purchase)
    assert books is not None
    # The capture was wanted and the hold is gone: a person has to look.
    assert books.purchase.attention == "released"


async def test_past_the_life_of_its_key_a_capture_whose_hold_stands_was_refused(desk: Desk):
    purchase = await desk.buy()
    operation = await unknown(desk, purchase, Verb.CAPTURE, CAPTURE)
    await desk.advance(LATE)
    await resume(operation)
    assert await state(operation) == State.REFUSED
    await desk.advance(MINUTE)
    await desk.tick()
    assert (await desk.payment(purchase)).captured_amount == 9600


async def test_past_the_life_of_its_key_a_create_is_found_by_listing_the_customers_intents(
    desk: Desk,
):
    desk.sandbox.fault("after", "drop", "/v1/payment_intents")
    purchase = await desk.buy()
    assert (await desk.payment(purchase)).stripe_intent_id is None
    await desk.advance(LATE)
    await desk.tick()
    assert (await desk.payment(purchase)).payment_status == Status.AUTHORIZED
    assert (await desk.operations(purchase))[0].state == State.SUCCEEDED


@pytest.mark.parametrize("verb", [Verb.AUTHORIZE, Verb.REFUND])
async def test_past_the_life_of_its_key_a_create_or_refund_that_is_nowhere_stalls(
    desk: Desk, verb: Verb
):
    if verb is Verb.REFUND:
        purchase = await desk.buy(at_once=True)
        await unknown(desk, purchase, verb, "/v1/refunds")
    else:
        desk.sandbox.fault("before", "drop", "/v1/payment_intents")
        purchase = await desk.buy()
    await desk.advance(LATE)
    await desk.tick()
    operation = (await desk.operations(purchase))[-1]
    assert operation.state == State.STALLED
    books = await queries.books(purchase)
    assert books is not None
    assert books.purchase.attention == "stalled"
    assert isinstance(await desk.ask(verb, purchase), Busy)


async def test_a_stalled_refund_that_shows_up_at_stripe_after_all_succeeds(desk: Desk):
    purchase = await desk.buy(at_once=True)
    operation = await unknown(desk, purchase, Verb.REFUND, "/v1/refunds")
    await desk.advance(LATE)
    await desk.tick()
    payment = await desk.payment(purchase)
    body = json.loads((await sending.reload(operation)).body)
    desk.stripe().refunds.create(body["params"])
    await ledger.post(payment.id)
    assert await state(operation) == State.SUCCEEDED


async def test_a_closed_operation_that_stripe_carried_out_after_all_is_corrected(desk: Desk):
    purchase = await desk.buy(at_once=True)
    operation_id = str(uuid.uuid4())
    await desk.ask(Verb.REFUND, purchase, 1000, operation_id=operation_id)
    await Operation.update({"state": State.GIVEN_UP}).where(Operation.id == operation_id)
    payment = await desk.payment(purchase)
    await ledger.post(payment.id)
    assert await state(operation_id) == State.SUCCEEDED
    assert await PaymentEvent.exists().where(
        PaymentEvent.key == f"operation:{operation_id}:succeeded"
    )


async def test_with_another_accounts_key_no_create_and_no_refund_is_sent_again(desk: Desk):
    purchase = await desk.buy(at_once=True)
    operation = await unknown(desk, purchase, Verb.REFUND, "/v1/refunds")
    await Operation.update({"account": "stripe:other"}).where(Operation.id == operation)
    await desk.advance(MINUTE)
    await desk.tick()
    assert await state(operation) == State.STALLED
    assert desk.money_calls("/v1/refunds") == []


async def test_a_capture_of_before_a_rotation_of_the_key_is_brought_to_its_end(desk: Desk):
    """The present key has read the hold, so it is of the same account; the hold ends once."""
    purchase = await desk.buy()
    operation = await unknown(desk, purchase, Verb.CAPTURE, CAPTURE)
    await Operation.update({"account": "stripe:the_key_before"}).where(Operation.id == operation)
    await desk.advance(MINUTE)
    await desk.tick()
    ended = await sending.reload(operation)
    assert (ended.state, ended.step, ended.sends) == (State.SUCCEEDED, 2, 2)
    assert (await desk.payment(purchase)).captured_amount == 9600
    assert len(desk.money_calls("/capture")) == 1


async def test_a_hold_that_the_present_key_cant_read_is_neither_captured_nor_given_up(desk: Desk):
    purchase = await desk.buy()
    operation = await unknown(desk, purchase, Verb.CAPTURE, CAPTURE)
    await Operation.update({"account": "stripe:other"}).where(Operation.id == operation)
    await Payment.update({"stripe_intent_id": "pi_of_another_account"}).where(
        Payment.purchase == purchase
    )
    await desk.advance(MINUTE)
    with pytest.raises(NotThere):
        await settle.settle(purchase)
    assert await state(operation) == State.UNKNOWN
    assert desk.money_calls("/capture") == []


async def test_a_clock_that_ran_backwards_sends_nothing_again(desk: Desk):
    purchase = await desk.buy(at_once=True)
    operation = await unknown(desk, purchase, Verb.REFUND, "/v1/refunds")
    later = clock.now() + timedelta(hours=2)
    await Operation.update({"first_sent_at": later}).where(Operation.id == operation)
    await desk.advance(MINUTE)
    await desk.tick()
    assert await state(operation) == State.STALLED
    assert desk.money_calls("/v1/refunds") == []


async def test_a_stored_500_is_read_back_and_a_hold_that_stands_is_captured_under_a_new_key(
    desk: Desk,
):
    purchase = await desk.buy()
    operation = await unknown(desk, purchase, Verb.CAPTURE, CAPTURE)
    await Operation.update({"replayed_error": True}).where(Operation.id == operation)
    await desk.advance(MINUTE)
    await desk.tick()
    assert (await sending.reload(operation)).step == 2
    assert (await desk.payment(purchase)).captured_amount == 9600


async def test_two_holds_of_one_purchase_are_never_both_captured(desk: Desk):
    purchase = await desk.buy()
    # What a renewal leaves for a moment: a second hold of the same purchase.
    first = await desk.payment(purchase)
    await Payment.update({"payment_status": Status.FAILED}).where(Payment.id == first.id)
    await desk.attempt(purchase, Verb.AUTHORIZE)
    await ledger.post(first.id)
    rows = await Payment.objects().where(Payment.purchase == purchase).order_by(Payment.id)
    assert [row.payment_status for row in rows] == [Status.AUTHORIZED, Status.AUTHORIZED]
    assert [row.current for row in rows] == [False, True]
    outcomes = await asyncio.gather(
        *(desk.ask(Verb.CAPTURE, purchase, payment_id=row.id) for row in rows)
    )
    await desk.tick()
    await desk.tick()
    taken = [row.captured_amount for row in await Payment.objects().order_by(Payment.id)]
    refunded = [row.refunded_amount for row in await Payment.objects().order_by(Payment.id)]
    assert (sorted(taken), sum(refunded)) == ([0, 9600], 0), outcomes
    statuses = {row.payment_status for row in await Payment.objects()}
    assert Status.AUTHORIZED not in statuses


async def test_a_hold_beside_a_captured_one_is_not_captured_by_hand(desk: Desk):
    purchase = await desk.buy()
    first = await desk.payment(purchase)
    await Payment.update({"payment_status": Status.FAILED}).where(Payment.id == first.id)
    await desk.attempt(purchase, Verb.AUTHORIZE)
    await ledger.post(first.id)
    # One after the other, before the sweep has released what is left over.
    second = await desk.payment(purchase)
    assert isinstance(await desk.ask(Verb.CAPTURE, purchase, payment_id=first.id), Operation)
    refused = await desk.ask(Verb.CAPTURE, purchase, payment_id=second.id)
    assert isinstance(refused, NotAllowed) and refused.code == "already_captured"
    assert len(desk.money_calls("/capture")) == 1


async def test_past_its_deadline_a_send_writes_nothing(desk: Desk):
    purchase = await desk.buy()
    payment = await desk.payment(purchase)
    before = len(desk.sandbox.requests())
    call = Call("capture", payment.stripe_intent_id, {"amount_to_capture": 9600})
    answer = await gateway().send(
        call, key="late", api_version=stripe_gateway.API_VERSION, deadline=clock.boot_seconds() - 1
    )
    assert answer.outcome == "unclear"
    assert len(desk.sandbox.requests()) == before


async def test_stripe_is_never_called_inside_a_transaction(desk: Desk):
    purchase = await desk.buy()
    payment = await desk.payment(purchase)
    async with db.transaction():
        with pytest.raises(RuntimeError, match="Stripe"):
            await gateway().fetch(payment.stripe_intent_id)


async def test_a_snapshot_taken_before_another_post_never_wins(desk: Desk):
    purchase = await desk.buy()
    before = await desk.payment(purchase)
    old = await gateway().fetch(before.stripe_intent_id)
    await desk.ask(Verb.CAPTURE, purchase)
    with pytest.raises(ledger._Stale):
        await ledger.commit(before, old, None)
    assert (await desk.payment(purchase)).payment_status == Status.CAPTURED


async def test_a_post_raises_the_version_also_when_nothing_changed(desk: Desk):
    purchase = await desk.buy()
    before = await desk.payment(purchase)
    after = await ledger.post(before.id)
    assert after.version == before.version + 1


async def test_a_payment_that_is_confirmed_after_its_cancellation_is_let_go_by_itself(desk: Desk):
    purchase = await desk.buy(card="pm_card_authenticationRequired")
    waiting = await desk.payment(purchase)
    assert (waiting.payment_status, waiting.intent_status) == (Status.PENDING, "requires_action")
    desk.sandbox.authenticate(waiting.stripe_intent_id)
    await desk.decide(purchase, 0)
    await desk.tick()
    await desk.deliver()
    await desk.tick()
    assert (await desk.payment(purchase)).payment_status == Status.RELEASED


async def test_an_abandoned_authentication_is_cancelled_after_half_an_hour(desk: Desk):
    purchase = await desk.buy(card="pm_card_authenticationRequired")
    await desk.tick()
    await desk.advance(timedelta(minutes=30))
    await desk.tick()
    gone = await desk.payment(purchase)
    assert (gone.payment_status, gone.end_reason) == (Status.FAILED, "cancelled")


async def test_an_early_capture_is_recorded_as_the_policys_decision(desk: Desk):
    purchase = await desk.buy(due_in=timedelta(days=20))
    await desk.tick()
    await desk.advance(timedelta(days=6) + MINUTE)
    await desk.tick()
    assert (await desk.payment(purchase)).payment_status == Status.CAPTURED
    event = await PaymentEvent.objects().get(PaymentEvent.kind == "expiry_decision")
    assert event is not None
    assert event.key.endswith(":capture")


async def test_a_capture_that_the_bank_refuses_backs_off_and_stands_on_a_persons_list(desk: Desk):
    purchase = await desk.buy(due_in=timedelta(hours=1))
    fault = {"when": "before", "kind": "402", "method": "POST", "path": CAPTURE, "times": 4}
    desk.sandbox.control("POST", "faults", fault)
    await desk.advance(timedelta(hours=1, seconds=1))
    for _ in range(12):
        await desk.tick(1)
        await desk.advance(MINUTE)
    books = await queries.books(purchase)
    assert books is not None
    row = books.purchase
    assert (row.refused_count, row.attention) == (4, "keeps_failing")
    assert "processing your card" in row.refused_error
    refused = [op for op in await desk.operations(purchase) if op.state == State.REFUSED]
    assert len({op.id for op in refused}) == 4
    for _ in range(8):
        await desk.advance(MINUTE)
        await desk.tick(1)
    books = await queries.books(purchase)
    assert books is not None
    assert (books.purchase.attention, books.purchase.refused_count) == (None, 0)
    assert (await desk.payment(purchase)).captured_amount == 9600


async def test_an_outcome_unknown_for_15_minutes_is_put_before_a_person(desk: Desk):
    purchase = await desk.buy(due_in=timedelta(hours=1))
    desk.sandbox.control(
        "POST",
        "faults",
        {
            "when": "before",
            "kind": "429",
            "method": "POST",
            "path": CAPTURE,
            "times": 40,
        },
    )
    await desk.advance(timedelta(hours=1, seconds=1))
    for _ in range(20):
        await desk.advance(MINUTE)
        await desk.tick(1)
    books = await queries.books(purchase)
    assert books is not None
    assert books.purchase.attention == "unknown"
    assert books.operation is not None
    assert books.operation.state == State.UNKNOWN


async def test_the_gateway_spaces_its_calls_so_that_stripe_sees_no_storm(desk: Desk):
    from dashboard.settings import Settings

    slow = Settings(stripe_api_base=desk.sandbox.url, stripe_rate_per_second=80)
    paced = StripeGateway(slow, door="web")
    purchase = await desk.buy()
    payment = await desk.payment(purchase)
    loop = asyncio.get_running_loop()
    started = loop.time()
    await asyncio.gather(*(paced.fetch(payment.stripe_intent_id) for _ in range(21)))
    await paced.close()
    # The web door has a quarter of the 80 a second: 20 gaps of a 20th of a second.
    assert loop.time() - started >= 0.95


async def test_a_client_that_hangs_up_does_not_undo_what_was_begun(desk: Desk):
    purchase = await desk.buy()
    # On a slow machine the first ones hang up before anything was begun at all.
    for pause in (0.0, 0.002, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0):
        if pause > 0.03 and len(await desk.operations(purchase)) > 1:
            break
        task = asyncio.create_task(desk.ask(Verb.CAPTURE, purchase))
        await asyncio.sleep(pause)
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
    # What was begun goes on without its caller, as long as the machine takes for it.
    for _ in range(100):
        if not any(row.state == State.SENDING for row in await desk.operations(purchase)):
            break
        await asyncio.sleep(0.1)
    await desk.advance(timedelta(minutes=2))
    await desk.tick()
    assert (await desk.payment(purchase)).captured_amount == 9600
    assert len(desk.money_calls("/capture")) == 1


async def test_a_foreign_capture_for_less_than_is_owed_waits_for_a_person(desk: Desk):
    purchase = await desk.buy()
    payment = await desk.payment(purchase)
    desk.stripe().payment_intents.capture(payment.stripe_intent_id, {"amount_to_capture": 5000})
    await desk.deliver()
    await desk.decide(purchase, 9600)
    await desk.tick()
    row = await Purchase.objects().get(Purchase.id == purchase)
    assert row is not None
    assert row.attention == "underpaid"


async def test_what_is_owed_never_rises_by_itself(desk: Desk):
    purchase = await desk.buy()
    await desk.decide(purchase, 4800)
    await desk.decide(purchase, 9600)
    row = await Purchase.objects().get(Purchase.id == purchase)
    assert row is not None
    assert row.owed == 4800
