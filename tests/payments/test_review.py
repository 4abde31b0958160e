"""Schedules that once broke the money path, or could have: each ends as its name says."""

import asyncio
import json
import uuid
from dataclasses import replace
from datetime import timedelta
from types import SimpleNamespace

import pytest

from dashboard import clock, db, stripe_reading
from dashboard.payments import actions, inbox, ledger, queries, sending, settle, trouble
from dashboard.payments.actions import Wish
from dashboard.payments.actors import SWEEP
from dashboard.payments.case import Do
from dashboard.payments.errors import Mismatch, NotAllowed, OutcomeUnknown
from dashboard.payments.facts import State, Status, Verb
from dashboard.payments.resume import give_up, resume
from dashboard.payments.rules import next_step
from dashboard.payments.tables import Operation, Payment, PaymentEvent, Purchase, StripeEvent
from dashboard.payments.turning import turn
from dashboard.stripe_gateway import gateway
from tests.payments.conftest import ANA, STUDENT, Desk

MINUTE = timedelta(minutes=1)
DAY = timedelta(days=1)
CAPTURE = "/v1/payment_intents/*/capture"
CREATE = "/v1/payment_intents"


async def claimed(
    purchase: int,
    verb: Verb,
    amount: int | None = None,
    actor: actions.Actor = ANA,
    payment_id: int | None = None,
) -> str:
    """A claim whose process died before it sent anything."""
    wish = Wish(verb, purchase, str(uuid.uuid4()), actor, payment_id, amount)
    async with db.transaction():
        operation = await actions.claim(wish)
    return str(operation.id)


async def row_of(purchase: int) -> Purchase:
    row = await Purchase.objects().get(Purchase.id == purchase)
    assert row is not None
    return row


async def books_of(purchase: int) -> queries.Books:
    books = await queries.books(purchase)
    assert books is not None
    return books


async def two_holds(desk: Desk) -> tuple[int, Payment]:
    """A purchase with an old hold and a newer one, which is current."""
    purchase = await desk.buy()
    old = await desk.payment(purchase)
    await Payment.update({"payment_status": Status.FAILED}).where(Payment.id == old.id)
    await desk.attempt(purchase, Verb.AUTHORIZE)
    await ledger.post(old.id)
    return purchase, old


async def two_charges(desk: Desk) -> tuple[int, Payment, Payment]:
    """A declined attempt that the customer completed after a second attempt was charged."""
    purchase = await desk.buy(card="pm_card_chargeDeclined", at_once=True)
    first = await desk.payment(purchase)
    await Purchase.update({"payment_method": "pm_card_visa"}).where(Purchase.id == purchase)
    await desk.attempt(purchase, Verb.CHARGE)
    second = await desk.payment(purchase)
    desk.stripe().payment_intents.confirm(
        first.stripe_intent_id,
        {"payment_method": "pm_card_visa", "return_url": "https://example.test/"},
    )
    return purchase, first, second


# Giving back by hand.


async def test_releasing_a_replaced_hold_by_hand_leaves_the_other_one_alone(desk: Desk):
    purchase, old = await two_holds(desk)
    await desk.ask(Verb.RELEASE, purchase, payment_id=old.id)
    await desk.tick()
    rows = await Payment.objects().where(Payment.purchase == purchase).order_by(Payment.id)
    assert [row.payment_status for row in rows] == [Status.RELEASED, Status.AUTHORIZED]
    assert (await row_of(purchase)).owed is None


async def test_refunding_a_second_charge_by_hand_does_not_give_back_the_first(desk: Desk):
    purchase, late, paid = await two_charges(desk)
    await ledger.post(late.id)
    assert (await desk.payment(purchase)).id == paid.id
    await desk.ask(Verb.REFUND, purchase, payment_id=late.id)
    await desk.tick()
    rows = await Payment.objects().where(Payment.purchase == purchase).order_by(Payment.id)
    assert [row.refunded_amount for row in rows] == [9600, 0]


async def test_the_payment_that_was_kept_stays_the_current_one_when_its_time_changes(desk: Desk):
    purchase, late, paid = await two_charges(desk)
    await ledger.post(late.id)
    await desk.tick()
    # Stripe names a later time for the first charge than it did before.
    await Payment.update({"captured_at": clock.now() + DAY}).where(Payment.id == paid.id)
    await ledger.post(late.id)
    await desk.tick()
    rows = await Payment.objects().where(Payment.purchase == purchase).order_by(Payment.id)
    assert [row.captured_amount - row.refunded_amount for row in rows] == [0, 9600]


