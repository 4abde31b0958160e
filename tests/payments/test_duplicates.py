"""A purchase that was paid twice: whoever gives back one of the two, the other one stays."""

import json

import pytest

from dashboard import clock, db
from dashboard.bookings.holds import hold
from dashboard.payments import inbox, ledger, settle
from dashboard.payments.facts import Status, Verb
from dashboard.payments.rehearsal import rehearse
from dashboard.payments.tables import Payment, Purchase, StripeEvent
from tests.payments.conftest import Desk
from tests.payments.test_two_holds import MINUTE, two_holds


async def paid_twice(desk: Desk) -> tuple[int, Payment, Payment]:
    """Both holds captured in Stripe's own dashboard; the payment that stands, and the other."""
    purchase, *both = await two_holds(desk)
    await desk.decide(purchase, 9600)
    for one in both:
        desk.stripe().payment_intents.capture(str(one.stripe_intent_id))
        await ledger.post(one.id)
    current = await desk.payment(purchase)
    (other,) = [one for one in both if one.id != current.id]
    return purchase, current, other


async def ended(desk: Desk, purchase: int) -> tuple[int | None, list[tuple[bool, int]]]:
    """What is owed once all has come to rest; whether each payment stands, and its rest."""
    for _ in range(3):
        await desk.advance(MINUTE)
        await desk.tick()
    row = await Purchase.objects().get(Purchase.id == purchase)
    assert row is not None and row.attention is None
    rows = await Payment.objects().where(Payment.purchase == purchase).order_by(Payment.id)
    rest = [(one.current, one.captured_amount - one.refunded_amount) for one in rows]
    return row.owed, sorted(rest)


STANDS = (9600, [(False, 0), (True, 9600)])


@pytest.mark.parametrize("which", ["the one that stands", "the other"])
async def test_one_is_given_back_in_stripes_dashboard_before_we_do(desk: Desk, which: str):
    purchase, current, other = await paid_twice(desk)
    chosen = other if which == "the other" else current
    desk.stripe().refunds.create({"payment_intent": chosen.stripe_intent_id})
    await ledger.post(chosen.id)
    assert await ended(desk, purchase) == STANDS


async def refund_failed(desk: Desk) -> tuple[int, Payment]:
    """The desk has refunded the second by itself, and the bank has sent it back."""
    purchase, _, other = await paid_twice(desk)
    await desk.tick()
    (ours,) = desk.stripe().refunds.list({"payment_intent": other.stripe_intent_id}).data
    desk.sandbox.control("POST", f"refunds/{ours.id}", {"status": "failed"})
    await ledger.post(other.id)
    await desk.tick()
    row = await Purchase.objects().get(Purchase.id == purchase)
    assert row is not None and row.attention == "refund_failed"
    return purchase, other


async def test_a_refund_of_the_second_that_failed_can_be_asked_for_again_at_the_desk(desk: Desk):
    purchase, other = await refund_failed(desk)
    found = await hold(other.id)
    assert found and found.movements(clock.now()) == (Verb.REFUND,)
    said = await desk.ask(Verb.REFUND, purchase, payment_id=other.id)
    assert not isinstance(said, Exception)
    assert await ended(desk, purchase) == STANDS
    done = await hold(other.id)
    assert done and done.movements(clock.now()) == ()


async def test_one_is_given_back_in_stripes_dashboard_after_our_own_refund_has_failed(desk: Desk):
    purchase, other = await refund_failed(desk)
    desk.stripe().refunds.create({"payment_intent": other.stripe_intent_id})
    await ledger.post(other.id)
    assert await ended(desk, purchase) == STANDS


async def test_a_part_of_the_one_that_stands_is_given_back_and_owed_no_longer(desk: Desk):
    purchase, current, _ = await paid_twice(desk)
    desk.stripe().refunds.create({"payment_intent": current.stripe_intent_id, "amount": 4000})
    await ledger.post(current.id)
    assert await ended(desk, purchase) == (5600, [(False, 0), (True, 5600)])
    assert (await desk.payment(purchase)).payment_status == Status.CAPTURED


async def current_of(purchase: int) -> Payment:
    row = await Payment.objects().get((Payment.purchase == purchase) & Payment.current.eq(True))
    assert row is not None
    return row


@pytest.mark.parametrize("by", ["a decision", "the desk"])
async def test_a_second_payment_that_finance_kept_stays_kept_when_the_lesson_is_given_back(
    desk: Desk, by: str
):
    """It was paid back by bank transfer: refunded as well, the customer would have it twice."""
    purchase, other = await refund_failed(desk)
    async with db.transaction():
        await settle.withdraw_refund(purchase, "Fiona", "By bank transfer", other.id)
    stands = await current_of(purchase)
    if by == "a decision":
        await desk.decide(purchase, 0)
    else:
        await desk.ask(Verb.REFUND, purchase, payment_id=stands.id)
    assert await ended(desk, purchase) == (0, [(False, 9600), (True, 0)])
    assert (await current_of(purchase)).id == stands.id


async def test_giving_back_the_first_ends_the_trouble_of_the_second(desk: Desk):
    """The second one stands now: a list that still asked for its refund would invite to both."""
    purchase, other = await refund_failed(desk)
    stands = await current_of(purchase)
    desk.stripe().refunds.create({"payment_intent": stands.stripe_intent_id})
    await ledger.post(stands.id)
    assert await ended(desk, purchase) == STANDS
    now = await current_of(purchase)
    assert (now.id, now.refund_trouble) == (other.id, "")


async def test_a_dry_run_of_that_says_the_same(desk: Desk):
    purchase, _ = await refund_failed(desk)
    stands = await current_of(purchase)
    await desk.deliver()
    last = max(one["id"] for one in desk.sandbox.deliveries("held"))
    desk.stripe().refunds.create({"payment_intent": stands.stripe_intent_id})
    (told, *_) = desk.sandbox.deliveries("held", after=last)
    event = inbox.notice(json.loads(told["body"]))
    await inbox.keep(event)
    row = await StripeEvent.objects().get(StripeEvent.id == event.id)
    assert row is not None
    seen = await rehearse(row)
    foretold = {(one.column, one.theirs) for one in seen.changes}
    assert ("refund_trouble", "") in foretold, foretold
