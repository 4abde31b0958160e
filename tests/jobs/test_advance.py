"""The clock moves from due time to due time, and nothing comes late because it jumped."""

from datetime import datetime, timedelta

import pytest

from dashboard import clock
from dashboard.payments.facts import Status
from dashboard.settings import Settings
from jobs.advance import Controls, NotOnTheSandbox, advance, next_due
from tests.world import World

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


async def test_each_capture_comes_an_hour_after_its_lesson(world: World):
    booked = [await world.book(timedelta(days=n)) for n in (1, 2, 3)]
    async with Controls(world.settings) as controls:
        await advance(clock.now() + 5 * DAY, controls)
    for one in booked:
        payment = await world.payment(one["id"])
        seen = await world.look(one["id"])
        due = datetime.fromisoformat(one["ends_at"]) + HOUR
        assert (payment.payment_status, seen["status"]) == (Status.CAPTURED, "completed")
        assert timedelta() <= payment.captured_at - due <= timedelta(minutes=2)


async def test_a_lesson_beyond_the_hold_is_captured_a_day_before_it_ends(world: World):
    booked = (await world.book(timedelta(days=12)))["id"]
    ends_at = (await world.payment(booked)).authorization_expires_at
    async with Controls(world.settings) as controls:
        await advance(clock.now() + 9 * DAY, controls)
    payment = await world.payment(booked)
    assert payment.payment_status == Status.CAPTURED
    assert timedelta(hours=23, minutes=50) < ends_at - payment.captured_at <= DAY


async def test_the_clock_reaches_the_target_when_nothing_is_due(world: World):
    target = clock.now() + 3 * HOUR
    async with Controls(world.settings) as controls:
        assert await advance(target, controls) == 0
    assert timedelta() <= clock.now() - target < timedelta(seconds=5)
    assert await next_due(clock.now()) is None


async def test_a_target_in_the_past_moves_nothing(world: World):
    before = clock.now()
    async with Controls(world.settings) as controls:
        await advance(before - DAY, controls)
    assert clock.now() >= before


def test_the_clock_of_stripe_itself_can_not_be_moved():
    with pytest.raises(NotOnTheSandbox):
        Controls(Settings(sandbox=False))
