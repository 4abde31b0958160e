"""A dispute stops all automation, each step is told once, and its end is as before or a loss."""

from datetime import timedelta

import pytest

from dashboard import clock
from dashboard.payments import ledger, losses, queries, settle
from dashboard.payments.case import Do
from dashboard.payments.errors import NotAllowed, OutcomeUnknown
from dashboard.payments.facts import State, Status, Verb
from dashboard.payments.tables import Operation, Payment
from tests.payments.banking import dispute, hear, kinds, move, paid, row_of
from tests.payments.conftest import ANA, Desk

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


async def test_23_an_open_dispute_stops_the_automation_and_refuses_a_refund(desk: Desk):
    purchase = await paid(desk)
    await dispute(desk, purchase, reason="product_not_received")
    # The student cancels with everything back: what is owed is decided, and nothing moves.
    await desk.decide(purchase, 0)
    await desk.tick()
    await desk.advance(3 * DAY)
    await desk.tick()
    payment, row = await desk.payment(purchase), await row_of(purchase)
    assert (payment.payment_status, payment.disputed_amount) == (Status.CAPTURED, 9600)
    assert (payment.dispute_reason, payment.dispute_status) == (
        "product_not_received",
        "needs_response",
    )
    assert payment.dispute_due_at is not None
    assert (row.attention, row.owed) == ("disputed", 0)
    refused = await desk.ask(Verb.REFUND, purchase, 1000, reason="duplicate")
    assert isinstance(refused, NotAllowed) and refused.code == "disputed"
    assert desk.money_calls("/v1/refunds") == []


@pytest.mark.parametrize("told", [True, False], ids=["webhook", "read"])
async def test_23_won_it_is_as_it_was_and_the_automation_goes_on(desk: Desk, told: bool):
    purchase = await paid(desk)
    opened = await dispute(desk, purchase)
    await desk.decide(purchase, 4000)
    await move(desk, opened, "under_review", told=told)
    assert (await row_of(purchase)).attention == "disputed"
    await move(desk, opened, "won", told=told)
    await hear(desk, True)
    payment, row = await desk.payment(purchase), await row_of(purchase)
    assert (payment.disputed_amount, payment.lost_amount, payment.dispute_due_at) == (0, 0, None)
    assert (payment.refunded_amount, row.attention) == (5600, None)
    assert sorted(await kinds(desk, purchase)) == [
        "dispute_answered",
        "dispute_closed",
        "dispute_opened",
        "funds_reinstated",
        "funds_withdrawn",
    ]


async def test_a_package_that_is_lost_in_a_dispute_is_put_before_a_person(desk: Desk):
    purchase = await desk.buy(at_once=True, due_in=None)
    await move(desk, await dispute(desk, purchase), "lost", told=True)
    row = await row_of(purchase)
    assert (row.owed, row.attention) == (None, "underpaid")
    assert await losses.accept(purchase, "not worth the fight", ANA) == 0
    await desk.tick()
    assert (await row_of(purchase)).attention is None


@pytest.mark.parametrize("told", [True, False], ids=["webhook", "read"])
async def test_23_lost_it_is_a_subtraction_and_stays_a_captured_payment(desk: Desk, told: bool):
    purchase = await paid(desk)
    opened = await dispute(desk, purchase)
    await move(desk, opened, "lost", told=told)
    payment, row = await desk.payment(purchase), await row_of(purchase)
    facts = queries.payment_facts(payment)
    assert (payment.payment_status, payment.lost_amount, facts.kept) == (Status.CAPTURED, 9600, 0)
    assert (row.owed, row.attention) == (9600, "underpaid")
    assert await kinds(desk, purchase) == ["dispute_opened", "funds_withdrawn", "dispute_closed"]
    refused = await desk.ask(Verb.REFUND, purchase, 1000, reason="duplicate")
    assert isinstance(refused, NotAllowed) and refused.code == "already_refunded"


