"""What is asked before something is sent: Stripe, the rules, whose turn it is, which account."""

import asyncio
import json
from datetime import timedelta

import pytest
import stripe

from dashboard import clock
from dashboard.bookings import settling
from dashboard.payments import inbox, ledger, sending
from dashboard.payments.actions import Shown
from dashboard.payments.errors import NotAllowed, OutcomeUnknown
from dashboard.payments.facts import State, Status, Verb
from dashboard.payments.resume import resume
from dashboard.payments.tables import Operation, Payment, Purchase
from dashboard.stripe_gateway import Unreachable, _answer
from jobs import sweeps
from tests.payments.banking import paid
from tests.payments.conftest import Desk
from tests.payments.test_operations import MINUTE, claimed

PART = 4000


def refunds(desk: Desk, payment: Payment) -> list[int]:
    found = desk.stripe().refunds.list({"payment_intent": payment.stripe_intent_id}).data
    return [one.amount for one in found]


async def paid_back_in_stripe(desk: Desk, purchase: int) -> Payment:
    """Somebody refunds a part in Stripe's own dashboard; its event has not come yet."""
    payment = await desk.payment(purchase)
    desk.stripe().refunds.create({"payment_intent": payment.stripe_intent_id, "amount": PART})
    return payment


async def test_a_planned_refund_is_withdrawn_when_somebody_paid_it_back_in_stripe(desk: Desk):
    purchase = await paid(desk)
    operation = await claimed(purchase, Verb.REFUND, PART)
    payment = await paid_back_in_stripe(desk, purchase)
    await desk.advance(2 * MINUTE)
    await desk.tick()
    assert refunds(desk, payment) == [PART]
    assert (await sending.reload(operation)).state == State.WITHDRAWN


async def test_an_automatic_refund_looks_at_stripe_first(desk: Desk):
    purchase = await paid(desk)
    await desk.decide(purchase, 9600 - PART)
    payment = await paid_back_in_stripe(desk, purchase)
    await desk.tick()
    assert refunds(desk, payment) == [PART]


async def test_a_refund_by_hand_upon_amounts_that_stripe_has_changed_is_stale(desk: Desk):
    purchase = await paid(desk)
    payment = await paid_back_in_stripe(desk, purchase)
    shown = Shown(9600, 9600, 0)
    said = await desk.ask(Verb.REFUND, purchase, PART, shown=shown)
    assert isinstance(said, NotAllowed) and said.code == "stale"
    assert refunds(desk, payment) == [PART]


async def test_a_worker_that_comes_back_refunds_nothing_that_was_paid_back_meanwhile(desk: Desk):
    purchase = await paid(desk)
    await desk.deliver()
    last = max(one["id"] for one in desk.sandbox.deliveries("held"))
    await desk.decide(purchase, 9600 - PART)
    payment = await paid_back_in_stripe(desk, purchase)
    for one in desk.sandbox.deliveries("held", after=last):
        await inbox.keep(inbox.notice(json.loads(one["body"])))
    # At its start every periodic task fires, side by side.
    await asyncio.gather(sweeps.handle_events(), sweeps.auto_capture_completed_lessons())
    assert refunds(desk, payment) == [PART]


async def test_without_stripe_no_refund_is_claimed(desk: Desk):
    purchase = await paid(desk)
    desk.sandbox.fault("before", "500", "/v1/payment_intents/*", method="GET", times=3)
    before = len(await desk.operations(purchase))
    with pytest.raises(Unreachable):
        await desk.ask(Verb.REFUND, purchase, PART)
    assert len(await desk.operations(purchase)) == before


async def test_a_package_that_was_paid_at_its_first_intent_is_not_charged_again(desk: Desk):
    """The bank said no; the student confirms the same intent with another card, the event is late,
    and presses Pay once more."""
    purchase = await desk.buy(at_once=True, card="pm_card_authenticationRequired")
    first = await desk.payment(purchase)
    desk.sandbox.authenticate(str(first.stripe_intent_id), success=False)
    await ledger.post(first.id)
    assert (await desk.payment(purchase)).payment_status == Status.FAILED
    desk.stripe().payment_intents.confirm(
        str(first.stripe_intent_id), {"payment_method": "pm_card_visa"}
    )
    await Purchase.update({"payment_method": "pm_card_visa"}).where(Purchase.id == purchase)
    said = await desk.attempt(purchase, Verb.CHARGE)
    assert isinstance(said, NotAllowed) and said.code == "already_paid"
    await desk.tick()
    charged = [one for one in desk.stripe().payment_intents.list().data if one.amount_received]
    assert [one.id for one in charged] == [first.stripe_intent_id]
    assert refunds(desk, first) == []