# What was planned and is not wanted any more.


async def test_a_planned_capture_of_the_sweep_heeds_a_pause_that_came_after_it(desk: Desk):
    purchase = await desk.buy(due_in=timedelta())
    await desk.decide(purchase, 9600)
    payment = await desk.payment(purchase)
    operation = await claimed(purchase, Verb.CAPTURE, actor=SWEEP, payment_id=payment.id)
    await Purchase.update({"paused_until": clock.now() + DAY}).where(Purchase.id == purchase)
    await desk.advance(MINUTE)
    await desk.tick()
    assert (await sending.reload(operation)).state == State.WITHDRAWN
    assert desk.money_calls("/capture") == []


@pytest.mark.parametrize("actor", [SWEEP, ANA])
async def test_a_planned_refund_that_was_paid_in_stripes_dashboard_is_not_paid_twice(
    desk: Desk, actor: actions.Actor
):
    purchase = await desk.buy(at_once=True)
    payment = await desk.payment(purchase)
    if actor is SWEEP:
        await desk.decide(purchase, 4800)
    operation = await claimed(purchase, Verb.REFUND, 4800, actor, payment.id)
    desk.stripe().refunds.create({"payment_intent": payment.stripe_intent_id, "amount": 4800})
    await desk.deliver()
    await desk.advance(MINUTE)
    await desk.tick()
    assert (await sending.reload(operation)).state == State.WITHDRAWN
    assert (await desk.payment(purchase)).refunded_amount == 4800
    assert (await row_of(purchase)).attention is None


async def test_an_unknown_refund_that_was_paid_in_stripes_dashboard_is_not_paid_twice(desk: Desk):
    purchase = await desk.buy(at_once=True)
    payment = await desk.payment(purchase)
    desk.sandbox.fault("before", "drop", "/v1/refunds")
    assert isinstance(await desk.ask(Verb.REFUND, purchase, 4800), OutcomeUnknown)
    # Somebody loses patience and does it over there.
    desk.stripe().refunds.create({"payment_intent": payment.stripe_intent_id, "amount": 4800})
    await desk.advance(MINUTE)
    await desk.tick()
    assert (await desk.payment(purchase)).refunded_amount == 4800
    (refund,) = [row for row in await desk.operations(purchase) if row.verb == Verb.REFUND]
    assert refund.state == State.STALLED
    assert (await row_of(purchase)).attention == "stalled"


async def test_a_planned_attempt_is_withdrawn_when_an_earlier_one_came_through(desk: Desk):
    purchase = await desk.buy(card="pm_card_chargeDeclined", at_once=True)
    first = await desk.payment(purchase)
    await Purchase.update({"payment_method": "pm_card_visa"}).where(Purchase.id == purchase)
    operation = await claimed(purchase, Verb.CHARGE, actor=STUDENT)
    desk.stripe().payment_intents.confirm(
        first.stripe_intent_id,
        {"payment_method": "pm_card_visa", "return_url": "https://example.test/"},
    )
    await desk.deliver()
    await desk.advance(MINUTE)
    await desk.tick()
    assert (await sending.reload(operation)).state == State.WITHDRAWN
    paid = await desk.payment(purchase)
    assert (paid.id, paid.captured_amount) == (first.id, 9600)
    assert await desk.kinds(purchase) == ["declined", "charged"]


async def test_a_decision_of_the_clock_on_old_books_is_not_written(desk: Desk):
    purchase = await desk.buy(due_in=timedelta(days=20))
    await Purchase.update({"policy_override": "release"}).where(Purchase.id == purchase)
    await desk.advance(timedelta(days=6) + MINUTE)
    books = await books_of(purchase)
    step = books.step(clock.now())
    assert (step.do, step.owed) == (Do.DECIDE, 0)
    # Between the look at the books and the decision somebody captures.
    await desk.ask(Verb.CAPTURE, purchase)
    await settle._decide(step, books)
    await desk.tick()
    paid = await desk.payment(purchase)
    assert (paid.captured_amount, paid.refunded_amount) == (9600, 0)


# Keys, leases and what is sent again.