async def test_23_lost_after_it_was_cancelled_nothing_is_refunded_on_top(desk: Desk):
    purchase = await paid(desk)
    opened = await dispute(desk, purchase)
    await desk.decide(purchase, 0)
    await move(desk, opened, "lost")
    await desk.advance(DAY)
    await desk.tick()
    row = await row_of(purchase)
    assert (row.attention, row.owed) == (None, 0)
    assert desk.money_calls("/v1/refunds") == []


async def test_23_a_partly_refunded_payment_is_disputed_for_the_rest(desk: Desk):
    purchase = await paid(desk)
    await desk.ask(Verb.REFUND, purchase, 4000, reason="lesson_went_wrong")
    opened = await dispute(desk, purchase, amount=5600)
    await move(desk, opened, "lost")
    payment = await desk.payment(purchase)
    assert (payment.refunded_amount, payment.lost_amount) == (4000, 5600)
    assert queries.payment_facts(payment).kept == 0
    assert payment.payment_status == Status.CAPTURED


async def test_23_a_dispute_waits_for_no_other_capture_that_is_due(desk: Desk):
    purchase = await desk.buy(due_in=DAY)
    old = await desk.payment(purchase)
    # What a renewal leaves for a moment: a second hold, which is captured in Stripe's dashboard.
    await Payment.update({"payment_status": Status.FAILED}).where(Payment.id == old.id)
    await desk.attempt(purchase, Verb.AUTHORIZE)
    await ledger.post(old.id)
    desk.stripe().payment_intents.capture(str(old.stripe_intent_id))
    desk.sandbox.control("POST", f"charges/{old.stripe_charge_id}/dispute", {})
    await desk.decide(purchase, 9600)
    await hear(desk, True)
    await desk.advance(2 * DAY)
    await desk.tick()
    assert (await row_of(purchase)).attention == "disputed"
    rows = await Payment.objects().where(Payment.purchase == purchase).order_by(Payment.id)
    assert [row.captured_amount for row in rows] == [9600, 0]
    assert len(desk.money_calls("/capture")) == 1


async def test_23_two_disputes_of_one_payment_are_counted_each(desk: Desk):
    purchase = await paid(desk)
    first = await dispute(desk, purchase, amount=4000)
    await desk.advance(DAY)
    second = await dispute(desk, purchase, amount=5600, reason="duplicate")
    payment = await desk.payment(purchase)
    assert (payment.disputed_amount, payment.dispute_id) == (9600, first["id"])
    await move(desk, first, "lost")
    payment = await desk.payment(purchase)
    assert (payment.disputed_amount, payment.lost_amount) == (5600, 4000)
    assert (payment.dispute_id, payment.dispute_reason) == (second["id"], "duplicate")
    assert (await row_of(purchase)).attention == "disputed"
    await move(desk, second, "won")
    payment, row = await desk.payment(purchase), await row_of(purchase)
    assert (payment.disputed_amount, payment.lost_amount, row.attention) == (0, 4000, "underpaid")
    assert sorted(await kinds(desk, purchase)) == [
        *["dispute_closed"] * 2,
        *["dispute_opened"] * 2,
        "funds_reinstated",
        *["funds_withdrawn"] * 2,
    ]


@pytest.mark.parametrize("ends", ["succeeded", "failed"])
async def test_23_a_refund_that_is_pending_when_the_dispute_opens_is_followed(
    desk: Desk, ends: str
):
    purchase = await paid(desk, "pm_card_pendingRefund")
    await desk.ask(Verb.REFUND, purchase, 4000, reason="lesson_went_wrong")
    intent = (await desk.payment(purchase)).stripe_intent_id
    refund = desk.stripe().refunds.list({"payment_intent": intent}).data[0].id
    opened = await dispute(desk, purchase, amount=5600)
    desk.sandbox.control("POST", f"refunds/{refund}", {"status": ends})
    await hear(desk, True)
    payment, row = await desk.payment(purchase), await row_of(purchase)
    given = 4000 if ends == "succeeded" else 0
    assert (payment.refunded_amount, payment.refund_pending_amount) == (given, 0)
    assert (payment.disputed_amount, row.attention) == (5600, "disputed")
    await move(desk, opened, "won")
    assert (await row_of(purchase)).attention == (None if ends == "succeeded" else "refund_failed")


