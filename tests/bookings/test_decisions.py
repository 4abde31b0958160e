"""How a lesson ends: completed, called off, missed. What is owed, and what Stripe then shows."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from dashboard import clock, db
from dashboard.bookings.queries import follow
from dashboard.bookings.tables import Booking, Instructor
from dashboard.payments import queries as payments
from tests.conftest import POSTGRESQL
from tests.world import World

HOUR = timedelta(hours=1)


async def end(world: World, booking_id: int, action: str, body: Any = None) -> dict[str, Any]:
    """Decide, and expect that it was taken; the booking as answered."""
    answer = await world.call(booking_id, action, body)
    assert answer.status_code == 200, answer.text
    told: dict[str, Any] = answer.json()["booking"]
    return told


def amounts(booking: dict[str, Any]) -> tuple[str, int, int]:
    return booking["payment_status"], booking["captured_amount"], booking["refunded_amount"]


async def test_a_completed_lesson_is_captured_at_once_and_once(world: World):
    booked = await world.book()
    for _ in range(2):
        told = await end(world, booked["id"], "complete")
        assert told["status"] == "completed"
        assert amounts(told) == ("captured", 9600, 0)
    assert len(world.money_calls("/capture")) == 1
    assert await world.story(booked["id"]) == ["authorized", "captured"]


@pytest.mark.parametrize(
    ("ahead", "clause", "captured"),
    [
        (6 * HOUR + timedelta(seconds=1), "student_free", 0),
        (6 * HOUR, "student_free", 0),
        (6 * HOUR - timedelta(seconds=1), "student_late", 4800),
    ],
)
async def test_26_the_sixth_hour_is_free_to_the_second(
    world: World, ahead: timedelta, clause: str, captured: int
):
    booked = await world.book()
    await world.move_to(datetime.fromisoformat(booked["starts_at"]) - ahead)
    told = await end(world, booked["id"], "cancel", {"by": "student", "reason": "Ill"})
    assert (told["status"], told["clause"], told["owed"]) == ("cancelled", clause, captured)
    assert told["end_reason"] == "Ill"
    assert told["captured_amount"] == captured
    intent = world.intent(booked["stripe_intent_id"])
    assert intent.status == ("succeeded" if captured else "canceled")
    assert intent.amount_received == captured


async def test_26_a_change_of_clocks_moves_no_deadline(world: World):
    zone = ZoneInfo("America/New_York")
    year = clock.now().year + 1
    second_sunday = next(day for day in range(8, 15) if datetime(year, 3, day).weekday() == 6)  # noqa: DTZ001
    starts_at = datetime(year, 3, second_sunday, 5, tzinfo=zone)
    await world.move_to(starts_at - timedelta(days=2))
    early, late = [
        await world.book(starts_at=starts_at.isoformat(), student={"name": name})
        for name in ("Early", "Late")
    ]
    deadline = starts_at.astimezone(UTC) - 6 * HOUR
    await world.move_to(deadline)
    assert (await end(world, early["id"], "cancel", {"by": "student"}))["owed"] == 0
    await world.move_to(deadline + timedelta(seconds=1))
    assert (await end(world, late["id"], "cancel", {"by": "student"}))["owed"] == 4800


@pytest.mark.parametrize(
    ("currency", "price", "fee"), [("usd", 7200, 3600), ("jpy", 4801, 2400), ("kwd", 4810, 2400)]
)
async def test_27_a_late_fee_has_the_decimals_of_its_currency(
    world: World, currency: str, price: int, fee: int
):
    teacher = getattr(world.catalog, currency)
    await Instructor.update({"rate": price}).where(Instructor.id == teacher)
    booked = await world.book(HOUR, instructor_id=teacher)
    told = await end(world, booked["id"], "cancel", {"by": "student"})
    assert (told["price"], told["owed"], told["captured_amount"]) == (price, fee, fee)


async def test_08_the_instructor_cancels_before_capture_and_all_is_released(world: World):
    booked = await world.book(HOUR)
    for _ in range(2):
        told = await end(world, booked["id"], "cancel", {"by": "instructor"})
        assert (told["status"], told["clause"]) == ("cancelled", "instructor_cancelled")
        assert amounts(told) == ("released", 0, 0)
    assert await world.story(booked["id"]) == ["authorized", "released"]
    assert len(world.money_calls("/cancel")) == 1


@pytest.mark.parametrize("way", ["complete", "capture-payment"])
async def test_08_the_instructor_cancels_after_capture_and_all_is_refunded(world: World, way: str):
    booked = await world.book(HOUR)
    await world.call(booked["id"], way)
    told = await end(world, booked["id"], "cancel", {"by": "instructor"})
    assert amounts(told) == ("refunded", 9600, 9600)
    assert len(world.money_calls("/refunds")) == 1


async def test_09_an_absent_student_pays_in_full(world: World):
    booked = await world.book(HOUR)
    await world.advance(2 * HOUR)
    told = await end(world, booked["id"], "no-show", {"who": "student"})
    assert (told["status"], told["clause"]) == ("no_show", "student_no_show")
    assert amounts(told) == ("captured", 9600, 0)


async def test_09_an_absent_student_is_captured_by_the_sweep_and_can_be_noted_later(world: World):
    booked = await world.book(HOUR)
    await world.tick()
    await world.advance(3 * HOUR + timedelta(seconds=1))
    await world.tick()
    by_itself = await world.look(booked["id"])
    assert (by_itself["status"], by_itself["ended_by"]) == ("completed", "clock")
    assert amounts(by_itself) == ("captured", 9600, 0)
    told = await end(world, booked["id"], "no-show", {"who": "student"})
    assert told["status"] == "no_show"
    assert len(world.money_calls("/capture")) == 1


@pytest.mark.parametrize("captured_first", [False, True])
async def test_09_an_absent_instructor_gets_nothing(world: World, captured_first: bool):
    booked = await world.book(HOUR)
    await world.advance(2 * HOUR)
    if captured_first:
        await end(world, booked["id"], "complete")
    told = await end(world, booked["id"], "no-show", {"who": "instructor"})
    expected = ("refunded", 9600, 9600) if captured_first else ("released", 0, 0)
    assert (told["status"], amounts(told)) == ("no_show", expected)


@pytest.mark.parametrize(
    ("first", "then", "sentence"),
    [
        (("cancel", {"by": "student"}), ("complete", None), "cancelled already by the student"),
        (("cancel", {"by": "student"}), ("cancel", {"by": "instructor"}), "cancelled already"),
        (("complete", None), ("cancel", {"by": "student"}), "completed already"),
        (("complete", None), ("no-show", {"who": "student"}), "completed already"),
        (("no-show", {"who": "student"}), ("complete", None), "no-show by the student already"),
    ],
)
async def test_a_second_ending_that_contradicts_the_first_is_refused(
    world: World, first: tuple[str, Any], then: tuple[str, Any], sentence: str
):
    booked = await world.book(8 * HOUR)
    await world.advance(9 * HOUR if "no-show" in (first[0], then[0]) else HOUR)
    before = await end(world, booked["id"], *first)
    refused = await world.call(booked["id"], *then)
    assert refused.status_code == 409
    assert sentence in refused.json()["detail"]
    assert await world.look(booked["id"]) == before


async def test_nobody_is_missed_before_the_lesson_begins(world: World):
    booked = await world.book()
    refused = await world.call(booked["id"], "no-show", {"who": "student"})
    assert refused.status_code == 409
    assert (await world.look(booked["id"]))["status"] == "confirmed"


async def test_two_endings_at_once_leave_one_ending(world: World):
    booked = await world.book(8 * HOUR)
    answers = await asyncio.gather(
        world.call(booked["id"], "complete"),
        world.call(booked["id"], "cancel", {"by": "student"}),
        world.call(booked["id"], "complete"),
    )
    codes = [answer.status_code for answer in answers]
    assert sorted(set(codes)) == [200, 409]
    await world.tick()
    told = await world.look(booked["id"])
    expected = {"completed": ("captured", 9600, 0), "cancelled": ("released", 0, 0)}
    assert amounts(told) == expected[told["status"]]


async def interfere(world: World, monkeypatch: pytest.MonkeyPatch, times: int) -> tuple[Any, Any]:
    """A booking that a sweep confirms while a decision about it is taken; and each time it did."""
    booked, reads, seen = await world.book(), payments.books, []
    await Booking.update({"status": "pending"}).where(Booking.id == booked["id"])

    async def books(purchase_id: int) -> Any:
        if db.in_transaction() and len(seen) < times:
            seen.append(purchase_id)
            # Nobody writes beside a transaction of SQLite: there it can only be a part of it.
            beside, sweep = POSTGRESQL and times == 1, follow([purchase_id])
            await (db.spawn(sweep, name="the sweep") if beside else sweep)
        return await reads(purchase_id)

    monkeypatch.setattr(payments, "books", books)
    return booked, seen


async def test_a_cancellation_beside_the_sweep_that_confirms_cancels_the_lesson_as_well(
    world: World, monkeypatch: pytest.MonkeyPatch
):
    booked, seen = await interfere(world, monkeypatch, times=1)
    told = await end(world, booked["id"], "cancel", {"by": "student"})
    assert (told["status"], told["ended_by"], told["owed"]) == ("cancelled", "student", 0)
    assert (amounts(told), len(seen)) == (("released", 0, 0), 1)


async def test_a_decision_about_a_booking_that_changes_all_the_time_is_refused_and_moves_nothing(
    world: World, monkeypatch: pytest.MonkeyPatch
):
    booked, seen = await interfere(world, monkeypatch, times=99)
    refused = await world.call(booked["id"], "cancel", {"by": "student"})
    assert (refused.status_code, len(seen)) == (409, 3)
    assert "changed at the same moment" in refused.json()["detail"]
    told = await world.look(booked["id"])
    assert (told["status"], told["owed"], amounts(told)) == ("pending", None, ("authorized", 0, 0))


async def test_25_a_payment_confirmed_after_the_cancellation_is_released_by_itself(world: World):
    answer = await world.post_booking(payment_method="pm_card_authenticationRequired")
    told = answer.json()["booking"]
    # Stripe is away just then, so that the confirmation can still come.
    world.sandbox.fault("before", "500", "/v1/payment_intents/*/cancel", times=20)
    gone = await end(world, told["id"], "cancel", {"by": "student"})
    assert (gone["status"], gone["clause"], gone["owed"]) == ("cancelled", "unconfirmed", 0)
    world.sandbox.authenticate(told["stripe_intent_id"])
    world.sandbox.control("DELETE", "faults")
    await world.advance(timedelta(minutes=2))
    await world.deliver()
    assert world.intent(told["stripe_intent_id"]).status == "canceled"
    assert (await world.look(told["id"]))["payment_status"] == "released"


async def test_a_decision_stands_while_stripe_is_out_of_reach(world: World):
    booked = await world.book(8 * HOUR)
    world.sandbox.fault("before", "500", "/v1/payment_intents/*/cancel", times=20)
    told = await end(world, booked["id"], "cancel", {"by": "student"})
    assert (told["status"], told["owed"], told["payment_status"]) == ("cancelled", 0, "authorized")
    world.sandbox.control("DELETE", "faults")
    await world.advance(timedelta(minutes=2))
    await world.tick()
    assert (await world.look(booked["id"]))["payment_status"] == "released"