async def test_a_process_that_slept_between_the_check_of_a_key_and_the_send_sends_nothing(
    desk: Desk,
):
    purchase = await desk.buy(at_once=True)
    desk.sandbox.fault("before", "drop", "/v1/refunds")
    await desk.ask(Verb.REFUND, purchase, 4800)
    (operation,) = [row for row in await desk.operations(purchase) if row.verb == Verb.REFUND]
    await desk.advance(timedelta(hours=23, seconds=1))
    await sending.send(operation.id, states=(State.UNKNOWN,))
    assert (await sending.reload(operation.id)).sends == 1
    assert desk.money_calls("/v1/refunds") == []


async def test_a_view_from_before_another_send_can_not_close_an_operation(desk: Desk):
    purchase = await desk.buy()
    desk.sandbox.fault("before", "drop", CAPTURE, times=2)
    await desk.ask(Verb.CAPTURE, purchase)
    (old,) = [row for row in await desk.operations(purchase) if row.verb == Verb.CAPTURE]
    await desk.advance(MINUTE)
    await resume(old.id)
    again = await sending.reload(old.id)
    assert (again.state, again.lease, again.sends) == (State.UNKNOWN, None, 2)
    async with db.transaction():
        assert not await turn(old, State.REFUSED, {})


async def test_a_post_that_comes_too_late_to_close_an_operation_counts_no_refusal(desk: Desk):
    purchase = await desk.buy(card="pm_card_chargeDeclined")
    intent = await gateway().fetch((await desk.payment(purchase)).stripe_intent_id or "")
    (operation,) = await desk.operations(purchase)
    values = {"cause": SWEEP.cause, "state": State.SENDING, "open_for": purchase, "sends": 2}
    await Operation.update({**values, "lease": "another"}).where(Operation.id == operation.id)
    # It was read as it stood before somebody else took the lease.
    seen = await sending.reload(operation.id)
    seen.state, seen.lease, seen.sends = State.UNKNOWN, None, 1
    async with db.transaction():
        await ledger._close_proven([seen], intent, await row_of(purchase))
    assert (await row_of(purchase)).attempts_refused == 0
    assert (await sending.reload(operation.id)).state == State.SENDING


async def test_a_create_with_a_stored_error_is_looked_for_before_it_stalls(desk: Desk):
    desk.sandbox.fault("after", "drop", CREATE)
    purchase = await desk.buy()
    await Operation.update({"replayed_error": True}).where(Operation.purchase == purchase)
    await desk.advance(MINUTE)
    await desk.tick()
    assert (await desk.payment(purchase)).payment_status == Status.AUTHORIZED
    assert [row.state for row in await desk.operations(purchase)] == [State.SUCCEEDED]


async def test_a_stalled_operation_is_found_when_a_person_asks_again(desk: Desk):
    desk.sandbox.fault("after", "drop", CREATE)
    purchase = await desk.buy()
    (operation,) = await desk.operations(purchase)
    await Operation.update({"state": State.STALLED, "replayed_error": True, "due_at": None}).where(
        Operation.id == operation.id
    )
    assert (await resume(operation.id)).state == State.STALLED
    assert (await resume(operation.id, at_once=True)).state == State.SUCCEEDED
    assert (await desk.payment(purchase)).payment_status == Status.AUTHORIZED


async def test_one_operation_id_for_two_purchases_at_once_is_a_mismatch(desk: Desk):
    one, two = await desk.buy(), await desk.buy()
    operation_id = str(uuid.uuid4())
    outcomes = await asyncio.gather(
        desk.ask(Verb.CAPTURE, one, operation_id=operation_id),
        desk.ask(Verb.CAPTURE, two, operation_id=operation_id),
    )
    assert sorted(type(found).__name__ for found in outcomes) == ["Mismatch", "Operation"]
    assert any(isinstance(found, Mismatch) for found in outcomes)
    assert len(desk.money_calls("/capture")) == 1


