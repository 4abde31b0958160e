"""A hold has ended by itself, or is about to, and the student is asked to pay again.

Whatever becomes of that attempt, a lesson that was confirmed is never free by silence.
"""

from datetime import timedelta
from typing import Any

import pytest

from dashboard import clock
from dashboard.payments.tables import Payment, Purchase
from tests.bookings.renewing import ASKS, DAY, HOUR, MINUTE, purchase_of, renew, take, walk
from tests.world import World

__all__ = ["renew"]
DECLINES = "pm_card_chargeDeclined"


async def expired(world: World, starts_in: timedelta = 5 * DAY) -> Any:
    """A confirmed lesson whose hold has ended by itself, after two days."""
    world.sandbox.next_authorization(2 * 24 * 3600)
    booking = await world.book(starts_in)
    row = await purchase_of(world, booking["id"])
    await Purchase.update({"policy_override": "alert"}).where(Purchase.id == row.id)
    await walk(world, clock.now() + 2 * DAY + 5 * MINUTE)
    assert (await world.payment(booking["id"])).end_reason == "expired"
    return booking


async def pay(world: World, booking_id: int, card: str) -> int:
    answer = await world.call(booking_id, "pay", {"payment_method": card})
    return answer.status_code


@pytest.mark.parametrize("card", [DECLINES, ASKS])
async def test_an_attempt_that_comes_to_nothing_leaves_the_lesson_with_a_person(
    world: World, card: str
):
    booking = await expired(world)
    assert (await purchase_of(world, booking["id"])).attention == "expired"
    await pay(world, booking["id"], card)
    row = await purchase_of(world, booking["id"])
    await walk(world, row.capture_due_at + DAY)
    row = await purchase_of(world, booking["id"])
    assert (row.owed, row.attention) == (None, "expired")
    assert (await world.look(booking["id"]))["status"] == "confirmed"
    # Nothing is left open at Stripe, and the student can still pay.
    listed = world.sandbox.stripe().v1.payment_intents.list({"customer": row.customer})
    assert "requires_action" not in {one.status for one in listed.data}
    assert await pay(world, booking["id"], "pm_card_mastercard") == 200
    await world.tick()
    assert (await world.payment(booking["id"])).captured_amount == 9600
    assert (await purchase_of(world, booking["id"])).attention is None


async def test_a_late_cancellation_costs_its_fee_also_after_a_card_was_declined(world: World):
    booking = await expired(world)
    await pay(world, booking["id"], DECLINES)
    await world.move_to((await purchase_of(world, booking["id"])).capture_due_at - 4 * HOUR)
    await world.call(booking["id"], "cancel", {"by": "student", "reason": "late"})
    row = await purchase_of(world, booking["id"])
    assert (row.owed, (await world.look(booking["id"]))["clause"]) == (4800, "student_late")
    assert row.attention == "underpaid"


async def test_two_tabs_that_renew_a_hold_make_one_attempt(renew: World):
    renew.sandbox.next_authorization(2 * 24 * 3600)
    booking = await renew.book(5 * DAY)
    old = await renew.payment(booking["id"])
    await take(renew, booking["id"], ASKS)
    await walk(renew, old.authorization_expires_at - DAY + HOUR)
    await pay(renew, booking["id"], ASKS)
    await pay(renew, booking["id"], ASKS)
    begun = await Payment.count().where(Payment.intent_status == "requires_action")
    assert begun == 1


async def test_a_far_lesson_waits_for_its_student_until_a_day_before_it(renew: World):
    booking = await renew.book(20 * DAY)
    row = await purchase_of(renew, booking["id"])
    await take(renew, booking["id"], ASKS)
    await walk(renew, row.hold_due_at + HOUR)
    await pay(renew, booking["id"], ASKS)
    begun = await renew.payment(booking["id"])
    assert begun.intent_status == "requires_action"
    await walk(renew, clock.now() + HOUR)
    # The window of the bank was closed: it is cancelled there, and the lesson is still on.
    assert renew.intent(begun.stripe_intent_id).status == "canceled"
    assert (await renew.look(booking["id"]))["status"] == "confirmed"
    assert (await purchase_of(renew, booking["id"])).attention == "student_confirms"
    assert await pay(renew, booking["id"], "pm_card_visa") == 200
    assert (await renew.payment(booking["id"])).payment_status == "authorized"


async def test_a_far_lesson_whose_student_never_comes_is_let_go_a_day_before_it(renew: World):
    booking = await renew.book(20 * DAY)
    row = await purchase_of(renew, booking["id"])
    await take(renew, booking["id"], ASKS)
    await walk(renew, row.give_up_at - 10 * MINUTE)
    await pay(renew, booking["id"], ASKS)
    await walk(renew, row.give_up_at + 15 * MINUTE)
    # They have the half hour that everybody has to confirm.
    assert (await renew.look(booking["id"]))["status"] == "confirmed"
    await walk(renew, row.give_up_at + HOUR)
    assert (await renew.look(booking["id"]))["status"] == "cancelled"
    listed = renew.sandbox.stripe().v1.payment_intents.list({"customer": row.customer})
    assert {one.status for one in listed.data} == {"canceled"}
