"""Holds that would end before their lesson, with EXPIRY_POLICY=renew: a new one takes their place.

At no time are two holds captured; at no time is there none without a trace.
"""

import msgspec
import pytest

from dashboard import clock, settings
from dashboard.payments import instructions
from dashboard.payments.errors import NotAllowed
from dashboard.payments.tables import Payment, PaymentEvent, Purchase
from tests.bookings.renewing import ASKS, DAY, HOUR, MINUTE, purchase_of, renew, take, walk
from tests.world import ANA, World

__all__ = ["renew"]


async def ending(world: World, card: str = "pm_card_visa") -> dict[str, object]:
    """A lesson in five days whose hold ends, by the bank's word, after two."""
    world.sandbox.next_authorization(2 * 24 * 3600)
    return await world.book(5 * DAY, payment_method=card)


async def payments(world: World, booking_id: int) -> list[Payment]:
    return list((await world.books(booking_id)).payments)


async def test_a_hold_that_would_end_is_renewed_and_then_released(renew: World):
    booking = await ending(renew)
    old = await renew.payment(booking["id"])
    await walk(renew, old.authorization_expires_at - DAY + 2 * MINUTE)
    first, second = await payments(renew, booking["id"])
    assert (first.payment_status, first.end_reason) == ("released", "released")
    assert (second.payment_status, second.current, second.renews) == ("authorized", True, first.id)
    intent = renew.intent(second.stripe_intent_id)
    assert intent.latest_charge != first.stripe_charge_id
    released = await PaymentEvent.objects().get(PaymentEvent.kind == "released")
    placed = await PaymentEvent.objects().get(PaymentEvent.payment == second.id)
    assert placed.kind == "authorized" and released.occurred_at >= placed.occurred_at
    row = await purchase_of(renew, booking["id"])
    await walk(renew, row.capture_due_at + 2 * MINUTE)
    assert (await renew.payment(booking["id"])).captured_amount == 9600
    assert len(renew.money_calls("/capture")) == 1
    # Stripe's clock tells whole seconds, so that within one the order is not told.
    told = sorted(await renew.story(booking["id"]))
    assert told == ["authorized", "authorized", "captured", "expiry_decision", "released"]


async def test_a_renewed_hold_is_renewed_again_when_it_ends_too_early_as_well(renew: World):
    booking = await ending(renew)
    old = await renew.payment(booking["id"])
    await walk(renew, old.authorization_expires_at - DAY - MINUTE)
    renew.sandbox.next_authorization(2 * 24 * 3600)
    row = await purchase_of(renew, booking["id"])
    await walk(renew, row.capture_due_at + 2 * MINUTE)
    found = await payments(renew, booking["id"])
    assert [one.payment_status for one in found] == ["released", "released", "captured"]
    assert [one.renews for one in found] == [None, found[0].id, found[1].id]


@pytest.mark.parametrize(("announced", "end"), [("capture", "captured"), ("release", "released")])
async def test_a_renewal_refused_four_times_gives_way_to_what_was_announced(
    renew: World, announced: str, end: str
):
    booking = await ending(renew)
    row = await purchase_of(renew, booking["id"])
    await Purchase.update({"announced_policy": announced, "policy_override": "renew"}).where(
        Purchase.id == row.id
    )
    old = await renew.payment(booking["id"])
    await take(renew, booking["id"], "pm_card_chargeCustomerFail")
    await walk(renew, old.authorization_expires_at - DAY + 14 * HOUR)
    assert (await renew.payment(booking["id"])).id == old.id
    assert (await renew.payment(booking["id"])).end_reason == end
    assert (await renew.story(booking["id"])).count("declined") == 4


async def test_a_renewal_that_fails_where_nothing_else_was_announced_waits_for_a_person(
    renew: World,
):
    booking = await ending(renew)
    old = await renew.payment(booking["id"])
    await take(renew, booking["id"], "pm_card_chargeCustomerFail")
    await walk(renew, old.authorization_expires_at - MINUTE)
    row = await purchase_of(renew, booking["id"])
    assert (row.attention, row.owed) == ("expiring", None)
    await walk(renew, old.authorization_expires_at + 5 * MINUTE)
    row = await purchase_of(renew, booking["id"])
    assert (row.attention, (await renew.payment(booking["id"])).end_reason) == (
        "expired",
        "expired",
    )
    # What expired took nothing: the student can still pay.
    answer = await renew.call(booking["id"], "pay", {"payment_method": "pm_card_mastercard"})
    assert answer.status_code == 200
    assert (await renew.payment(booking["id"])).payment_status == "authorized"