async def test_an_unknown_capture_is_asked_about_often_enough_before_its_hold_ends(desk: Desk):
    purchase = await desk.buy(due_in=timedelta(days=20))
    payment = await desk.payment(purchase)
    assert payment.authorization_expires_at is not None
    await desk.advance(payment.authorization_expires_at - clock.now() - 8 * MINUTE)
    desk.sandbox.fault("before", "429", CAPTURE, times=9)
    await desk.ask(Verb.CAPTURE, purchase)
    (operation,) = [row for row in await desk.operations(purchase) if row.verb == Verb.CAPTURE]
    await Operation.update({"sends": 8}).where(Operation.id == operation.id)
    await resume(operation.id, at_once=True)
    asked = await sending.reload(operation.id)
    assert asked.due_at is not None
    assert asked.due_at - clock.now() <= 2 * MINUTE


# What a person has to know.


async def test_an_unknown_outcome_calls_for_a_person_also_while_stripe_can_not_be_read(desk: Desk):
    purchase = await desk.buy()
    desk.sandbox.fault("before", "drop", CAPTURE)
    await desk.ask(Verb.CAPTURE, purchase)
    desk.sandbox.fault("before", "500", "/v1/payment_intents/*", method="GET", times=900)
    for _ in range(5):
        await desk.advance(4 * MINUTE)
        await desk.tick(1)
    assert (await row_of(purchase)).attention == "unknown"
    desk.sandbox.control("DELETE", "faults", None)
    await desk.advance(timedelta(hours=1))
    await desk.tick()
    assert (await row_of(purchase)).attention is None
    assert (await desk.payment(purchase)).captured_amount == 9600


async def test_an_unknown_outcome_under_another_account_calls_for_a_person(desk: Desk):
    purchase = await desk.buy(at_once=True)
    desk.sandbox.fault("before", "drop", "/v1/refunds")
    await desk.ask(Verb.REFUND, purchase)
    await Operation.update({"account": "stripe:other"}).where(Operation.purchase == purchase)
    for _ in range(3):
        await desk.advance(9 * MINUTE)
        await desk.tick()
    assert (await row_of(purchase)).attention == "stalled"


async def test_an_unknown_outcome_is_looked_at_when_the_alert_is_due_and_not_later(desk: Desk):
    purchase = await desk.buy()
    desk.sandbox.fault("before", "drop", CAPTURE)
    await desk.ask(Verb.CAPTURE, purchase)
    books = await books_of(purchase)
    facts = books.operation_facts
    assert facts is not None
    assert facts.unknown_since is not None
    slow = replace(facts, due_at=facts.unknown_since + 20 * MINUTE)
    step = next_step(books.purchase_facts, books.payment_facts, slow, clock.now())
    assert step.at == facts.unknown_since + 15 * MINUTE


async def test_a_fee_for_a_payment_that_nobody_completes_waits_for_a_person(desk: Desk):
    purchase = await desk.buy(card="pm_card_authenticationRequired")
    await desk.decide(purchase, 4800)
    await desk.tick()
    assert (await row_of(purchase)).attention is None
    await desk.advance(31 * MINUTE)
    await desk.tick()
    assert (await row_of(purchase)).attention == "underpaid"


async def test_a_late_confirmation_whose_event_is_lost_is_found_while_its_hold_stands(desk: Desk):
    purchase = await desk.buy(card="pm_card_authenticationRequired")
    await desk.decide(purchase, 9600)
    await desk.advance(31 * MINUTE)
    await desk.tick()
    assert (await row_of(purchase)).attention == "underpaid"
    desk.sandbox.authenticate((await desk.payment(purchase)).stripe_intent_id)
    await desk.advance(timedelta(hours=6))
    await desk.tick()
    payment, row = await desk.payment(purchase), await row_of(purchase)
    assert (payment.captured_amount, row.attention) == (9600, None)


async def test_a_purchase_that_fails_again_and_again_is_put_before_a_person(desk: Desk):
    purchase = await desk.buy()
    for _ in range(3):
        assert (await row_of(purchase)).attention is None
        await settle.postpone(purchase, ValueError("nobody foresaw this"))
    assert (await row_of(purchase)).attention == "keeps_failing"
    await settle.settle(purchase)
    assert (await row_of(purchase)).attention is None


async def test_a_stalled_refund_can_be_given_up_and_is_then_made_anew(desk: Desk):
    purchase = await desk.buy(at_once=True)
    desk.sandbox.fault("before", "drop", "/v1/refunds")
    await desk.ask(Verb.REFUND, purchase, 4800)
    operation = (await desk.operations(purchase))[-1]
    with pytest.raises(NotAllowed):
        await give_up(operation.id, "Finn", "too early")
    await desk.advance(timedelta(hours=24))
    await desk.tick()
    given_up = await give_up(operation.id, "Finn", "it never reached Stripe")
    assert (given_up.state, given_up.closed_by) == (State.GIVEN_UP, "Finn")
    await desk.tick()
    assert (await desk.payment(purchase)).refunded_amount == 4800
    assert len(desk.money_calls("/v1/refunds")) == 1


