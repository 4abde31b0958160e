"""The scenarios on the money path itself: a real database, the real SDK, the sandbox over HTTP."""

import asyncio
import uuid
from datetime import timedelta

import pytest

from dashboard.payments import inbox, queries, settle
from dashboard.payments.actors import Actor
from dashboard.payments.errors import Busy, Declined, Mismatch, NotAllowed, OutcomeUnknown
from dashboard.payments.facts import State, Status, Verb
from dashboard.payments.tables import Operation, PaymentEvent, StripeEvent
from tests.payments.conftest import ANA, Desk

BEN = Actor("Ben", "staff", 2)


async def test_01_a_hold_is_captured_after_the_lesson(desk: Desk):
    purchase = await desk.buy(due_in=timedelta(hours=3))
    held = await desk.payment(purchase)
    assert held.payment_status == Status.AUTHORIZED
    assert (held.authorized_amount, held.captured_amount) == (9600, 0)
    assert held.expires_source == "network"
    await desk.advance(timedelta(hours=3, seconds=1))
    await desk.tick()
    paid = await desk.payment(purchase)
    assert (paid.payment_status, paid.captured_amount) == (Status.CAPTURED, 9600)
    assert await desk.kinds(purchase) == ["authorized", "captured"]
    assert len(desk.money_calls("/capture")) == 1


async def test_02_a_declined_card_holds_nothing_and_a_later_attempt_reaches_stripe(desk: Desk):
    purchase = await desk.buy(card="pm_card_chargeDeclinedInsufficientFunds")
    failed = await desk.payment(purchase)
    assert failed.payment_status == Status.FAILED
    assert failed.refusal_code == "insufficient_funds"
    assert failed.authorized_amount == 0
    assert await desk.kinds(purchase) == ["declined"]
    again = await desk.attempt(purchase, Verb.AUTHORIZE)
    assert isinstance(again, Declined)
    keys = [row["idempotency_key"] for row in desk.money_calls("/payment_intents")]
    assert len(set(keys)) == 2


async def test_03_a_hold_that_expired_is_released_with_its_reason(desk: Desk):
    purchase = await desk.buy(due_in=timedelta(days=30))
    await desk.advance(timedelta(days=7, seconds=1))
    await desk.deliver()
    gone = await desk.payment(purchase)
    assert (gone.payment_status, gone.end_reason) == (Status.RELEASED, "expired")
    assert await desk.kinds(purchase) == ["authorized", "expired"]
    refused = await desk.ask(Verb.CAPTURE, purchase)
    assert isinstance(refused, NotAllowed)
    assert refused.code == "hold_ended"


async def test_04_sixty_of_ninety_six_is_captured_once_and_refundable_up_to_sixty(desk: Desk):
    purchase = await desk.buy()
    assert isinstance(await desk.ask(Verb.CAPTURE, purchase, 6000), Operation)
    paid = await desk.payment(purchase)
    assert (paid.captured_amount, paid.authorized_amount) == (6000, 9600)
    event = await PaymentEvent.objects().get(PaymentEvent.kind == "captured")
    assert event is not None
    assert (event.amount, event.given_back, event.actor) == (6000, 3600, "Ana")
    second = await desk.ask(Verb.CAPTURE, purchase, 3600)
    assert isinstance(second, NotAllowed)
    assert second.code == "already_captured"
    too_much = await desk.ask(Verb.REFUND, purchase, 6001)
    assert isinstance(too_much, NotAllowed)
    assert too_much.values["most"] == 6000
    assert isinstance(await desk.ask(Verb.REFUND, purchase, 6000), Operation)
    assert (await desk.payment(purchase)).payment_status == Status.REFUNDED


async def test_05_cancelling_before_capture_releases_the_hold(desk: Desk):
    purchase = await desk.buy()
    await desk.decide(purchase, 0)
    await settle.settle(purchase)
    gone = await desk.payment(purchase)
    assert (gone.payment_status, gone.end_reason) == (Status.RELEASED, "released")
    intent = desk.stripe().payment_intents.retrieve(gone.stripe_intent_id)
    assert (intent.status, intent.cancellation_reason) == ("canceled", "requested_by_customer")


async def test_06_two_refunds_add_up_and_a_third_above_the_rest_is_refused(desk: Desk):
    purchase = await desk.buy(at_once=True)
    assert await desk.kinds(purchase) == ["charged"]
    assert isinstance(await desk.ask(Verb.REFUND, purchase, 4000), Operation)
    half = await desk.payment(purchase)
    assert (half.payment_status, half.refunded_amount) == (Status.CAPTURED, 4000)
    assert isinstance(await desk.ask(Verb.REFUND, purchase, 5000), Operation)
    refused = await desk.ask(Verb.REFUND, purchase, 601)
    assert isinstance(refused, NotAllowed)
    assert refused.values["most"] == 600
    assert (await desk.payment(purchase)).refunded_amount == 9000
    await desk.deliver(times=2)
    assert (await desk.payment(purchase)).refunded_amount == 9000
    assert (await desk.kinds(purchase)).count("refund_succeeded") == 2