async def test_a_bank_that_asks_leaves_it_to_the_student_and_the_old_hold_stands(renew: World):
    booking = await ending(renew)
    old = await renew.payment(booking["id"])
    await take(renew, booking["id"], ASKS)
    await walk(renew, old.authorization_expires_at - DAY + 10 * HOUR)
    row = await purchase_of(renew, booking["id"])
    assert (row.attention, row.attempts_refused) == ("student_confirms", 1)
    assert (await renew.payment(booking["id"])).id == old.id
    answer = await renew.call(booking["id"], "pay", {"payment_method": "pm_card_visa"})
    assert answer.status_code == 200
    await walk(renew, clock.now() + MINUTE)
    first, _refused, third = await payments(renew, booking["id"])
    assert (first.payment_status, third.payment_status) == ("released", "authorized")
    assert (await purchase_of(renew, booking["id"])).attention is None


async def test_a_bank_that_asks_in_vain_ends_in_what_was_announced_two_hours_before(renew: World):
    booking = await ending(renew)
    row = await purchase_of(renew, booking["id"])
    await Purchase.update({"announced_policy": "capture", "policy_override": "renew"}).where(
        Purchase.id == row.id
    )
    old = await renew.payment(booking["id"])
    await take(renew, booking["id"], ASKS)
    await walk(renew, old.authorization_expires_at - 2 * HOUR - MINUTE)
    assert (await renew.payment(booking["id"])).payment_status == "authorized"
    await walk(renew, old.authorization_expires_at - 2 * HOUR + 2 * MINUTE)
    assert (await renew.payment(booking["id"])).captured_amount == 9600


async def test_a_renewal_that_the_student_begins_and_leaves_is_cancelled_at_stripe(renew: World):
    booking = await ending(renew)
    old = await renew.payment(booking["id"])
    await take(renew, booking["id"], ASKS)
    await walk(renew, old.authorization_expires_at - DAY + HOUR)
    card = {"payment_method": ASKS}
    answer = await renew.call(booking["id"], "pay", card)
    assert answer.status_code == 200
    begun = (await payments(renew, booking["id"]))[-1]
    assert (begun.intent_status, begun.current) == ("requires_action", False)
    await walk(renew, clock.now() + 32 * MINUTE)
    assert renew.intent(begun.stripe_intent_id).status == "canceled"
    assert (await renew.payment(booking["id"])).id == old.id


async def test_the_lost_answer_of_a_renewal_is_neither_a_second_hold_nor_none(renew: World):
    booking = await ending(renew)
    old = await renew.payment(booking["id"])
    await walk(renew, old.authorization_expires_at - DAY - MINUTE)
    renew.sandbox.fault("after", "drop", "/v1/payment_intents")
    await walk(renew, old.authorization_expires_at - DAY + 30 * MINUTE)
    first, second = await payments(renew, booking["id"])
    assert (first.payment_status, second.payment_status) == ("released", "authorized")
    customer = (await purchase_of(renew, booking["id"])).customer
    listed = renew.sandbox.stripe().v1.payment_intents.list({"customer": customer})
    assert sorted(one.status for one in listed.data) == ["canceled", "requires_capture"]


async def test_a_capture_by_hand_while_a_renewal_waits_ends_both(renew: World):
    booking = await ending(renew)
    old = await renew.payment(booking["id"])
    await take(renew, booking["id"], ASKS)
    await walk(renew, old.authorization_expires_at - DAY + HOUR)
    card = {"payment_method": ASKS}
    await renew.call(booking["id"], "pay", card)
    begun = (await payments(renew, booking["id"]))[-1]
    answer = await renew.call(booking["id"], "capture-payment")
    assert answer.status_code == 200, answer.text
    await renew.tick()
    assert renew.intent(begun.stripe_intent_id).status == "canceled"
    assert (await renew.payment(booking["id"])).captured_amount == 9600


