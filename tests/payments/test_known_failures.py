"""Failures that public payment integrations are known for; each is held not to happen here.

The docstrings name where the failure was reported. They say what went wrong there, not why.
"""

import asyncio
import json
import uuid
from datetime import timedelta
from typing import Any

import pytest

from dashboard import clock, money
from dashboard.payments import inbox, queries, sending
from dashboard.payments.errors import NotAllowed, OutcomeUnknown
from dashboard.payments.facts import State, Status, Verb
from dashboard.payments.tables import Operation, Payment, PaymentEvent, Purchase, StripeEvent
from tests.payments.banking import paid, row_of
from tests.payments.conftest import STUDENT, Desk
from tests.payments.test_review import claimed, two_charges

DAY = timedelta(days=1)
MINUTE = timedelta(minutes=1)
CREATE = "/v1/payment_intents"
CAPTURE = "/v1/payment_intents/*/capture"
Json = dict[str, Any]


async def amounts(desk: Desk, purchase: int) -> tuple[int, int, int]:
    """What the current payment has captured, refunded, and has on its way back."""
    row = await desk.payment(purchase)
    return row.captured_amount, row.refunded_amount, row.refund_pending_amount


def at_stripe(desk: Desk) -> list[Any]:
    """All payments of the customer, as Stripe has them."""
    return list(desk.stripe().payment_intents.list({"customer": desk.customer}).data)


def forged(desk: Desk, kind: str, **changes: Any) -> inbox.Notice:
    """The first held event of this kind, with a new id and some of its fields changed."""
    held = next(row for row in desk.sandbox.deliveries("held") if row["type"] == kind)
    body: Json = json.loads(held["body"])
    body["id"] = f"evt_{uuid.uuid4().hex}"
    body["livemode"] = changes.pop("livemode", body["livemode"])
    body["data"]["object"] |= changes
    return inbox.notice(body)


# Captures.


async def test_a_late_notification_does_not_double_what_was_captured(desk: Desk):
    """Saleor issue 7399: the captured amount became twice the total once the provider told of it.

    Also mollie/magento2 issue 978: a notification that came twice was booked twice.
    """
    purchase = await paid(desk)
    await desk.deliver(times=2)
    await desk.deliver(order="reverse")
    assert await amounts(desk, purchase) == (9600, 0, 0)
    assert (await desk.kinds(purchase)).count("captured") == 1


async def test_two_clicks_and_a_sweep_capture_once(desk: Desk):
    """Medusa issue 13301: the capture of one payment was asked for twice."""
    purchase = await desk.buy()
    await asyncio.gather(
        desk.ask(Verb.CAPTURE, purchase), desk.ask(Verb.CAPTURE, purchase), desk.tick()
    )
    await desk.tick()
    log = [row for row in desk.sandbox.requests() if row["path"].endswith("/capture")]
    assert len(log) == 1
    assert await amounts(desk, purchase) == (9600, 0, 0)


async def test_nothing_is_captured_once_the_order_is_cancelled(desk: Desk):
    """WooPayments issue 5605: a cancelled order stood on the list of what can be captured."""
    purchase = await desk.buy()
    await desk.decide(purchase, 0)
    refused = await desk.ask(Verb.CAPTURE, purchase)
    assert isinstance(refused, NotAllowed)
    await desk.tick()
    assert desk.money_calls("/capture") == []
    assert (await desk.payment(purchase)).payment_status == Status.RELEASED


async def test_a_bank_that_confirms_a_cancelled_order_leaves_no_hold(desk: Desk):
    """Adyen for Magento 2 issue 1943: a payment was authorized after its order was cancelled."""
    purchase = await desk.buy(card="pm_card_authenticationRequired")
    intent = (await desk.payment(purchase)).stripe_intent_id
    await desk.decide(purchase, 0)
    desk.sandbox.authenticate(intent)
    await desk.deliver()
    await desk.tick()
    assert [one.status for one in at_stripe(desk)] == ["canceled"]
    assert (await desk.payment(purchase)).payment_status == Status.RELEASED


async def test_an_authorization_is_not_a_payment(desk: Desk):
    """WooCommerce Stripe pull request 2224: `charge.succeeded` of a charge that is only held.

    Also Adyen for Salesforce Commerce issue 163: the order was paid at its authorization.
    """
    purchase = await desk.buy()
    told = next(row for row in desk.sandbox.deliveries("held") if row["type"] == "charge.succeeded")
    assert json.loads(told["body"])["data"]["object"]["captured"] is False
    await desk.deliver()
    held = await desk.payment(purchase)
    assert (held.payment_status, held.captured_amount) == (Status.AUTHORIZED, 0)
    assert await desk.kinds(purchase) == ["authorized"]


