"""Scenario 18: a hold that lives 4 d 18 h, and one whose end nobody names."""

from datetime import datetime, timedelta

import pytest

from dashboard import clock
from dashboard.payments.evidence import ESTIMATED_LIFE
from dashboard.payments.tables import Payment, PaymentEvent, Purchase
from tests.web.desk import sign_in, text
from tests.world import World

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
SHORT = 4 * DAY + 18 * HOUR


async def hold(world: World, life: timedelta | None, starts_in: timedelta) -> Payment:
    """A lesson whose hold lives this long; None where Stripe does not say."""
    world.sandbox.next_authorization(None if life is None else life.total_seconds())
    booked = await world.book(starts_in=starts_in)
    return await world.payment(booked["id"])


async def row_of(payment: Payment) -> Purchase:
    row = await Purchase.objects().get(Purchase.id == payment.purchase)
    assert row is not None
    return row


async def now_of(payment: Payment) -> Payment:
    row = await Payment.objects().get(Payment.id == payment.id)
    assert row is not None
    return row


def end_of(payment: Payment) -> datetime:
    at = payment.authorization_expires_at
    assert at is not None
    return at


async def test_18_it_is_calm_for_three_days_and_urgent_on_day_four(world: World):
    payment = await hold(world, SHORT, starts_in=10 * DAY)
    await Purchase.update({"policy_override": "alert"}).where(Purchase.id == payment.purchase)
    start = payment.created_at
    assert timedelta(seconds=-5) < end_of(payment) - start - SHORT < timedelta(seconds=5)
    assert payment.expires_source == "network"
    ana = await sign_in(world)
    for day, level, listed in ((0, "calm", 0), (3, "calm", 0), (4, "urgent", 1)):
        await world.move_to(start + day * DAY + HOUR)
        page = await ana.page(f"/holds/{payment.id}")
        assert f'class="countdown {level}"' in page.text, day
        assert "estimated" not in text(page)
        assert f"Expiring {listed}" in text(await ana.page("/holds")), day
    await world.move_to(end_of(payment) - HOUR)
    page = await ana.page(f"/holds/{payment.id}")
    assert 'class="countdown critical"' in page.text
    assert "1 hold worth $96.00 expires in the next 24 hours" in text(await ana.page("/holds"))


async def test_18_the_policy_acts_a_day_before_that_end_and_not_before_day_seven(world: World):
    payment = await hold(world, SHORT, starts_in=10 * DAY)
    await world.tick()
    row = await row_of(payment)
    assert row.due_at is not None
    # Planned is a look on day 3, at 18 h: 24 h before the network's end.
    assert abs(row.due_at - (end_of(payment) - DAY)) < timedelta(seconds=5)
    ana = await sign_in(world)
    said = text(await ana.page(f"/holds/{payment.id}"))
    assert "too soon for that, so by policy $96.00 is captured early," in said
    await world.move_to(end_of(payment) - DAY - timedelta(minutes=5))
    await world.tick()
    assert (await now_of(payment)).captured_amount == 0
    await world.move_to(end_of(payment) - DAY + timedelta(seconds=5))
    await world.tick()
    assert (await now_of(payment)).captured_amount == 9600
    decided = await PaymentEvent.objects().get(PaymentEvent.kind == "expiry_decision")
    assert decided is not None and decided.reason == "policy_capture"
    said = text(await ana.page(f"/holds/{payment.id}"))
    assert "The hold would end before the planned capture, so it is captured early" in said


async def test_18_a_lesson_within_those_days_is_captured_as_planned(world: World):
    payment = await hold(world, SHORT, starts_in=4 * DAY)
    await world.move_to(end_of(payment) - 13 * HOUR)
    await world.tick()
    assert (await now_of(payment)).captured_amount == 9600
    assert not await PaymentEvent.exists().where(PaymentEvent.kind == "expiry_decision")


async def test_18_without_a_date_it_is_estimated_cautiously_and_labelled(world: World):
    payment = await hold(world, None, starts_in=2 * DAY)
    assert payment.expires_source == "estimate"
    held = payment.authorized_at
    assert held is not None
    assert end_of(payment) == held + ESTIMATED_LIFE
    assert ESTIMATED_LIFE == SHORT
    ana = await sign_in(world)
    page = text(await ana.page(f"/holds/{payment.id}"))
    assert "left (estimated)" in page and ", estimated" in page
    assert ", estimated" in text(await ana.page("/holds"))


@pytest.mark.parametrize("starts_in", [2 * DAY, 10 * DAY], ids=["near", "far"])
async def test_18_an_estimate_is_planned_by_and_never_ends_a_hold(
    world: World, starts_in: timedelta
):
    payment = await hold(world, None, starts_in=starts_in)
    await world.move_to(end_of(payment) - DAY + timedelta(seconds=5))
    await world.tick()
    # Captured after the near lesson, and early by policy before the far one.
    assert (await now_of(payment)).captured_amount == 9600


async def test_18_past_an_estimate_stripe_is_asked_and_staff_may_still_capture(world: World):
    payment = await hold(world, None, starts_in=10 * DAY)
    await Purchase.update({"policy_override": "alert"}).where(Purchase.id == payment.purchase)
    await world.move_to(end_of(payment) + 2 * HOUR)
    await world.tick()
    after = await now_of(payment)
    assert (after.payment_status, (await row_of(payment)).attention) == ("authorized", "expiring")
    assert after.synced_at is not None and clock.now() - after.synced_at < HOUR
    ana = await sign_in(world)
    assert (await ana.move(payment.id, "capture")).status_code in (200, 303)
    assert (await now_of(payment)).captured_amount == 9600


async def test_18_one_that_ends_at_stripe_before_its_estimate_has_ended_here_too(world: World):
    payment = await hold(world, None, starts_in=10 * DAY)
    stripe = world.sandbox.stripe().v1
    stripe.payment_intents.cancel(str(payment.stripe_intent_id))
    await world.deliver()
    assert (await now_of(payment)).payment_status == "released"
    ana = await sign_in(world)
    said = text(await ana.page(f"/holds/{payment.id}"))
    assert "$96.00 went back to Maya Chen, never charged" in said and "Released" in said
