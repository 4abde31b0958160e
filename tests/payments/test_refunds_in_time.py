"""Refunds take time and may come back: balance, list and story follow, and nothing loops."""

from datetime import timedelta

import pytest

from dashboard import clock, db
from dashboard.payments import ledger, queries, settle
from dashboard.payments.case import Do
from dashboard.payments.errors import NotAllowed
from dashboard.payments.facts import State, Status, Verb
from dashboard.payments.tables import Operation, Payment, PaymentEvent, Purchase
from tests.payments.conftest import Desk

HOUR = timedelta(hours=1)
SLOW = "pm_card_pendingRefund"


async def paid(desk: Desk, card: str = SLOW) -> int:
    """A purchase of 96.00 that was captured by hand."""
    purchase = await desk.buy(card=card)
    await desk.ask(Verb.CAPTURE, purchase)
    return purchase


async def refund(desk: Desk, purchase: int, amount: int) -> str:
    """Ask for a refund; Stripe's id of it."""
    made = await desk.ask(Verb.REFUND, purchase, amount, reason="lesson_went_wrong")
    assert isinstance(made, Operation), made
    payment = await desk.payment(purchase)
    refunds = desk.stripe().refunds.list({"payment_intent": payment.stripe_intent_id}).data
    return str(next(one.id for one in refunds if one.metadata["operation_id"] == made.id))


async def bank(desk: Desk, refund_id: str, *statuses: str, told: bool = True) -> None:
    """The bank moves a refund on; `told` by webhooks, else only a read can tell."""
    for status in statuses:
        desk.sandbox.control("POST", f"refunds/{refund_id}", {"status": status})
    if told:
        await desk.deliver()
    await desk.tick()


async def row_of(purchase: int) -> Purchase:
    row = await Purchase.objects().get(Purchase.id == purchase)
    assert row is not None
    return row


async def amounts(desk: Desk, purchase: int) -> tuple[int, int, int]:
    """Refunded, under way, and what could still be refunded."""
    payment = await desk.payment(purchase)
    facts = queries.payment_facts(payment)
    return payment.refunded_amount, payment.refund_pending_amount, facts.refundable


@pytest.mark.parametrize("ways", [("succeeded",), ("requires_action", "succeeded")])
async def test_22_a_pending_refund_counts_as_refunded_only_when_it_has_succeeded(
    desk: Desk, ways: tuple[str, ...]
):
    purchase = await paid(desk)
    made = await refund(desk, purchase, 9600)
    pending = await desk.payment(purchase)
    assert (pending.payment_status, pending.refund_pending_since is not None) == (
        Status.CAPTURED,
        True,
    )
    assert await amounts(desk, purchase) == (0, 9600, 0)
    await bank(desk, made, *ways)
    done = await desk.payment(purchase)
    assert (done.payment_status, done.refund_pending_since) == (Status.REFUNDED, None)
    assert await amounts(desk, purchase) == (9600, 0, 0)
    assert (await desk.kinds(purchase))[-2:] == ["refund_pending", "refund_succeeded"]
    assert (await row_of(purchase)).attention is None


@pytest.mark.parametrize("told", [True, False], ids=["webhook", "read"])
@pytest.mark.parametrize(
    "ways",
    [("failed",), ("canceled",), ("requires_action", "failed"), ("succeeded", "failed")],
    ids=" ".join,
)
async def test_22_a_refund_that_comes_back_restores_the_balance_and_calls_for_a_person(
    desk: Desk, ways: tuple[str, ...], told: bool
):
    purchase = await paid(desk)
    made = await refund(desk, purchase, 4000)
    assert await amounts(desk, purchase) == (0, 4000, 5600)
    await bank(desk, made, *ways, told=told)
    if not told:
        await desk.advance(7 * HOUR)
        await desk.tick()
    assert await amounts(desk, purchase) == (0, 0, 9600)
    payment, row = await desk.payment(purchase), await row_of(purchase)
    assert (payment.payment_status, row.owed, row.attention) == (
        Status.CAPTURED,
        5600,
        "refund_failed",
    )
    assert (await desk.kinds(purchase))[-1] == "refund_failed"
    assert payment.refund_trouble.startswith("The bank sent it back (")
    # Nothing is tried again by itself, however long nobody looks.
    for _ in range(4):
        await desk.advance(13 * HOUR)
        await desk.deliver()
        await desk.tick()
    assert len(desk.money_calls("/v1/refunds")) == 1
    assert (await settle.settle(purchase)).do is Do.PERSON


async def test_22_a_failure_is_dated_when_it_was_learnt_and_is_the_banks_doing(desk: Desk):
    purchase = await paid(desk, "pm_card_visa")
    made = await refund(desk, purchase, 4000)
    await desk.advance(5 * 24 * HOUR)
    await bank(desk, made, "failed")
    failed = await PaymentEvent.objects().get(PaymentEvent.kind == "refund_failed")
    assert failed is not None
    assert clock.now() - failed.occurred_at < timedelta(minutes=1)
    assert (failed.actor, failed.reason) == ("Stripe", "expired_or_canceled_card")
    assert '"reverses": true' in failed.detail