async def test_07_a_package_is_charged_at_once_with_its_metadata(desk: Desk):
    purchase = await desk.buy(
        price=42000, at_once=True, due_in=None, metadata={"package_id": "3", "lessons_count": "5"}
    )
    paid = await desk.payment(purchase)
    assert (paid.payment_status, paid.captured_amount) == (Status.CAPTURED, 42000)
    intent = desk.stripe().payment_intents.retrieve(paid.stripe_intent_id)
    assert intent.metadata["package_id"] == "3"
    assert intent.metadata["lessons_count"] == "5"


@pytest.mark.parametrize("kind", ["drop", "hang", "500", "429", "409"])
@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("times", [1, 2])
async def test_10_a_lost_reply_is_neither_charged_twice_nor_forgotten(
    desk: Desk, kind: str, when: str, times: int
):
    purchase = await desk.buy()
    desk.sandbox.fault(when, kind, "/v1/payment_intents/*/capture", times=times, seconds=0.1)
    first = await desk.ask(Verb.CAPTURE, purchase)
    # Where the change was made, the read back may know it at once; else nobody knows yet.
    assert isinstance(first, Operation | OutcomeUnknown)
    for _ in range(8):
        await desk.advance(timedelta(minutes=2))
        await desk.tick()
    paid = await desk.payment(purchase)
    assert (paid.payment_status, paid.captured_amount) == (Status.CAPTURED, 9600)
    assert await desk.kinds(purchase) == ["authorized", "captured"]
    charges = desk.stripe().charges.list({"payment_intent": paid.stripe_intent_id}).data
    assert [charge.amount_captured for charge in charges] == [9600]
    (capture,) = [row for row in await desk.operations(purchase) if row.verb == Verb.CAPTURE]
    assert capture.state == State.SUCCEEDED


@pytest.mark.parametrize("kind", ["drop", "500", "429"])
@pytest.mark.parametrize("when", ["before", "after"])
async def test_10_a_lost_create_holds_once(desk: Desk, kind: str, when: str):
    await desk.buy(card="pm_card_visa")
    desk.sandbox.fault(when, kind, "/v1/payment_intents", times=1)
    purchase = await desk.buy()
    pending = await desk.payment(purchase)
    assert pending.payment_status == Status.PENDING
    for _ in range(4):
        await desk.advance(timedelta(minutes=2))
        await desk.tick()
        await desk.deliver()
    books = await queries.books(purchase)
    assert books is not None
    intents = desk.stripe().payment_intents.list({"customer": desk.customer, "limit": 100}).data
    # One for the purchase before this one, and one for this one.
    assert len([intent for intent in intents if intent.status == "requires_capture"]) == 2
    assert (await desk.payment(purchase)).payment_status == Status.AUTHORIZED


@pytest.mark.parametrize("when", ["before", "after"])
async def test_10_a_lost_refund_is_paid_once(desk: Desk, when: str):
    purchase = await desk.buy(at_once=True)
    desk.sandbox.fault(when, "drop", "/v1/refunds", times=2)
    await desk.ask(Verb.REFUND, purchase, 4000)
    for _ in range(6):
        await desk.advance(timedelta(minutes=2))
        await desk.tick()
    paid = await desk.payment(purchase)
    assert paid.refunded_amount == 4000
    refunds = desk.stripe().refunds.list({"payment_intent": paid.stripe_intent_id}).data
    assert [refund.amount for refund in refunds] == [4000]


async def test_11_a_charge_succeeded_event_of_a_hold_captures_nothing(desk: Desk):
    purchase = await desk.buy()
    held = [row for row in desk.sandbox.deliveries("held") if row["type"] == "charge.succeeded"]
    assert len(held) == 1
    await desk.deliver()
    still = await desk.payment(purchase)
    assert (still.payment_status, still.captured_amount) == (Status.AUTHORIZED, 0)


async def test_12_events_in_the_wrong_order_leave_a_captured_payment_captured(desk: Desk):
    purchase = await desk.buy()
    await desk.ask(Verb.CAPTURE, purchase)
    await desk.deliver(order="reverse")
    paid = await desk.payment(purchase)
    assert paid.payment_status == Status.CAPTURED
    assert await desk.kinds(purchase) == ["authorized", "captured"]


async def test_13_five_deliveries_of_one_event_at_once_have_one_effect(desk: Desk):
    purchase = await desk.buy()
    payment = await desk.payment(purchase)
    desk.stripe().payment_intents.capture(payment.stripe_intent_id)
    await desk.deliver()
    assert (await desk.kinds(purchase)).count("captured") == 1
    row = await StripeEvent.objects().get(StripeEvent.type == "payment_intent.succeeded")
    assert row is not None
    await asyncio.gather(*(inbox.handle(row.id) for _ in range(5)))
    assert (await desk.kinds(purchase)).count("captured") == 1


