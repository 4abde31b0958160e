"""Lessons that are farther away than a hold can live, with EXPIRY_POLICY=renew."""

import asyncio
from collections import Counter
from datetime import timedelta

import pytest

from dashboard import clock, settings
from dashboard.bookings import settling
from dashboard.payments import cards, horizon
from dashboard.payments.facts import CardState
from dashboard.payments.tables import PaymentEvent
from tests.bookings.renewing import ASKS, DAY, HOUR, MINUTE, purchase_of, renew, take, walk
from tests.world import World

__all__ = ["renew"]
FAR = 20 * DAY


def setups(world: World) -> list[str]:
    return [row["path"] for row in world.money_calls("/setup_intents")]


async def test_a_far_lesson_saves_the_card_and_holds_nothing_until_the_hold_will_last(renew: World):
    booking = await renew.book(FAR)
    row = await purchase_of(renew, booking["id"])
    assert (booking["status"], row.card_state) == ("confirmed", CardState.SAVED)
    assert row.hold_due_at == row.capture_due_at - (horizon.MERCHANT_LIFE - horizon.SPARE)
    assert renew.money_calls("/payment_intents") == []
    await walk(renew, row.hold_due_at - MINUTE)
    assert renew.money_calls("/payment_intents") == []
    await walk(renew, row.hold_due_at + 2 * MINUTE)
    held = await renew.payment(booking["id"])
    assert (held.payment_status, held.authorized_amount) == ("authorized", 9600)
    # A hold of the merchant's own making lives for 4 d 18 h, and outlasts the capture by a day.
    assert held.authorization_expires_at - held.authorized_at == horizon.MERCHANT_LIFE
    await walk(renew, row.capture_due_at + 2 * MINUTE)
    assert (await renew.payment(booking["id"])).captured_amount == 9600
    assert await renew.story(booking["id"]) == ["card_saved", "authorized", "captured"]
    assert (await renew.look(booking["id"]))["status"] == "completed"


async def test_a_far_booking_says_when_its_card_will_be_held(renew: World):
    answer = await renew.post_booking(starts_at=(clock.now() + FAR).isoformat())
    told = answer.json()["payment"]
    row = await purchase_of(renew, answer.json()["booking"]["id"])
    assert (answer.status_code, told["status"]) == (201, "pending")
    assert told["message"].startswith("Card saved • $96.00 is reserved ")
    assert told["hold_due_at"][:16] == row.hold_due_at.isoformat()[:16]


async def test_a_lesson_that_a_hold_outlives_is_held_at_once(renew: World):
    booking = await renew.book(5 * DAY)
    assert (await renew.payment(booking["id"])).payment_status == "authorized"
    assert setups(renew) == []


@pytest.mark.parametrize("policy", ["capture", "release", "alert"])
async def test_no_card_is_saved_where_holds_are_not_renewed(world: World, policy: str):
    import msgspec

    settings.use(msgspec.structs.replace(settings.current(), expiry_policy=policy))
    booking = await world.book(FAR)
    row = await purchase_of(world, booking["id"])
    assert (row.saves_card, row.hold_due_at, row.announced_policy) == (False, None, policy)
    assert (await world.payment(booking["id"])).payment_status == "authorized"


async def test_a_card_that_can_not_be_saved_books_nothing_and_another_one_can_be_tried(
    renew: World,
):
    far = (clock.now() + FAR).isoformat()
    refused = await renew.post_booking(starts_at=far, payment_method="pm_card_visa_chargeDeclined")
    booking_id = refused.json()["booking"]["id"]
    assert (refused.status_code, refused.json()["booking"]["status"]) == (402, "pending")
    again = await renew.call(booking_id, "pay", {"payment_method": "pm_card_mastercard"})
    assert (again.status_code, again.json()["booking"]["status"]) == (200, "confirmed")
    assert await renew.story(booking_id) == ["card_refused", "card_saved"]
    row = await purchase_of(renew, booking_id)
    await walk(renew, row.hold_due_at + 2 * MINUTE)
    assert (await renew.payment(booking_id)).payment_status == "authorized"