def test_a_refusal_that_is_not_stripes_settles_nothing():
    """A proxy on the way answers with a page of its own."""
    page = "<html>Bad request</html>"
    error = stripe.APIError(f"Invalid response body from API: {page}", page, 400, None, {})
    assert _answer(error).outcome == "unclear"


async def test_what_was_planned_for_another_account_is_withdrawn(desk: Desk):
    purchase = await desk.buy()
    operation = await claimed(purchase, Verb.CAPTURE)
    await Operation.update({"account": "stripe:other"}).where(Operation.id == operation)
    assert (await sending.send(operation)).state == State.PLANNED
    await desk.advance(2 * MINUTE)
    assert (await resume(operation)).state == State.WITHDRAWN
    assert desk.money_calls("/capture") == []


async def test_a_claimer_that_slept_beyond_its_minute_sends_nothing_by_old_rules(desk: Desk):
    purchase = await desk.buy()
    operation = await claimed(purchase, Verb.CAPTURE)
    claimer = (await sending.reload(operation)).due_at
    # The claimer is paused here; the student cancels in time.
    await desk.decide(purchase, 0)
    await desk.advance(timedelta(seconds=65))
    assert (await sending.send(operation, planned_until=claimer)).state == State.PLANNED
    # Whoever takes over renews the minute, which does not make it the claimer's again.
    renewed = clock.now() + MINUTE
    await Operation.update({"due_at": renewed}).where(Operation.id == operation)
    assert (await sending.send(operation, planned_until=claimer)).state == State.PLANNED
    await desk.advance(2 * MINUTE)
    await desk.tick()
    assert "captured" not in await desk.kinds(purchase)
    assert (await desk.payment(purchase)).payment_status == Status.RELEASED


async def taken_over_in_vain(desk: Desk, operation: str) -> None:
    """Resume has renewed the minute of a claim whose process died, and could not read Stripe."""
    await desk.advance(timedelta(seconds=65))
    desk.sandbox.fault("before", "500", "/v1/payment_intents/*", method="GET", times=3)
    with pytest.raises(Unreachable):
        await resume(operation)


async def test_a_form_that_is_sent_again_does_not_take_the_minute_of_resume(desk: Desk):
    purchase = await paid(desk)
    operation = await claimed(purchase, Verb.REFUND, PART)
    await taken_over_in_vain(desk, operation)
    payment = await paid_back_in_stripe(desk, purchase)
    said = await desk.ask(Verb.REFUND, purchase, PART, operation_id=operation)
    assert isinstance(said, OutcomeUnknown)
    await desk.advance(5 * MINUTE)
    await desk.tick()
    assert refunds(desk, payment) == [PART]


async def test_a_charge_that_is_asked_for_again_after_the_lesson_was_called_off_is_not_sent(
    desk: Desk,
):
    purchase = await desk.buy(card="pm_card_chargeDeclined", at_once=True)
    await Purchase.update({"payment_method": "pm_card_visa"}).where(Purchase.id == purchase)
    operation = await claimed(purchase, Verb.CHARGE)
    await taken_over_in_vain(desk, operation)
    await desk.decide(purchase, 0)
    await settling.send(await sending.reload(operation))
    assert (await sending.reload(operation)).state == State.PLANNED


@pytest.mark.parametrize("path", ["/v1/refunds", "/v1/payment_intents/*"])
async def test_a_refund_whose_payment_can_not_be_read_comes_onto_a_list(desk: Desk, path: str):
    purchase = await paid(desk)
    await desk.decide(purchase, 9600 - PART)
    desk.sandbox.fault("before", "500", path, method="GET", times=9000)
    for _ in range(20):
        await desk.advance(MINUTE)
        await desk.tick(1)
    row = await Purchase.objects().get(Purchase.id == purchase)
    assert row is not None and row.attention == "keeps_failing"
    desk.sandbox.control("DELETE", "faults")
    await desk.advance(20 * MINUTE)
    await desk.tick()
    row = await Purchase.objects().get(Purchase.id == purchase)
    assert row is not None and row.attention is None
    assert refunds(desk, await desk.payment(purchase)) == [PART]


async def test_a_charge_of_before_a_rotation_of_the_key_is_found_and_not_made_again(desk: Desk):
    desk.sandbox.fault("after", "drop", "/v1/payment_intents")
    purchase = await desk.buy(at_once=True)
    await Operation.update({"account": "stripe:the_key_before"}).where(
        Operation.purchase == purchase
    )
    await desk.advance(9 * MINUTE)
    await desk.tick()
    (operation,) = await desk.operations(purchase)
    assert operation.state == State.SUCCEEDED
    assert (await desk.payment(purchase)).captured_amount == 9600