async def test_what_a_partial_capture_leaves_is_not_a_refund(desk: Desk):
    """WooCommerce Stripe issue 2799, solidus_stripe pull request 268: the rest of a hold.

    Taken for a refund, it leaves less to give back than was taken.
    """
    purchase = await desk.buy()
    await desk.ask(Verb.CAPTURE, purchase, 5000)
    await desk.deliver()
    assert await amounts(desk, purchase) == (5000, 0, 0)
    await desk.decide(purchase, 0)
    await desk.tick()
    assert await amounts(desk, purchase) == (5000, 5000, 0)


async def test_a_hold_that_ends_by_itself_is_seen_though_nobody_tells(desk: Desk):
    """WooCommerce Stripe issue 1378, WooPayments issue 744: the order stayed on hold for ever."""
    desk.sandbox.next_authorization(2 * 24 * 3600)
    purchase = await desk.buy(due_in=5 * DAY)
    await Purchase.update({"policy_override": "alert"}).where(Purchase.id == purchase)
    await desk.advance(2 * DAY + MINUTE)
    await Purchase.update({"due_at": clock.now()}).where(Purchase.id == purchase)
    await desk.tick()
    gone = await desk.payment(purchase)
    assert (gone.payment_status, gone.end_reason) == (Status.RELEASED, "expired")
    assert (await row_of(purchase)).attention == "expired"


# Refunds.


async def test_a_refund_that_is_told_before_it_is_answered_counts_once(desk: Desk):
    """WooCommerce Stripe issues 838 and 2724, WooPayments pull request 11520.

    The webhook came between the refund at Stripe and the note of its id in the shop.
    """
    purchase = await paid(desk)
    operation_id = await claimed(purchase, Verb.REFUND, 3000)
    operation = await sending.reload(operation_id)
    body = json.loads(operation.body)
    options = {"idempotency_key": f"{operation.id}:{operation.step}"}
    desk.stripe().refunds.create(body["params"], options)
    await desk.deliver()
    assert await amounts(desk, purchase) == (9600, 3000, 0)
    # The answer arrives only now.
    await sending.send(operation_id)
    await desk.tick()
    await desk.deliver()
    assert await amounts(desk, purchase) == (9600, 3000, 0)
    assert (await desk.kinds(purchase)).count("refund_succeeded") == 1
    assert len(desk.money_calls("/refunds")) == 1


async def test_concurrent_refunds_never_add_up_to_more_than_was_captured(desk: Desk):
    """Hyperswitch issue 13182, eventyay issue 1405: two refunds at once passed the same check."""
    purchase = await paid(desk)
    await asyncio.gather(*(desk.ask(Verb.REFUND, purchase, 6000) for _ in range(4)))
    await desk.ask(Verb.REFUND, purchase, 6000)
    await desk.tick()
    assert await amounts(desk, purchase) == (9600, 6000, 0)
    tried = [row for row in desk.sandbox.requests() if row["path"].endswith("/refunds")]
    assert len(tried) == 1


async def test_the_refund_of_a_duplicate_leaves_the_good_payment_alone(desk: Desk):
    """WooPayments issue 4858: only one charge was known, the duplicate was refunded by hand."""
    purchase, duplicate, good = await two_charges(desk)
    desk.stripe().refunds.create({"payment_intent": duplicate.stripe_intent_id})
    await desk.deliver()
    await desk.tick()
    current = await desk.payment(purchase)
    assert (current.id, current.payment_status) == (good.id, Status.CAPTURED)
    assert await amounts(desk, purchase) == (9600, 0, 0)
    assert (await row_of(purchase)).owed is None
    other = await Payment.objects().get(Payment.id == duplicate.id)
    assert other is not None and other.payment_status == Status.REFUNDED


@pytest.mark.parametrize(
    ("parts", "end"),
    [((3000,), "captured"), ((3000, 6600), "refunded"), ((9600,), "refunded")],
)
async def test_a_refund_is_full_when_all_has_gone_back_and_not_before(
    desk: Desk, parts: tuple[int, ...], end: str
):
    """PrestaShop's stripe_official pull request 159: a partial refund ended the order.

    And nopCommerce issue 740: the last part of a full refund left it partly refunded.
    """
    purchase = await paid(desk)
    intent = (await desk.payment(purchase)).stripe_intent_id
    for part in parts:
        desk.stripe().refunds.create({"payment_intent": intent, "amount": part})
    await desk.deliver()
    assert (await desk.payment(purchase)).payment_status == end
    assert (await amounts(desk, purchase))[1] == sum(parts)


