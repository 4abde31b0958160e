"""A far lesson's card that can't be saved, or never is: it comes to an end, and asks no more."""

import uuid

import pytest

from dashboard import clock
from dashboard.bookings import till
from dashboard.payments import instructions
from dashboard.payments.facts import CardState
from dashboard.payments.tables import Purchase
from tests.bookings.renewing import DAY, HOUR, MINUTE, purchase_of, renew, walk
from tests.world import ANA, World

__all__ = ["renew"]
ASKS_ON_SETUP = "pm_card_authenticationRequiredOnSetup"
DECLINES = "pm_card_visa_chargeDeclined"


async def far(world: World, card: str = "pm_card_visa") -> int:
    starts_at = (clock.now() + 20 * DAY).isoformat()
    answer = await world.post_booking(starts_at=starts_at, payment_method=card)
    return int(answer.json()["booking"]["id"])


async def test_a_card_that_stripe_never_answers_about_is_let_go_a_day_before_the_lesson(
    renew: World,
):
    renew.sandbox.fault("before", "drop", "/v1/setup_intents", times=9999)
    booking_id = await far(renew)
    row = await purchase_of(renew, booking_id)
    assert row.card_state == CardState.WANTED
    await renew.move_to(row.give_up_at - MINUTE)
    await renew.tick()
    row = await purchase_of(renew, booking_id)
    assert row.due_at == row.give_up_at
    await renew.move_to(row.give_up_at + MINUTE)
    await renew.tick()
    assert (await renew.look(booking_id))["status"] == "cancelled"
    assert (await renew.story(booking_id))[-2:] == ["let_go", "cancelled"]


async def test_a_card_whose_booking_is_over_is_asked_about_no_more(renew: World):
    booking_id = await far(renew, ASKS_ON_SETUP)
    await walk(renew, clock.now() + HOUR)
    assert (await renew.look(booking_id))["status"] == "cancelled"
    await renew.advance(HOUR)
    await renew.tick()
    row = await purchase_of(renew, booking_id)
    assert (row.card_due_at, row.due_at) == (None, None)


async def test_a_link_takes_no_more_than_ten_cards_an_hour_also_where_they_are_only_saved(
    renew: World,
):
    booking_id = await far(renew, DECLINES)
    for _ in range(till.MOST_ATTEMPTS - 1):
        await till.pay(await till.find(booking_id), DECLINES, str(uuid.uuid4()))
    found = await till.find(booking_id)
    with pytest.raises(till.TooManyCards):
        await till.pay(found, DECLINES, str(uuid.uuid4()))
    await renew.advance(HOUR + MINUTE)
    await till.pay(await till.find(booking_id), "pm_card_visa", "a")
    assert (await purchase_of(renew, booking_id)).card_state == CardState.SAVED


async def test_a_hold_that_a_person_has_to_decide_about_is_read_when_it_ends(world: World):
    world.sandbox.next_authorization(2 * 24 * 3600)
    booking = await world.book(5 * DAY)
    row = await purchase_of(world, booking["id"])
    await Purchase.update({"policy_override": "alert"}).where(Purchase.id == row.id)
    ends_at = (await world.payment(booking["id"])).authorization_expires_at
    await walk(world, ends_at - HOUR)
    row = await purchase_of(world, booking["id"])
    assert (row.attention, row.due_at) == ("expiring", ends_at)


async def test_a_pause_that_ends_shortly_before_its_hold_is_followed_by_the_capture(world: World):
    world.sandbox.next_authorization(5 * 24 * 3600)
    booking = await world.book(DAY)
    row = await purchase_of(world, booking["id"])
    ends_at = (await world.payment(booking["id"])).authorization_expires_at
    await instructions.pause(row.id, ends_at - 5 * MINUTE, "the student complains", ANA)
    await walk(world, ends_at - HOUR)
    assert (await purchase_of(world, booking["id"])).attention == "paused_past_expiry"
    await walk(world, ends_at - 3 * MINUTE)
    assert (await world.payment(booking["id"])).captured_amount == 9600