async def test_23_a_refund_that_stripe_refuses_for_a_dispute_is_made_once_it_is_won(desk: Desk):
    purchase = await paid(desk)
    # The bank was faster, and no webhook has told us yet.
    opened = await dispute(desk, purchase, told=False)
    await desk.decide(purchase, 0)
    await desk.tick()
    payment, row = await desk.payment(purchase), await row_of(purchase)
    assert (row.attention, payment.refund_trouble) == ("disputed", "")
    await move(desk, opened, "won")
    await desk.advance(timedelta(minutes=2))
    await desk.tick()
    payment = await desk.payment(purchase)
    assert (payment.payment_status, payment.refunded_amount) == (Status.REFUNDED, 9600)


@pytest.mark.parametrize("answer", ["refund", "close"])
async def test_23_an_inquiry_takes_nothing_and_may_be_answered_by_a_refund(desk: Desk, answer: str):
    purchase = await paid(desk)
    opened = await dispute(desk, purchase, inquiry=True)
    payment = await desk.payment(purchase)
    assert (payment.dispute_status, payment.disputed_amount) == ("warning_needs_response", 9600)
    assert (await row_of(purchase)).attention == "disputed"
    assert await kinds(desk, purchase) == ["dispute_opened"]
    if answer == "refund":
        made = await desk.ask(Verb.REFUND, purchase, reason="requested_by_customer")
        assert isinstance(made, Operation), made
    await move(desk, opened, "warning_closed")
    payment, row = await desk.payment(purchase), await row_of(purchase)
    assert (payment.disputed_amount, payment.lost_amount, row.attention) == (0, 0, None)
    assert payment.refunded_amount == (9600 if answer == "refund" else 0)
    assert await kinds(desk, purchase) == ["dispute_opened", "dispute_closed"]


async def test_23_a_lost_answer_to_the_refund_of_an_inquiry_is_found_by_itself(desk: Desk):
    purchase = await paid(desk)
    await dispute(desk, purchase, inquiry=True)
    desk.sandbox.fault("before", "drop", "/v1/refunds")
    lost = await desk.ask(Verb.REFUND, purchase, 9600, reason="requested_by_customer")
    assert isinstance(lost, OutcomeUnknown)
    await desk.advance(timedelta(minutes=1))
    await desk.tick()
    (made,) = [one for one in await desk.operations(purchase) if one.verb == Verb.REFUND]
    assert made.state == State.SUCCEEDED
    assert len(desk.money_calls("/v1/refunds")) == 1


async def test_23_an_inquiry_that_becomes_a_dispute_bars_refunds(desk: Desk):
    purchase = await paid(desk)
    opened = await dispute(desk, purchase, inquiry=True)
    await move(desk, opened, "needs_response")
    refused = await desk.ask(Verb.REFUND, purchase, reason="requested_by_customer")
    assert isinstance(refused, NotAllowed) and refused.code == "disputed"
    assert await kinds(desk, purchase) == ["dispute_opened", "funds_withdrawn"]


async def test_23_a_dispute_is_looked_at_four_times_a_day_and_not_in_circles(desk: Desk):
    purchase = await paid(desk)
    await dispute(desk, purchase)
    step = await settle.settle(purchase)
    row = await row_of(purchase)
    assert (step.do, step.then) == (Do.PERSON, Do.READ)
    assert row.due_at is not None
    assert 5 * HOUR < row.due_at - clock.now() <= 6 * HOUR