async def test_22_a_partial_refund_that_fails_leaves_the_one_beside_it_alone(desk: Desk):
    purchase = await paid(desk)
    first, second = await refund(desk, purchase, 2000), await refund(desk, purchase, 3000)
    assert await amounts(desk, purchase) == (0, 5000, 4600)
    await bank(desk, first, "failed")
    assert await amounts(desk, purchase) == (0, 3000, 6600)
    assert (await row_of(purchase)).attention == "refund_failed"
    too_much = await desk.ask(Verb.REFUND, purchase, 6601, reason="duplicate")
    assert isinstance(too_much, NotAllowed) and too_much.code == "too_much"
    await bank(desk, second, "succeeded")
    assert await amounts(desk, purchase) == (3000, 0, 6600)
    assert (await row_of(purchase)).attention == "refund_failed"


async def test_22_refunding_again_is_a_new_operation_and_ends_the_trouble(desk: Desk):
    purchase = await paid(desk)
    made = await refund(desk, purchase, 4000)
    await bank(desk, made, "failed")
    again = await refund(desk, purchase, 4000)
    assert again != made
    await desk.tick()
    assert (await row_of(purchase)).attention is None
    await bank(desk, again, "succeeded")
    assert await amounts(desk, purchase) == (4000, 0, 5600)
    operations = [one for one in await desk.operations(purchase) if one.verb == Verb.REFUND]
    assert [one.state for one in operations] == [State.SUCCEEDED, State.SUCCEEDED]
    assert len(desk.money_calls("/v1/refunds")) == 2


async def test_22_what_staff_refund_again_in_part_is_followed_by_the_rest_that_is_due(desk: Desk):
    purchase = await paid(desk)
    await bank(desk, await refund(desk, purchase, 4000), "failed")
    await bank(desk, await refund(desk, purchase, 1000), "succeeded")
    await desk.advance(timedelta(minutes=2))
    await desk.deliver()
    await desk.tick()
    # What is owed was decided at the first refund: 56.00, and the rest goes back by itself.
    assert await amounts(desk, purchase) == (4000, 0, 5600)


async def test_22_a_refund_that_was_withdrawn_is_tried_no_more(desk: Desk):
    purchase = await paid(desk)
    await bank(desk, await refund(desk, purchase, 4000), "failed")
    async with db.transaction():
        assert await settle.withdraw_refund(purchase, "Fiona", "Paid back in cash") == 9600
    await desk.tick()
    await desk.advance(24 * HOUR)
    await desk.tick()
    row = await row_of(purchase)
    assert (row.owed, row.attention, row.due_at) == (9600, None, None)
    assert len(desk.money_calls("/v1/refunds")) == 1


async def test_22_a_refund_in_stripes_dashboard_that_fails_later_calls_for_a_person(desk: Desk):
    purchase = await paid(desk, "pm_card_visa")
    intent = (await desk.payment(purchase)).stripe_intent_id
    made = desk.stripe().refunds.create({"payment_intent": intent, "amount": 4000})
    await desk.deliver()
    assert (await row_of(purchase)).owed == 5600
    await bank(desk, made.id, "failed")
    assert ((await row_of(purchase)).attention, await amounts(desk, purchase)) == (
        "refund_failed",
        (0, 0, 9600),
    )


async def test_22_the_refund_of_a_replaced_payment_can_be_withdrawn_for_good(desk: Desk):
    purchase = await desk.buy(card="pm_card_refundFail", at_once=True)
    old = await desk.payment(purchase)
    await Payment.update({"payment_status": Status.FAILED}).where(Payment.id == old.id)
    await desk.attempt(purchase, Verb.CHARGE)
    new = await desk.payment(purchase)
    await ledger.post(old.id)
    await desk.tick()
    await desk.advance(timedelta(minutes=5))
    await desk.deliver()
    await desk.tick()
    troubled = await Payment.objects().where(Payment.refund_trouble != "").first()
    assert troubled is not None and troubled.id in (old.id, new.id) and not troubled.current
    assert (await row_of(purchase)).attention == "refund_failed"
    owed = (await row_of(purchase)).owed
    async with db.transaction():
        await settle.withdraw_refund(purchase, "Fiona", "Paid back in cash", troubled.id)
    for _ in range(3):
        await desk.tick()
        await desk.advance(7 * HOUR)
    row = await row_of(purchase)
    assert (row.attention, row.owed) == (None, owed)
    assert len(desk.money_calls("/v1/refunds")) == 1


async def test_22_nothing_can_make_a_refund_and_its_failure_count_twice(desk: Desk):
    purchase = await paid(desk, "pm_card_visa")
    made = await refund(desk, purchase, 4000)
    desk.sandbox.control("POST", f"refunds/{made}", {"status": "failed"})
    for order in ("reverse", "created"):
        await desk.deliver(order=order, times=2)
    kinds = await desk.kinds(purchase)
    assert (kinds.count("refund_succeeded"), kinds.count("refund_failed")) == (1, 1)
    assert await amounts(desk, purchase) == (0, 0, 9600)