async def test_15_the_second_of_two_people_is_told_who_was_first(desk: Desk):
    purchase = await desk.buy()
    outcomes = await asyncio.gather(
        desk.ask(Verb.CAPTURE, purchase), desk.ask(Verb.CAPTURE, purchase, actor=BEN)
    )
    done = [found for found in outcomes if isinstance(found, Operation)]
    lost = [found for found in outcomes if isinstance(found, Busy | NotAllowed)]
    assert (len(done), len(lost)) == (1, 1)
    if isinstance(lost[0], Busy):
        assert lost[0].operation.asked_by == done[0].asked_by
    assert len(desk.money_calls("/capture")) == 1


async def test_15_a_click_that_races_the_sweep_is_one_capture(desk: Desk):
    purchase = await desk.buy(due_in=timedelta(seconds=0))
    await asyncio.gather(
        desk.ask(Verb.CAPTURE, purchase), settle.settle(purchase), settle.settle(purchase)
    )
    assert len(desk.money_calls("/capture")) == 1
    assert (await desk.payment(purchase)).captured_amount == 9600


async def test_15_a_capture_that_races_a_cancellation_ends_the_hold_once(desk: Desk):
    purchase = await desk.buy()
    await asyncio.gather(desk.ask(Verb.CAPTURE, purchase), desk.decide(purchase, 0))
    await desk.tick()
    payment = await desk.payment(purchase)
    # Either the release came first, or the capture did and was given back: nothing was kept.
    kept = payment.captured_amount - payment.refunded_amount
    assert kept == 0
    assert payment.payment_status in (Status.RELEASED, Status.REFUNDED)


async def test_15_one_operation_id_moves_money_once_and_never_something_else(desk: Desk):
    purchase = await desk.buy()
    operation_id = str(uuid.uuid4())
    first = await desk.ask(Verb.CAPTURE, purchase, 6000, operation_id=operation_id)
    again = await desk.ask(Verb.CAPTURE, purchase, 6000, operation_id=operation_id)
    assert isinstance(first, Operation)
    assert isinstance(again, Operation)
    other = await desk.ask(Verb.REFUND, purchase, 6000, operation_id=operation_id)
    assert isinstance(other, Mismatch)
    assert len(desk.money_calls("/capture")) == 1


async def test_16_a_capture_made_in_stripes_dashboard_is_taken_at_stripes_amount(desk: Desk):
    purchase = await desk.buy()
    payment = await desk.payment(purchase)
    desk.stripe().payment_intents.capture(payment.stripe_intent_id, {"amount_to_capture": 5000})
    await desk.deliver()
    paid = await desk.payment(purchase)
    assert (paid.payment_status, paid.captured_amount) == (Status.CAPTURED, 5000)
    event = await PaymentEvent.objects().get(PaymentEvent.kind == "captured")
    assert event is not None
    assert (event.actor, event.given_back) == ("Stripe", 4600)


async def test_17_a_refund_made_in_stripes_dashboard_is_followed_and_counted_once(desk: Desk):
    purchase = await desk.buy(at_once=True)
    await desk.decide(purchase, 9600)
    payment = await desk.payment(purchase)
    desk.stripe().refunds.create({"payment_intent": payment.stripe_intent_id, "amount": 3000})
    await desk.deliver(times=3)
    await desk.tick()
    paid = await desk.payment(purchase)
    assert paid.refunded_amount == 3000
    assert (await desk.kinds(purchase)).count("refund_succeeded") == 1
    books = await queries.books(purchase)
    assert books is not None
    assert (books.purchase.owed, books.purchase.decided_by) == (6600, "Stripe")
    assert books.purchase.attention is None


@pytest.mark.parametrize("intent", ["pi_unknown", None])
async def test_21_an_event_for_nobody_is_kept_as_an_orphan(desk: Desk, intent: str | None):
    subject = {"id": "ch_1", "object": "charge", "payment_intent": intent, "metadata": {}}
    payload = {
        "id": "evt_1",
        "type": "charge.succeeded",
        "created": 1795400000,
        "data": {"object": subject},
    }
    assert await inbox.keep(inbox.notice(payload))
    assert await inbox.handle("evt_1") is None
    row = await StripeEvent.objects().get(StripeEvent.id == "evt_1")
    assert row is not None
    assert row.state == "orphan"


async def test_the_students_attempt_and_staffs_capture_are_told_apart_in_the_story(desk: Desk):
    purchase = await desk.buy()
    await desk.ask(Verb.CAPTURE, purchase, reason="", note="asked on the phone", actor=ANA)
    story = await queries.timeline(purchase)
    assert [(event.kind, event.actor, event.cause) for event in story] == [
        ("authorized", "Maya", "student"),
        ("captured", "Ana", "staff"),
    ]