async def test_an_earlier_refund_that_is_told_again_is_not_a_third_one(desk: Desk):
    """WooCommerce Stripe issue 5697: webhooks were matched with the newest refund alone."""
    purchase = await paid(desk)
    for part in (2000, 2500):
        await desk.ask(Verb.REFUND, purchase, part)
    await desk.deliver()
    again = forged(desk, "charge.refunded")
    await inbox.keep(again)
    await inbox.handle(again.id)
    assert await amounts(desk, purchase) == (9600, 4500, 0)
    assert (await desk.kinds(purchase)).count("refund_succeeded") == 2


async def test_a_refund_that_fails_later_does_not_stay_refunded(desk: Desk):
    """WooPayments issues 312 and 1195, Polar issue 5422: it was shown as paid back for good."""
    purchase = await paid(desk, "pm_card_refundFail")
    await desk.ask(Verb.REFUND, purchase)
    await desk.advance(DAY)
    await desk.deliver()
    await desk.tick()
    row = await desk.payment(purchase)
    assert (row.payment_status, row.refunded_amount) == (Status.CAPTURED, 0)
    assert (await row_of(purchase)).attention == "refund_failed"


# Attempts and keys.


async def test_a_stored_decline_is_not_the_answer_to_a_new_attempt(desk: Desk):
    """Checkout.com for WooCommerce pull request 361: the key stayed the same after a decline.

    Also WooCommerce Stripe pull request 541. Stripe answers a known key as it did before.
    """
    purchase = await desk.buy(card="pm_card_chargeDeclined")
    await Purchase.update({"payment_method": "pm_card_visa"}).where(Purchase.id == purchase)
    done = await desk.attempt(purchase, Verb.AUTHORIZE)
    assert isinstance(done, Operation)
    assert (await desk.payment(purchase)).payment_status == Status.AUTHORIZED
    creates = [row for row in desk.sandbox.requests() if row["path"] == CREATE]
    assert len({row["idempotency_key"] for row in creates}) == len(creates) == 2
    assert not any(row["replayed"] for row in creates)


@pytest.mark.parametrize("when", ["before", "after"])
async def test_a_retry_sends_what_was_sent_though_the_order_has_changed_since(
    desk: Desk, when: str
):
    """WooCommerce Stripe issues 489 and 522, fjordllc/bootcamp issue 4268.

    The retry had another body under the same key, which Stripe refuses.
    """
    await desk.buy()
    desk.sandbox.fault(when, "drop", CREATE)
    purchase = await desk.buy()
    changed = {"description": "Violin lesson", "payment_method": "pm_card_mastercard"}
    await Purchase.update(changed).where(Purchase.id == purchase)
    await desk.advance(MINUTE)
    await desk.tick()
    assert (await desk.payment(purchase)).payment_status == Status.AUTHORIZED
    newest = at_stripe(desk)[0]
    assert (newest.description, len(at_stripe(desk))) == ("Piano lesson", 2)


async def test_who_pays_again_after_a_lost_answer_is_charged_once(desk: Desk):
    """WooCommerce Stripe issue 3638, WooPayments issue 3998: two intents of one order were paid."""
    desk.sandbox.fault("after", "drop", CREATE)
    purchase = await desk.buy(at_once=True)
    again = [await desk.attempt(purchase, Verb.CHARGE) for _ in range(2)]
    assert all(isinstance(one, Exception) for one in again)
    await desk.advance(MINUTE)
    await desk.tick()
    after = await desk.attempt(purchase, Verb.CHARGE)
    assert isinstance(after, NotAllowed)
    assert [one.amount_received for one in at_stripe(desk)] == [9600]
    assert await amounts(desk, purchase) == (9600, 0, 0)


async def test_a_silent_stripe_is_not_a_refusal(desk: Desk):
    """Kill Bill's manual names the state: without an answer the outcome is unknown, not failed."""
    purchase = await desk.buy()
    desk.sandbox.fault("after", "drop", CAPTURE)
    # Nor can it be read back at once: the SDK asks three times.
    desk.sandbox.fault("before", "drop", "/v1/payment_intents/*", method="GET", times=3)
    outcome = await desk.ask(Verb.CAPTURE, purchase)
    assert isinstance(outcome, OutcomeUnknown)
    books = await queries.books(purchase)
    assert books is not None and books.operation is not None
    assert books.operation.state == State.UNKNOWN
    await desk.deliver()
    assert await amounts(desk, purchase) == (9600, 0, 0)