@pytest.mark.parametrize("later", ["alert", "release", "renew"])
async def test_a_shop_that_changes_its_policy_keeps_what_it_announced(world: World, later: str):
    world.sandbox.next_authorization(2 * 24 * 3600)
    booking = await world.book(6 * DAY)
    settings.use(msgspec.structs.replace(settings.current(), expiry_policy=later))
    old = await world.payment(booking["id"])
    await walk(world, old.authorization_expires_at - DAY + 2 * MINUTE)
    assert (await world.payment(booking["id"])).captured_amount == 9600
    purchase_id = (await purchase_of(world, booking["id"])).id
    with pytest.raises(NotAllowed, match="not_pausable"):
        await instructions.choose_policy(purchase_id, "renew", "a test", ANA)


@pytest.mark.parametrize("policy", ["capture", "release", "alert"])
async def test_staff_can_choose_another_policy_for_one_hold(renew: World, policy: str):
    booking = await ending(renew)
    purchase_id = (await purchase_of(renew, booking["id"])).id
    await instructions.choose_policy(purchase_id, policy, "asked by phone", ANA)
    old = await renew.payment(booking["id"])
    await walk(renew, old.authorization_expires_at - DAY + 2 * MINUTE)
    payment, row = await renew.payment(booking["id"]), await purchase_of(renew, booking["id"])
    assert (payment.payment_status, row.attention) == {
        "capture": ("captured", None),
        "release": ("released", None),
        "alert": ("authorized", "expiring"),
    }[policy]
    told = await PaymentEvent.objects().get(PaymentEvent.kind == "policy_chosen")
    assert (told.actor, told.reason) == ("Ana", "asked by phone")


async def test_a_pause_holds_back_the_capture_and_needs_a_policy_beyond_the_end(world: World):
    world.sandbox.next_authorization(5 * 24 * 3600)
    booking = await world.book(DAY)
    purchase_id = (await purchase_of(world, booking["id"])).id
    now = clock.now()
    with pytest.raises(NotAllowed, match="needs_policy"):
        await instructions.pause(purchase_id, now + 6 * DAY, "the student complains", ANA)
    with pytest.raises(NotAllowed, match="until_past"):
        await instructions.pause(purchase_id, now, "the student complains", ANA)
    await instructions.pause(purchase_id, now + 3 * DAY, "the student complains", ANA)
    await walk(world, now + 3 * DAY - MINUTE)
    assert (await world.payment(booking["id"])).payment_status == "authorized"
    await walk(world, now + 3 * DAY + 2 * MINUTE)
    assert (await world.payment(booking["id"])).captured_amount == 9600
    assert await world.story(booking["id"]) == ["authorized", "paused", "captured"]


async def test_a_chosen_policy_acts_at_the_end_of_a_hold_above_a_longer_pause(world: World):
    world.sandbox.next_authorization(5 * 24 * 3600)
    booking = await world.book(DAY)
    purchase_id = (await purchase_of(world, booking["id"])).id
    now, old = clock.now(), await world.payment(booking["id"])
    await instructions.choose_policy(purchase_id, "release", "rather lose it", ANA)
    await instructions.pause(purchase_id, now + 9 * DAY, "the student complains", ANA)
    await walk(world, old.authorization_expires_at - DAY - MINUTE)
    assert (await world.payment(booking["id"])).payment_status == "authorized"
    await walk(world, old.authorization_expires_at - DAY + 2 * MINUTE)
    assert (await world.payment(booking["id"])).payment_status == "released"


async def test_a_pause_that_is_ended_lets_the_capture_go_on(world: World):
    booking = await world.book(DAY)
    purchase_id = (await purchase_of(world, booking["id"])).id
    await instructions.pause(purchase_id, clock.now() + 4 * DAY, "the student complains", ANA)
    await walk(world, clock.now() + 2 * DAY)
    assert (await world.payment(booking["id"])).payment_status == "authorized"
    await instructions.unpause(purchase_id, "cleared up", ANA)
    await world.tick()
    assert (await world.payment(booking["id"])).captured_amount == 9600
    with pytest.raises(NotAllowed, match="not_paused"):
        await instructions.unpause(purchase_id, "once more", ANA)
