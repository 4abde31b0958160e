"""Holds that are placed without the student, and whose answer is lost, late, or overtaken."""

import asyncio
from typing import Any

import pytest

from dashboard import clock
from dashboard.payments import instructions, settle
from dashboard.payments.errors import Busy
from dashboard.payments.resume import give_up
from tests.bookings.renewing import DAY, HOUR, MINUTE, purchase_of, renew, walk
from tests.world import ANA, World

__all__ = ["renew"]
CREATE = "/v1/payment_intents"


async def renewing(world: World, when: str, times: int = 1) -> Any:
    """A lesson whose hold is being renewed; the answer to that is lost."""
    world.sandbox.next_authorization(2 * 24 * 3600)
    booking = await world.book(5 * DAY)
    ends_at = (await world.payment(booking["id"])).authorization_expires_at
    world.sandbox.fault(when, "drop", CREATE, times=times)
    await world.move_to(ends_at - DAY + MINUTE)
    await world.tick(1)
    return booking


async def at_stripe(world: World, booking_id: int) -> list[str]:
    customer = (await purchase_of(world, booking_id)).customer
    listed = world.sandbox.stripe().v1.payment_intents.list({"customer": customer}).data
    return [one.status for one in listed]


async def later(world: World, booking_id: int) -> None:
    await world.move_to(clock.now() + HOUR)
    await world.tick()


async def test_nothing_else_begins_while_a_renewal_has_no_answer(renew: World):
    booking = await renewing(renew, "after")
    purchase_id = (await purchase_of(renew, booking["id"])).id
    assert (await renew.call(booking["id"], "capture-payment")).status_code == 409
    with pytest.raises(Busy):
        await instructions.pause(purchase_id, clock.now() + HOUR, "wait", ANA)
    with pytest.raises(Busy):
        await instructions.choose_policy(purchase_id, "release", "rather not", ANA)
    # A decision is no movement: it stands, and both holds go back.
    await renew.call(booking["id"], "cancel", {"by": "student", "reason": "ill"})
    await later(renew, booking["id"])
    assert await at_stripe(renew, booking["id"]) == ["canceled", "canceled"]
    assert sorted(await renew.story(booking["id"]))[:2] == ["authorized", "authorized"]
    assert (await renew.story(booking["id"])).count("released") == 2
    assert (await purchase_of(renew, booking["id"])).due_at is None


@pytest.mark.parametrize("when", ["before", "after"])
async def test_a_renewal_without_an_answer_for_a_day_is_one_hold_or_a_persons(
    renew: World, when: str
):
    booking = await renewing(renew, when, times=9999)
    renew.sandbox.webhooks("drop")
    for _ in range(13):
        await renew.move_to(clock.now() + 2 * HOUR)
        await renew.tick(1)
    renew.sandbox.control("DELETE", "faults")
    await later(renew, booking["id"])
    row = await purchase_of(renew, booking["id"])
    states = (await at_stripe(renew, booking["id"]))[::-1]
    if when == "after":
        assert (row.attention, states) == (None, ["canceled", "requires_capture"])
        assert (await renew.payment(booking["id"])).payment_status == "authorized"
        return
    assert (row.attention, states) == ("stalled", ["canceled"])
    operation = (await renew.operations(booking["id"]))[-1]
    await give_up(operation.id, "Ana", "not in Stripe")
    await renew.tick()
    assert (await purchase_of(renew, booking["id"])).attention == "expired"
    answer = await renew.call(booking["id"], "pay", {"payment_method": "pm_card_visa"})
    assert (answer.status_code, (await renew.look(booking["id"]))["status"]) == (200, "confirmed")


async def test_workers_and_tabs_that_renew_at_once_place_one_hold(renew: World):
    renew.sandbox.next_authorization(2 * 24 * 3600)
    booking = await renew.book(5 * DAY)
    row = await purchase_of(renew, booking["id"])
    ends_at = (await renew.payment(booking["id"])).authorization_expires_at
    await renew.move_to(ends_at - DAY + MINUTE)
    card = {"payment_method": "pm_card_mastercard"}
    await asyncio.gather(
        *(settle.settle(row.id) for _ in range(4)),
        *(renew.call(booking["id"], "pay", card) for _ in range(2)),
    )
    await later(renew, booking["id"])
    assert sorted(await at_stripe(renew, booking["id"])) == ["canceled", "requires_capture"]


async def test_a_far_lesson_cancelled_while_its_hold_has_no_answer_holds_nothing(renew: World):
    booking = await renew.book(20 * DAY)
    row = await purchase_of(renew, booking["id"])
    renew.sandbox.fault("after", "drop", CREATE)
    await renew.move_to(row.hold_due_at + MINUTE)
    await renew.tick(1)
    await renew.call(booking["id"], "cancel", {"by": "student", "reason": "ill"})
    assert await at_stripe(renew, booking["id"]) == ["requires_capture"]
    await later(renew, booking["id"])
    assert await at_stripe(renew, booking["id"]) == ["canceled"]
    assert (await renew.look(booking["id"]))["status"] == "cancelled"
    assert (await renew.payment(booking["id"])).end_reason == "released"


async def test_a_far_lesson_is_not_held_before_its_time_and_held_when_it_comes(renew: World):
    booking = await renew.book(20 * DAY)
    row = await purchase_of(renew, booking["id"])
    for card in ("pm_card_chargeDeclined", "pm_card_visa"):
        answer = await renew.call(booking["id"], "pay", {"payment_method": card})
        assert answer.status_code == 409
    await walk(renew, row.hold_due_at + MINUTE)
    await renew.tick()
    assert (await renew.payment(booking["id"])).payment_status == "authorized"