async def test_the_bank_can_ask_the_student_to_confirm_the_card(renew: World):
    far = (clock.now() + FAR).isoformat()
    card = "pm_card_authenticationRequiredOnSetup"
    answer = await renew.post_booking(starts_at=far, payment_method=card)
    booking_id, told = answer.json()["booking"]["id"], answer.json()["payment"]
    assert (answer.status_code, told["confirm"]) == (201, "card")
    row = await purchase_of(renew, booking_id)
    assert told["client_secret"].startswith(f"{row.setup_intent_id}_secret_")
    renew.sandbox.control(
        "POST", f"setup_intents/{row.setup_intent_id}/authenticate", {"result": "success"}
    )
    await renew.deliver()
    assert (await renew.look(booking_id))["status"] == "confirmed"
    await walk(renew, row.hold_due_at + 2 * MINUTE)
    assert (await renew.payment(booking_id)).payment_status == "authorized"


async def test_a_card_that_is_confirmed_without_any_webhook_is_seen_by_the_sweep(renew: World):
    far = (clock.now() + FAR).isoformat()
    card = "pm_card_authenticationRequiredOnSetup"
    answer = await renew.post_booking(starts_at=far, payment_method=card)
    row = await purchase_of(renew, answer.json()["booking"]["id"])
    renew.sandbox.control(
        "POST", f"setup_intents/{row.setup_intent_id}/authenticate", {"result": "success"}
    )
    await renew.advance(6 * MINUTE)
    await renew.tick()
    assert (await renew.look(answer.json()["booking"]["id"]))["status"] == "confirmed"


async def test_a_card_that_nobody_confirms_lets_the_booking_go_after_30_minutes(renew: World):
    far = (clock.now() + FAR).isoformat()
    card = "pm_card_authenticationRequiredOnSetup"
    answer = await renew.post_booking(starts_at=far, payment_method=card)
    booking_id = answer.json()["booking"]["id"]
    await walk(renew, clock.now() + 31 * MINUTE)
    await renew.tick()
    assert (await renew.look(booking_id))["status"] == "cancelled"
    assert (await renew.payment(booking_id)).payment_status == "failed"
    assert "let_go" in await renew.story(booking_id)
    # The student comes back too late: nothing is held, and the booking stays cancelled.
    row = await purchase_of(renew, booking_id)
    renew.sandbox.control(
        "POST", f"setup_intents/{row.setup_intent_id}/authenticate", {"result": "success"}
    )
    await renew.deliver()
    assert (await renew.look(booking_id))["status"] == "cancelled"
    assert renew.money_calls("/payment_intents") == []


async def test_a_lost_answer_to_the_saving_of_a_card_is_asked_for_again(renew: World):
    for _ in range(3):
        renew.sandbox.fault("after", "drop", "/v1/setup_intents")
    answer = await renew.post_booking(key="k", starts_at=(clock.now() + FAR).isoformat())
    booking_id = answer.json()["booking"]["id"]
    assert (answer.status_code, answer.json()["booking"]["status"]) == (202, "pending")
    await renew.advance(2 * MINUTE)
    await renew.tick()
    assert (await renew.look(booking_id))["status"] == "confirmed"
    assert await renew.story(booking_id) == ["card_saved"]


async def test_a_card_is_saved_though_the_process_died_after_the_booking(
    renew: World, monkeypatch: pytest.MonkeyPatch
):
    async def died(purchase_id: int) -> None:
        """The process is gone before Stripe is asked."""

    with monkeypatch.context() as gone:
        gone.setattr(settling, "save_card", died)
        answer = await renew.post_booking(starts_at=(clock.now() + FAR).isoformat())
    assert answer.status_code == 202
    await renew.tick()
    assert (await renew.look(answer.json()["booking"]["id"]))["status"] == "confirmed"