async def test_a_stalled_refund_that_stripe_shows_can_not_be_given_up(desk: Desk):
    purchase = await desk.buy(at_once=True)
    desk.sandbox.fault("after", "drop", "/v1/refunds")
    await desk.ask(Verb.REFUND, purchase, 4800)
    operation = (await desk.operations(purchase))[-1]
    await Operation.update({"state": State.STALLED, "open_for": purchase}).where(
        Operation.id == operation.id
    )
    assert (await give_up(operation.id, "Finn", "it is nowhere")).state == State.SUCCEEDED


async def test_a_failed_refund_that_is_withdrawn_is_owed_again_and_off_the_list(desk: Desk):
    purchase = await desk.buy(at_once=True, card="pm_card_refundFail")
    await desk.ask(Verb.REFUND, purchase, 4800)
    await desk.advance(DAY)
    await desk.deliver()
    await desk.tick()
    assert (await row_of(purchase)).attention == "refund_failed"
    async with db.transaction():
        assert await settle.withdraw_refund(purchase, "Ana", "paid back in cash") == 9600
    await desk.tick()
    row = await row_of(purchase)
    assert (row.owed, row.attention, row.decided_by) == (9600, None, "Ana")
    assert (await desk.payment(purchase)).refunded_amount == 0


async def test_a_refund_that_somebody_made_first_leaves_no_trouble_behind(desk: Desk):
    purchase = await desk.buy(at_once=True)
    payment = await desk.payment(purchase)
    operation = await claimed(purchase, Verb.REFUND)
    desk.stripe().refunds.create({"payment_intent": payment.stripe_intent_id})
    assert (await sending.send(operation)).state == State.REFUSED
    await desk.tick()
    assert (await desk.payment(purchase)).payment_status == Status.REFUNDED
    assert (await row_of(purchase)).attention is None


async def test_a_failed_refund_that_was_paid_back_in_stripes_dashboard_is_no_trouble_any_more(
    desk: Desk,
):
    purchase = await desk.buy(at_once=True, card="pm_card_refundFail")
    payment = await desk.payment(purchase)
    await desk.ask(Verb.REFUND, purchase, 4800)
    await desk.advance(DAY)
    await desk.deliver()
    await desk.tick()
    assert (await row_of(purchase)).attention == "refund_failed"
    assert (await desk.payment(purchase)).refunded_amount == 0
    await Payment.update({"captured_amount": 4800}).where(Payment.id == payment.id)
    await trouble.note(payment.id, [])
    assert (await desk.payment(purchase)).refund_trouble == ""


async def test_a_refund_elsewhere_does_not_hide_that_too_little_was_captured(desk: Desk):
    purchase = await desk.buy()
    payment = await desk.payment(purchase)
    desk.stripe().payment_intents.capture(payment.stripe_intent_id, {"amount_to_capture": 5000})
    await desk.decide(purchase, 9600)
    desk.stripe().refunds.create({"payment_intent": payment.stripe_intent_id, "amount": 1000})
    await desk.deliver()
    await desk.tick()
    row = await row_of(purchase)
    assert (row.owed, row.attention) == (8600, "underpaid")


async def test_a_pending_refund_elsewhere_lowers_what_is_owed_once(desk: Desk):
    purchase = await desk.buy(card="pm_card_pendingRefund")
    payment = await desk.payment(purchase)
    desk.stripe().payment_intents.capture(payment.stripe_intent_id, {"amount_to_capture": 5000})
    await desk.decide(purchase, 9600)
    desk.stripe().refunds.create({"payment_intent": payment.stripe_intent_id, "amount": 1000})
    await desk.deliver()
    assert "refund_pending" in await desk.kinds(purchase)
    await desk.advance(DAY)
    await desk.deliver()
    assert "refund_succeeded" in await desk.kinds(purchase)
    assert (await row_of(purchase)).owed == 8600


