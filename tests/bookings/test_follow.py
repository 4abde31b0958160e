"""A booking's status follows its payment, once, whoever else is at it."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from dashboard import db
from dashboard.bookings import packages
from dashboard.bookings.queries import booking, follow
from dashboard.bookings.tables import Booking
from dashboard.payments import ledger, settle
from dashboard.payments.tables import Operation
from tests.web.paying import ASKS, HALF_HOUR
from tests.world import World

PACKAGE = pytest.param(True, id="package")
LESSON = pytest.param(False, id="lesson")
CANCEL, REFUNDS = "/v1/payment_intents/*/cancel", "/v1/refunds"


async def test_a_payment_that_comes_about_confirms_its_booking_once(world: World):
    booked = await world.book()
    other = await world.book()
    await Booking.update({"status": "pending"}).where(Booking.id.is_in([booked["id"], other["id"]]))
    assert await follow([]) == 0
    assert await follow([other["purchase_id"]]) == 1
    assert (await world.look(booked["id"]))["status"] == "pending"
    assert sum(await asyncio.gather(*(follow() for _ in range(5)))) == 1
    assert (await world.look(booked["id"]))["status"] == "confirmed"
    assert await follow() == 0


async def test_nothing_that_was_decided_is_changed_by_the_clock(world: World):
    cancelled, missed = await world.book(), await world.book()
    await world.call(cancelled["id"], "cancel", {"by": "instructor"})
    await world.advance(timedelta(days=2, hours=1))
    await world.call(missed["id"], "no-show", {"who": "student"})
    before = [await world.look(one["id"]) for one in (cancelled, missed)]
    await world.advance(timedelta(days=1))
    await world.tick()
    assert [await world.look(one["id"]) for one in (cancelled, missed)] == before


async def test_a_paid_lesson_is_completed_an_hour_after_its_end_and_no_earlier(world: World):
    booked = await world.book(timedelta(hours=1))
    await world.call(booked["id"], "capture-payment")
    await world.advance(timedelta(hours=2, minutes=59))
    await world.tick()
    assert (await world.look(booked["id"]))["status"] == "confirmed"
    await world.advance(timedelta(minutes=2))
    await world.tick()
    told = await world.look(booked["id"])
    assert (told["status"], told["clause"]) == ("completed", "completed")


async def test_a_card_that_was_never_accepted_lets_the_booking_go_after_the_lesson(world: World):
    answer = await world.post_booking(payment_method="pm_card_chargeDeclined")
    booking_id = answer.json()["booking"]["id"]
    await world.advance(timedelta(days=2))
    await world.tick()
    assert (await world.look(booking_id))["status"] == "pending"
    await world.advance(timedelta(hours=2, seconds=1))
    await world.tick()
    told = await world.look(booking_id)
    assert (told["status"], told["clause"]) == ("cancelled", "never_paid")


async def confirmed_too_late(world: World, package: bool) -> Any:
    """A booking that the clock has given up, and whose student confirms before it follows."""
    bought = {"is_package": True, "package_id": world.catalog.package} if package else {}
    answer = await world.post_booking(payment_method=ASKS, **bought)
    told = answer.json()["booking"]
    await world.advance(HALF_HOUR)
    world.sandbox.fault("before", "500", CANCEL, times=1)
    await settle.settle(told["purchase_id"])
    world.sandbox.authenticate(told["stripe_intent_id"])
    await ledger.post(told["payment_id"])
    seen = await world.look(told["id"])
    assert (seen["status"], seen["owed"]) == ("pending", 0)
    assert seen["payment_status"] == ("captured" if package else "authorized")
    return told


async def assert_let_go(world: World, told: Any) -> None:
    """It is called off, nothing is kept or held, and the student can book the same again."""
    seen = await world.look(told["id"])
    assert (seen["status"], seen["clause"]) == ("cancelled", "never_paid")
    assert seen["payment_status"] == ("refunded" if told["package_id"] else "released")
    assert seen["captured_amount"] == seen["refunded_amount"]
    if told["package_id"]:
        assert await packages.seats(told["package_id"]) == []
    assert (await booking(told["id"])).slot is None
    assert (await world.books(told["id"])).purchase.attention is None


@pytest.mark.parametrize("package", [LESSON, PACKAGE])
async def test_a_payment_that_is_given_back_as_it_comes_about_confirms_nothing(
    world: World, package: bool
):
    told = await confirmed_too_late(world, package)
    assert await follow([told["purchase_id"]]) == 1
    # At once: the student has been told so, and may want to book again.
    assert (await world.look(told["id"]))["status"] == "cancelled"
    for _ in range(3):
        await world.advance(timedelta(minutes=2))
        await world.deliver()
    await assert_let_go(world, told)


@pytest.mark.parametrize("package", [LESSON, PACKAGE])
async def test_a_booking_whose_payment_came_too_late_and_has_gone_back_is_let_go(
    world: World, package: bool
):
    told = await confirmed_too_late(world, package)
    for _ in range(3):
        await world.advance(timedelta(minutes=2))
        await settle.settle(told["purchase_id"])
    assert (await world.look(told["id"]))["status"] == "pending"
    assert await follow() == 1
    await assert_let_go(world, told)


async def test_a_package_that_was_paid_too_late_is_let_go_while_its_refund_is_not_answered(
    world: World,
):
    told = await confirmed_too_late(world, package=True)
    world.sandbox.fault("before", "429", REFUNDS, times=2)
    await world.advance(timedelta(minutes=2))
    await world.tick()
    seen = await world.look(told["id"])
    assert (seen["status"], seen["payment_status"]) == ("cancelled", "captured")
    for _ in range(3):
        await world.advance(timedelta(minutes=9))
        await world.tick()
    await assert_let_go(world, told)


async def test_a_student_who_hangs_up_leaves_a_whole_booking_or_none(world: World):
    """Whenever the connection goes away: never a hold without a booking, nor half of one."""
    for wait in (0.005, 0.02, 0.03, 0.04, 0.06, 0.09):
        asking = asyncio.create_task(world.post_booking())
        await asyncio.sleep(wait)
        asking.cancel()
        await asyncio.wait([asking])
    # What was begun goes on without them, as long as the machine takes for it.
    while begun := list(db._promised):
        await asyncio.wait(begun)
    await world.advance(timedelta(minutes=2))
    await world.tick()
    statuses = [row["status"] for row in await Booking.select(Booking.status)]
    assert set(statuses) <= {"confirmed"}
    assert len(statuses) == len(world.money_calls("/payment_intents"))
    assert await Operation.count().where(Operation.open_for.is_not_null()) == 0