async def test_two_that_save_one_card_at_once_save_it_once(
    renew: World, monkeypatch: pytest.MonkeyPatch
):
    async def died(purchase_id: int) -> None:
        """The process is gone before Stripe is asked."""

    with monkeypatch.context() as gone:
        gone.setattr(settling, "save_card", died)
        answer = await renew.post_booking(starts_at=(clock.now() + FAR).isoformat())
    purchase_id = (await purchase_of(renew, answer.json()["booking"]["id"])).id
    await asyncio.gather(*(cards.save(purchase_id) for _ in range(4)))
    saved = await PaymentEvent.count().where(PaymentEvent.kind == "card_saved")
    assert saved == 1


async def test_a_refused_hold_is_tried_four_times_and_let_go_a_day_before_the_lesson(renew: World):
    booking = await renew.book(FAR, payment_method="pm_card_chargeCustomerFail")
    row = await purchase_of(renew, booking["id"])
    starts_at = row.give_up_at + 24 * HOUR
    at = row.hold_due_at
    for count, delay in enumerate((timedelta(), HOUR, 4 * HOUR, 8 * HOUR), start=1):
        at += delay
        await walk(renew, at + 2 * MINUTE)
        row = await purchase_of(renew, booking["id"])
        assert (row.attempts_refused, row.attention) == (count, "hold_refused")
        assert (await renew.look(booking["id"]))["status"] == "confirmed"
    await walk(renew, starts_at - 24 * HOUR - MINUTE)
    assert (await purchase_of(renew, booking["id"])).attempts_refused == 4
    assert (await renew.look(booking["id"]))["status"] == "confirmed"
    await walk(renew, starts_at - 24 * HOUR + 2 * MINUTE)
    row = await purchase_of(renew, booking["id"])
    assert (row.owed, row.attention) == (0, None)
    assert (await renew.look(booking["id"]))["status"] == "cancelled"
    # The four intents could still take another card: they are closed at Stripe as well.
    told = Counter(await renew.story(booking["id"]))
    assert told == {"card_saved": 1, "declined": 4, "let_go": 1, "cancelled": 4}
    listed = renew.sandbox.stripe().v1.payment_intents.list({"customer": row.customer})
    assert {intent.status for intent in listed.data} == {"canceled"}


async def test_a_student_whose_bank_asks_finishes_the_hold_themselves(renew: World):
    booking = await renew.book(FAR)
    row = await purchase_of(renew, booking["id"])
    await take(renew, booking["id"], ASKS)
    await walk(renew, row.hold_due_at + 12 * HOUR)
    row = await purchase_of(renew, booking["id"])
    assert (row.attempts_refused, row.attention) == (1, "student_confirms")
    answer = await renew.call(booking["id"], "pay", {"payment_method": "pm_card_visa"})
    assert answer.status_code == 200
    row = await purchase_of(renew, booking["id"])
    assert (await renew.payment(booking["id"])).payment_status == "authorized"
    assert row.attempts_refused == 0
    await walk(renew, row.capture_due_at + 2 * MINUTE)
    assert (await renew.payment(booking["id"])).captured_amount == 9600


async def test_a_far_lesson_that_is_cancelled_before_its_hold_asks_nothing_of_the_card(
    renew: World,
):
    booking = await renew.book(FAR)
    await renew.call(booking["id"], "cancel", {"by": "student", "reason": "ill"})
    row = await purchase_of(renew, booking["id"])
    await walk(renew, row.capture_due_at + DAY)
    assert renew.money_calls("/payment_intents") == []
    payment = await renew.payment(booking["id"])
    assert (payment.payment_status, row.owed) == ("failed", 0)
    assert await renew.story(booking["id"]) == ["card_saved", "let_go", "cancelled"]