async def test_an_event_that_keeps_failing_without_a_known_reason_becomes_a_dead_letter(
    desk: Desk,
):
    await desk.buy()
    held = [row for row in desk.sandbox.deliveries("held") if row["type"] == "charge.succeeded"]
    notice = inbox.notice(json.loads(held[0]["body"]))
    await inbox.keep(notice)
    await StripeEvent.update({"attempts": inbox.MOST_ATTEMPTS}).where(StripeEvent.id == notice.id)
    assert await inbox.handle(notice.id) is None
    row = await StripeEvent.objects().get(StripeEvent.id == notice.id)
    assert row is not None
    assert row.state == "dead"


async def test_an_event_outlives_three_days_without_stripe(desk: Desk):
    await desk.buy()
    held = [row for row in desk.sandbox.deliveries("held") if row["type"] == "charge.succeeded"]
    notice = inbox.notice(json.loads(held[0]["body"]))
    await inbox.keep(notice)
    # After 11 tries an hour lies between two of them.
    await StripeEvent.update({"attempts": 11 + 3 * 24}).where(StripeEvent.id == notice.id)
    desk.sandbox.fault("before", "500", "/v1/payment_intents/*", method="GET", times=9)
    assert await inbox.handle(notice.id) is None
    row = await StripeEvent.objects().get(StripeEvent.id == notice.id)
    assert row is not None
    assert (row.state, row.due_at - clock.now() <= timedelta(hours=1)) == ("waiting", True)


# How attempts and holds end.


async def test_a_declined_attempt_whose_intent_is_cancelled_later_stays_declined(desk: Desk):
    purchase = await desk.buy(card="pm_card_chargeDeclined")
    await desk.decide(purchase, 0)
    await desk.tick()
    await desk.deliver()
    authorize = (await desk.operations(purchase))[0]
    assert authorize.state == State.REFUSED
    assert (await desk.payment(purchase)).end_reason == "cancelled"
    corrected = PaymentEvent.key == f"operation:{authorize.id}:succeeded"
    assert not await PaymentEvent.exists().where(corrected)


async def test_a_pause_beyond_the_end_of_a_hold_does_not_hide_that_it_ended(desk: Desk):
    purchase = await desk.buy(due_in=DAY)
    await Purchase.update({"paused_until": clock.now() + timedelta(days=30)}).where(
        Purchase.id == purchase
    )
    await desk.advance(timedelta(days=6, hours=1))
    await desk.tick()
    assert (await row_of(purchase)).attention == "paused_past_expiry"
    # The webhook of the expiry never comes; the sweep of the expiring makes the purchase due.
    await desk.advance(DAY)
    await Purchase.update({"due_at": clock.now()}).where(Purchase.id == purchase)
    await desk.tick()
    assert (await desk.payment(purchase)).end_reason == "expired"
    assert (await row_of(purchase)).attention == "expired"


async def test_a_policy_that_nobody_can_carry_out_is_put_before_a_person_once(desk: Desk):
    purchase = await desk.buy(due_in=timedelta(days=20))
    await Purchase.update({"policy_override": "renew"}).where(Purchase.id == purchase)
    await desk.advance(timedelta(days=6) + MINUTE)
    await desk.tick()
    row = await row_of(purchase)
    ends_at = (await desk.payment(purchase)).authorization_expires_at
    assert (row.attention, row.due_at) == ("expiring", ends_at)


async def test_a_hold_past_its_end_is_read_once_a_minute_and_not_in_circles(desk: Desk):
    purchase = await desk.buy(due_in=timedelta(days=20))
    await desk.decide(purchase, 9600)
    payment = await desk.payment(purchase)
    ended = {"authorization_expires_at": clock.now() + 2 * MINUTE}
    await Payment.update(ended).where(Payment.id == payment.id)
    await desk.advance(3 * MINUTE)
    books = await books_of(purchase)
    assert books.step(clock.now()).do is Do.READ
    seen = replace(books.payment_facts[0], synced_at=clock.now())
    step = next_step(books.purchase_facts, [seen], None, clock.now())
    assert (step.do, step.then) == (Do.NOTHING, Do.READ)