# Events.


async def test_a_decline_that_is_told_late_does_not_undo_the_payment_after_it(desk: Desk):
    """WooCommerce Stripe issue 902, PrestaShop's stripe_official issues 78 and 79.

    The webhook of an earlier attempt turned a paid order into a failed one.
    """
    purchase = await desk.buy(card="pm_card_chargeDeclined")
    await Purchase.update({"payment_method": "pm_card_visa"}).where(Purchase.id == purchase)
    await desk.attempt(purchase, Verb.AUTHORIZE)
    await desk.ask(Verb.CAPTURE, purchase)
    # What came last is told first, the decline at the very end.
    await desk.deliver(order="reverse")
    assert (await desk.payment(purchase)).payment_status == Status.CAPTURED
    assert (await desk.kinds(purchase)) == ["declined", "authorized", "captured"]


async def test_the_order_of_events_does_not_turn_a_status_back(desk: Desk):
    """Laravel Cashier issue 1201, Saleor pull request 8587: the last event to arrive won."""
    purchase = await paid(desk)
    await desk.ask(Verb.REFUND, purchase)
    await desk.deliver(order="reverse", times=2)
    assert (await desk.payment(purchase)).payment_status == Status.REFUNDED
    assert await amounts(desk, purchase) == (9600, 9600, 0)


async def test_an_event_of_another_environment_changes_nothing(desk: Desk):
    """WooPayments issue 5266: a payment on a copy of the site changed the original's order.

    The copy's event names an operation that both have; its payment is not in our account.
    """
    desk.sandbox.fault("before", "drop", CREATE)
    purchase = await desk.buy()
    (operation,) = await desk.operations(purchase)
    await desk.advance(MINUTE)
    await desk.buy()
    foreign = forged(
        desk,
        "payment_intent.amount_capturable_updated",
        id="pi_of_another_account",
        livemode=True,
        metadata={"operation_id": operation.id},
    )
    await inbox.keep(foreign)
    await inbox.handle(foreign.id)
    kept = await StripeEvent.objects().get(StripeEvent.id == foreign.id)
    assert kept is not None and kept.state == "orphan"
    assert (await desk.payment(purchase)).stripe_intent_id is None
    # Our own payment can still come about.
    await desk.tick()
    assert (await desk.payment(purchase)).payment_status == Status.AUTHORIZED


# Amounts.


async def test_yen_are_counted_in_yen_all_the_way(desk: Desk):
    """Paymenter issue 1258, cartalyst/stripe issue 59: a hundred times the price was charged.

    And WooCommerce Stripe issue 435: a hundred times the amount was to be refunded.
    """
    purchase = await desk.buy(price=9899, currency="jpy")
    await desk.ask(Verb.CAPTURE, purchase, money.parse("9,899", "jpy"))
    await desk.ask(Verb.REFUND, purchase, money.parse("989", "jpy"))
    (intent,) = at_stripe(desk)
    assert (intent.amount, intent.amount_received, intent.currency) == (9899, 9899, "jpy")
    assert await amounts(desk, purchase) == (9899, 989, 0)


async def test_no_cent_is_lost_between_what_is_typed_and_what_is_taken(desk: Desk):
    """WooPayments pull request 91: 8.20 became 819 cents. Omi pull request 10158: 19.99, 1998."""
    typed = [f"{cents // 100}.{cents % 100:02}" for cents in range(1, 10001)]
    assert [money.parse(text, "usd") for text in typed] == list(range(1, 10001))
    purchase = await desk.buy(price=1999)
    await desk.ask(Verb.CAPTURE, purchase, money.parse("8.20", "usd"))
    (intent,) = at_stripe(desk)
    assert (intent.amount, intent.amount_received) == (1999, 820)


async def test_a_second_hold_can_be_released_though_the_first_was_too(desk: Desk):
    """WooPayments issue 9033: the release of a second hold did nothing and said nothing."""
    desk.sandbox.next_authorization(DAY.total_seconds())
    purchase = await desk.buy()
    await desk.advance(DAY + MINUTE)
    await desk.deliver()
    await desk.ask(Verb.AUTHORIZE, purchase, actor=STUDENT)
    second = await desk.payment(purchase)
    assert second.payment_status == Status.AUTHORIZED
    done = await desk.ask(Verb.RELEASE, purchase)
    assert isinstance(done, Operation)
    assert desk.stripe().payment_intents.retrieve(second.stripe_intent_id).status == "canceled"
    assert await PaymentEvent.count().where(PaymentEvent.kind.is_in(["expired", "released"])) == 2
