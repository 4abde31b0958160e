"""Packages: charged at once, used lesson by lesson, refunded for what was not used."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from dashboard import clock
from dashboard.bookings import package_refunds
from dashboard.bookings.errors import Conflict
from dashboard.bookings.package_refunds import Wanted
from dashboard.bookings.tables import Package, Redemption
from tests.world import ANA, World

EMAIL = "maya@example.test"
MAYA = {"email": EMAIL}


async def redeem(world: World, package_id: int, days: int, **changes: Any) -> Any:
    """Book the package's next lesson, that many days ahead, as the desk's programs do."""
    starts_at = (clock.now() + timedelta(days=days)).isoformat()
    wanted = {"package_id": package_id, "starts_at": starts_at, "student": MAYA} | changes
    body = world.order(**wanted)
    return await world.client.post("/bookings", json=body, headers=await world.rights())


async def refund(package_id: int, **more: Any) -> int:
    """Give the unused lessons back, as finance may; the amount."""
    wanted = Wanted(ANA, "Moved away", unlimited=True, **more)
    return await package_refunds.refund_unused(package_id, wanted)


async def seats(package_id: int) -> list[tuple[int, str]]:
    """The lessons of a package that are taken: number and kind."""
    rows = (
        await Redemption.select(Redemption.number, Redemption.kind)
        .where((Redemption.package == package_id) & Redemption.seat.is_not_null())
        .order_by(Redemption.number)
    )
    return [(row["number"], row["kind"]) for row in rows]


async def test_07_a_package_is_charged_at_once_and_named_in_the_metadata(world: World):
    booked = await world.buy_package(student=MAYA)
    assert (booked["status"], booked["payment_status"]) == ("confirmed", "captured")
    assert (booked["price"], booked["captured_amount"]) == (42000, 42000)
    intent = world.intent(booked["stripe_intent_id"])
    assert (intent.status, intent.capture_method) == ("succeeded", "automatic")
    metadata = intent.metadata.to_dict()
    assert metadata.pop("operation_id")
    assert metadata == {
        "booking_id": str(booked["id"]),
        "package_id": str(booked["package_id"]),
        "lessons_count": "5",
    }
    assert await world.story(booked["id"]) == ["charged"]
    assert await seats(booked["package_id"]) == [(1, "lesson")]


async def test_the_lessons_of_a_package_are_used_one_by_one_and_no_more(world: World):
    package_id = (await world.buy_package(student=MAYA))["package_id"]
    answers = await asyncio.gather(*(redeem(world, package_id, days) for days in range(3, 9)))
    assert sorted(answer.status_code for answer in answers) == [201] * 4 + [409] * 2
    assert await seats(package_id) == [(number, "lesson") for number in range(1, 6)]
    assert {answer.json()["booking"]["status"] for answer in answers if answer.is_success} == {
        "confirmed"
    }
    assert len(world.money_calls("/payment_intents")) == 1


async def test_a_stranger_can_not_use_the_lessons_of_somebody_else(world: World):
    package_id = (await world.buy_package(student=MAYA))["package_id"]
    body = world.order(package_id=package_id, student=MAYA)
    assert (await world.client.post("/bookings", json=body)).status_code == 401
    other = await redeem(world, package_id, 3, student={"email": "eve@example.test"})
    assert other.status_code == 422
    assert other.json()["errors"][0]["field"] == "package_id"
    assert await seats(package_id) == [(1, "lesson")]


@pytest.mark.parametrize(
    ("by", "hours_ahead", "taken"),
    [("student", 7, []), ("student", 5, [(1, "lesson")]), ("instructor", 5, [])],
)
async def test_a_cancelled_lesson_goes_back_to_its_package_or_is_used_up(
    world: World, by: str, hours_ahead: int, taken: list[tuple[int, str]]
):
    booked = await world.buy_package(student=MAYA, starts_in=timedelta(hours=hours_ahead))
    answer = await world.call(booked["id"], "cancel", {"by": by})
    told = answer.json()["booking"]
    assert (told["status"], told["captured_amount"], told["refunded_amount"]) == (
        "cancelled",
        42000,
        0,
    )
    assert await seats(booked["package_id"]) == taken
    assert (await redeem(world, booked["package_id"], 3)).status_code == 201


@pytest.mark.parametrize(("who", "taken"), [("student", [(1, "lesson")]), ("instructor", [])])
async def test_a_missed_lesson_is_used_up_only_by_the_student(
    world: World, who: str, taken: list[tuple[int, str]]
):
    booked = await world.buy_package(student=MAYA, starts_in=timedelta(hours=1))
    await world.advance(timedelta(hours=2))
    assert (await world.call(booked["id"], "no-show", {"who": who})).status_code == 200
    assert await seats(booked["package_id"]) == taken


async def test_07_unused_lessons_are_refunded_and_can_not_be_taken_any_more(world: World):
    booked = await world.buy_package(student=MAYA)
    await redeem(world, booked["package_id"], 3)
    assert await refund(booked["package_id"]) == 25200
    told = await world.look(booked["id"])
    assert (told["payment_status"], told["refunded_amount"]) == ("captured", 25200)
    taken = [(1, "lesson"), (2, "lesson"), (3, "refund"), (4, "refund"), (5, "refund")]
    assert await seats(booked["package_id"]) == taken
    assert (await redeem(world, booked["package_id"], 4)).status_code == 409
    with pytest.raises(Conflict):
        await refund(booked["package_id"])
    assert len(world.money_calls("/refunds")) == 1


async def test_a_lesson_is_taken_or_refunded_but_never_both(world: World):
    booked = await world.buy_package(student=MAYA)
    package_id = booked["package_id"]
    await asyncio.gather(
        refund(package_id),
        *(redeem(world, package_id, days) for days in (3, 4)),
    )
    await world.tick()
    used = sum(kind == "lesson" for _, kind in await seats(package_id))
    assert (await world.look(booked["id"]))["refunded_amount"] == 42000 - 8400 * used


async def test_a_lesson_given_back_after_a_refund_is_refunded_by_the_same_formula(world: World):
    booked = await world.buy_package(student=MAYA)
    assert await refund(booked["package_id"]) == 33600
    await world.call(booked["id"], "cancel", {"by": "instructor"})
    assert await refund(booked["package_id"]) == 8400
    told = await world.look(booked["id"])
    assert (told["payment_status"], told["refunded_amount"]) == ("refunded", 42000)


async def test_a_declined_package_gives_no_lessons_until_it_is_paid(world: World):
    answer = await world.post_booking(
        is_package=True,
        package_id=world.catalog.package,
        payment_method="pm_card_chargeDeclined",
        student=MAYA,
    )
    assert answer.status_code == 402
    booked = answer.json()["booking"]
    assert (await redeem(world, booked["package_id"], 3)).status_code == 409
    card = {"payment_method": "pm_card_visa"}
    paid = await world.call(booked["id"], "pay", card)
    assert paid.json()["payment"]["status"] == "captured"
    assert (await redeem(world, booked["package_id"], 3)).status_code == 201


async def test_a_declined_package_that_is_called_off_is_let_go(world: World):
    answer = await world.post_booking(
        is_package=True, package_id=world.catalog.package, payment_method="pm_card_chargeDeclined"
    )
    booked = answer.json()["booking"]
    told = (await world.call(booked["id"], "cancel", {"by": "student"})).json()["booking"]
    assert (told["status"], told["owed"]) == ("cancelled", 0)
    assert (await world.call(booked["id"], "pay")).status_code == 409


async def test_a_lesson_of_a_package_that_took_place_is_completed_by_the_clock(world: World):
    booked = await world.buy_package(student=MAYA, starts_in=timedelta(hours=1))
    await world.advance(timedelta(hours=3, seconds=1))
    await world.tick()
    assert (await world.look(booked["id"]))["status"] == "completed"
    assert await Package.count() == 1