async def test_a_payment_that_the_bank_is_working_on_is_read_again_after_a_minute(desk: Desk):
    purchase = await desk.buy(card="pm_card_authenticationRequired")
    await desk.decide(purchase, 0)
    await Payment.update({"intent_status": "processing"}).where(Payment.purchase == purchase)
    books = await books_of(purchase)
    assert books.step(clock.now()).do is Do.NOTHING
    await desk.advance(2 * MINUTE)
    assert books.step(clock.now()).do is Do.READ
    await desk.tick()
    assert (await desk.payment(purchase)).end_reason == "cancelled"


async def test_a_capture_that_was_carried_out_after_its_release_was_sent_names_its_author(
    desk: Desk,
):
    purchase = await desk.buy()
    desk.sandbox.fault("before", "drop", CAPTURE)
    await desk.ask(Verb.CAPTURE, purchase)
    (operation,) = [row for row in await desk.operations(purchase) if row.verb == Verb.CAPTURE]
    body = json.loads(operation.body)
    await desk.decide(purchase, 0)
    # The first request was slow and arrives while the release is on its way.
    await Operation.update({"verb": Verb.RELEASE, "step": 2}).where(Operation.id == operation.id)
    desk.stripe().payment_intents.capture(body["target"], body["params"])
    await desk.advance(MINUTE)
    await desk.tick()
    event = await PaymentEvent.objects().get(PaymentEvent.kind == "captured")
    assert event is not None
    assert event.actor == "Ana"
    back = await desk.payment(purchase)
    assert (back.payment_status, back.refunded_amount) == (Status.REFUNDED, 9600)


async def test_a_lost_dispute_is_a_subtraction_and_stays_in_sight(desk: Desk):
    purchase = await desk.buy(at_once=True)
    await desk.decide(purchase, 9600)
    charge = (await desk.payment(purchase)).stripe_charge_id
    dispute = desk.sandbox.control("POST", f"charges/{charge}/dispute", {"amount": 4000})
    await desk.deliver()
    await desk.tick()
    assert (await row_of(purchase)).attention == "disputed"
    desk.sandbox.control("POST", f"disputes/{dispute['id']}", {"status": "lost"})
    await desk.deliver()
    await desk.tick()
    lost = await desk.payment(purchase)
    assert (lost.payment_status, lost.lost_amount) == (Status.CAPTURED, 4000)
    row = await row_of(purchase)
    assert (row.owed, row.attention) == (9600, "underpaid")
    assert await desk.kinds(purchase) == [
        "charged",
        "dispute_opened",
        "funds_withdrawn",
        "dispute_closed",
    ]


def test_the_funds_of_a_dispute_are_told_in_the_currency_of_the_charge():
    moved = SimpleNamespace(id="txn_1", amount=-8800, currency="eur", created=1795400000)
    same = SimpleNamespace(id="txn_2", amount=9600, currency="usd", created=1795400000)
    raw = SimpleNamespace(
        id="du_1",
        amount=9600,
        currency="usd",
        status="won",
        reason="fraudulent",
        created=1795400000,
        evidence_details=None,
        balance_transactions=[moved, same],
    )
    assert [funds.amount for funds in stripe_reading.dispute(raw).funds] == [-9600, 9600]


def test_a_failed_charge_without_a_code_is_a_decline_and_never_a_hold():
    raw = SimpleNamespace(
        id="ch_1",
        created=1795400000,
        status="failed",
        amount=9600,
        captured=False,
        amount_captured=0,
        failure_code=None,
        failure_message=None,
    )
    charge = stripe_reading.charge(raw)
    assert charge is not None
    assert charge.refusal is not None


async def test_orphans_of_an_intent_that_is_not_ours_to_keep_do_not_wake_each_other(desk: Desk):
    purchase = await desk.buy()
    operation = (await desk.operations(purchase))[0]
    foreign = desk.stripe().payment_intents.create(
        {
            "amount": 9600,
            "currency": "usd",
            "customer": desk.customer,
            "payment_method": "pm_card_visa",
            "capture_method": "manual",
            "confirm": True,
            "automatic_payment_methods": {"enabled": True, "allow_redirects": "never"},
            "metadata": {"operation_id": operation.id},
        }
    )
    await desk.deliver()
    for _ in range(30):
        for event_id in await inbox.due_events(100):
            await inbox.handle(event_id)
    rows = await StripeEvent.objects().where(StripeEvent.intent_id == foreign.id)
    assert {(row.state, row.attempts) for row in rows} == {("orphan", 1)}
