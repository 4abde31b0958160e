"""POST /bookings/{id}/capture-payment: one capture, however often it is asked for."""

import asyncio
from datetime import timedelta

import pytest

from dashboard.payments.facts import State
from tests.world import World


async def test_a_hold_is_captured_and_a_repeat_answers_the_same(world: World):
    booked = await world.book()
    answers = [await world.call(booked["id"], "capture-payment") for _ in range(3)]
    for answer in answers:
        assert answer.status_code == 200
        assert answer.json() == {"status": "captured", "amount": 9600}
    assert len(world.money_calls("/capture")) == 1


@pytest.mark.parametrize("key", [None, "one"])
async def test_04_a_part_is_captured_once_and_the_rest_goes_back(world: World, key: str | None):
    booked = await world.book()
    for _ in range(2):
        answer = await world.call(booked["id"], "capture-payment", {"amount": 6000}, key)
        assert answer.json() == {"status": "captured", "amount": 6000}
    other = await world.call(booked["id"], "capture-payment", {"amount": 3600})
    assert other.status_code == 409
    assert "$60.00 was captured already" in other.json()["detail"]
    intent = world.intent(booked["stripe_intent_id"])
    assert (intent.status, intent.amount_received) == ("succeeded", 6000)
    assert len(world.money_calls("/capture")) == 1


async def test_one_key_for_two_amounts_is_refused(world: World):
    booked = await world.book()
    await world.call(booked["id"], "capture-payment", {"amount": 6000}, "one")
    other = await world.call(booked["id"], "capture-payment", {"amount": 3600}, "one")
    assert other.status_code == 422


@pytest.mark.parametrize("amount", [9601, 10, 0, -1, 10**30, "60", 60.5, True])
async def test_an_amount_that_can_not_be_captured_is_refused_at_its_field(
    world: World, amount: object
):
    booked = await world.book()
    answer = await world.call(booked["id"], "capture-payment", {"amount": amount})
    assert answer.status_code == 422, answer.text
    assert answer.json()["errors"][0]["field"] == "amount"
    assert (await world.look(booked["id"]))["payment_status"] == "authorized"


async def test_what_is_not_held_is_not_captured(world: World):
    released = await world.book()
    await world.call(released["id"], "cancel", {"by": "staff"})
    declined = (await world.post_booking(payment_method="pm_card_chargeDeclined")).json()
    package = await world.buy_package()
    for booking_id in (released["id"], declined["booking"]["id"], package["id"]):
        answer = await world.call(booking_id, "capture-payment")
        assert answer.status_code == 409
        assert answer.json()["detail"]
    assert world.money_calls("/capture") == []


async def test_03_an_expired_hold_is_refused_clearly(world: World):
    booked = await world.book(timedelta(days=6))
    await world.advance(timedelta(days=7, seconds=1))
    await world.deliver()
    answer = await world.call(booked["id"], "capture-payment")
    assert answer.status_code == 409
    assert "hold ended" in answer.json()["detail"]


@pytest.mark.parametrize("key", [None, "one"])
async def test_15_captures_at_once_are_one_call_to_stripe(world: World, key: str | None):
    booked = await world.book()
    answers = await asyncio.gather(
        *(world.call(booked["id"], "capture-payment", None, key) for _ in range(5))
    )
    assert {answer.status_code for answer in answers} <= {200, 202}
    assert 200 in {answer.status_code for answer in answers}
    assert len(world.money_calls("/capture")) == 1


async def test_10_a_lost_answer_is_asked_for_again_by_a_repeat(world: World):
    booked = await world.book()
    world.sandbox.fault("after", "drop", "/v1/payment_intents/*/capture")
    world.sandbox.fault("before", "500", "/v1/payment_intents/pi_*", method="GET", times=9)
    first = await world.call(booked["id"], "capture-payment")
    assert first.status_code == 202, first.text
    assert first.headers["Retry-After"]
    world.sandbox.control("DELETE", "faults")
    again = await world.call(booked["id"], "capture-payment")
    assert again.json() == {"status": "captured", "amount": 9600}
    assert len(world.money_calls("/capture")) == 1


async def test_a_capture_that_never_arrived_is_sent_again_by_a_repeat(world: World):
    booked = await world.book()
    world.sandbox.fault("before", "500", "/v1/payment_intents/*/capture", times=2)
    assert (await world.call(booked["id"], "capture-payment")).status_code == 202
    world.sandbox.control("DELETE", "faults")
    again = await world.call(booked["id"], "capture-payment")
    assert again.json() == {"status": "captured", "amount": 9600}
    states = [operation.state for operation in await world.operations(booked["id"])]
    assert states == [State.SUCCEEDED, State.SUCCEEDED]
