"""The messages about saved cards, holds that are placed later, and renewals."""

from datetime import timedelta

import pytest

from dashboard import clock
from dashboard.bookings import pay_links
from dashboard.payments import instructions
from dashboard.payments.tables import Purchase
from jobs.mail import send_mail
from tests.bookings.renewing import ASKS, DAY, HOUR, MINUTE, purchase_of, take, walk
from tests.mail.conftest import files, states, templates, use
from tests.world import ANA, World

FAR = 20 * DAY


def said(index: int = -1) -> str:
    """The text of an e-mail that was written, the latest unless another is meant."""
    body = files()[index].get_body(("plain",))
    assert body is not None
    return str(body.get_content())


@pytest.fixture
def shop(shop: World) -> World:
    """The shop whose e-mails become files, with EXPIRY_POLICY=renew."""
    use(expiry_policy="renew")
    return shop


async def sent(shop: World) -> list[str]:
    await send_mail()
    return await templates()


async def test_a_far_booking_tells_when_its_card_will_be_held(shop: World):
    booking = await shop.book(FAR)
    assert await sent(shop) == ["planned"]
    assert "Card saved • $96.00 charged after lesson" in said()
    row = await purchase_of(shop, booking["id"])
    await walk(shop, row.hold_due_at + 2 * MINUTE)
    await send_mail()
    await walk(shop, row.capture_due_at + 2 * MINUTE)
    assert await sent(shop) == ["planned", "reserved", "paid"]


async def test_a_card_that_can_not_be_saved_gets_a_link_to_another_one(shop: World):
    far = (clock.now() + FAR).isoformat()
    answer = await shop.post_booking(starts_at=far, payment_method="pm_card_visa_chargeDeclined")
    assert await sent(shop) == ["card_refused"]
    link = pay_links.address(answer.json()["booking"]["id"])
    assert f"Use another card: {link}" in said()
    assert "nothing is booked yet" in said()


async def test_a_card_that_the_bank_wants_confirmed_gets_a_link_and_half_an_hour(shop: World):
    far = (clock.now() + FAR).isoformat()
    card = "pm_card_authenticationRequiredOnSetup"
    answer = await shop.post_booking(starts_at=far, payment_method=card)
    assert await sent(shop) == ["confirm_card"]
    booking_id = answer.json()["booking"]["id"]
    assert f"Confirm your card: {pay_links.address(booking_id)}" in said()
    await walk(shop, clock.now() + 31 * MINUTE)
    assert await sent(shop) == ["confirm_card", "let_go"]
    assert "If it is not confirmed by " in said(0)
    assert "not confirmed within 30 minutes" in said() and "/pay/" not in said()


async def test_a_refused_hold_is_told_each_time_and_at_last_the_end(shop: World):
    booking = await shop.book(FAR, payment_method="pm_card_chargeCustomerFail")
    row = await purchase_of(shop, booking["id"])
    assert await sent(shop) == ["planned"]
    at = row.hold_due_at
    for delay in (timedelta(), HOUR, 4 * HOUR, 8 * HOUR):
        at += delay
        await walk(shop, at + 2 * MINUTE)
        await send_mail()
    assert await templates() == ["planned", *["hold_refused"] * 4]
    assert "We try again on" in said(1) and "We try again on" not in said(4)
    assert pay_links.address(booking["id"]) in said(4)
    await walk(shop, row.give_up_at + 2 * MINUTE)
    assert (await sent(shop))[5:] == ["let_go"]
    assert "could not be reserved on your card in time" in said()


@pytest.mark.parametrize("by", ["student", "instructor"])
@pytest.mark.parametrize("refused", [False, True])
async def test_a_far_lesson_called_off_before_its_hold_is_told_as_never_charged(
    shop: World, by: str, refused: bool
):
    card = "pm_card_chargeCustomerFail" if refused else "pm_card_visa"
    booking = await shop.book(FAR, payment_method=card)
    await send_mail()
    if refused:
        row = await purchase_of(shop, booking["id"])
        await walk(shop, row.hold_due_at + 2 * MINUTE)
        await send_mail()
    answer = await shop.call(booking["id"], "cancel", {"by": by, "reason": "ill"})
    assert answer.status_code == 200
    assert await sent(shop) == ["planned", *["hold_refused"] * refused, "let_go"]
    assert "called off before anything was reserved" in said()
    await walk(shop, clock.now() + 2 * FAR)
    assert (await sent(shop))[2 + refused :] == []


async def test_a_bank_that_wants_the_student_is_told_with_a_link_and_what_follows(shop: World):
    booking = await shop.book(FAR)
    await send_mail()
    row = await purchase_of(shop, booking["id"])
    await take(shop, booking["id"], ASKS)
    await walk(shop, row.hold_due_at + 2 * MINUTE)
    assert await sent(shop) == ["planned", "authenticate"]
    assert f"Confirm the reservation: {pay_links.address(booking['id'])}" in said()
    assert "the lesson is cancelled and nothing is charged" in said()


async def ending(shop: World) -> int:
    """A lesson in five days whose hold ends after two; told by mail."""
    shop.sandbox.next_authorization(2 * 24 * 3600)
    booking = await shop.book(5 * DAY)
    await send_mail()
    return int(booking["id"])


async def test_a_renewal_is_told_and_the_release_of_the_old_hold_is_not(shop: World):
    booking = await ending(shop)
    assert "We renew it during the day before that" in said()
    old = await shop.payment(booking)
    await walk(shop, old.authorization_expires_at - DAY + 2 * MINUTE)
    assert await sent(shop) == ["reserved", "renewed"]
    assert "Only one of them is ever charged" in said()


@pytest.mark.parametrize(
    ("announced", "then"),
    [
        ("capture", "we charge your card shortly before that"),
        ("release", "we give it back shortly before that"),
        ("renew", "we get in touch with you"),
    ],
)
async def test_a_renewal_to_be_confirmed_says_what_comes_otherwise(
    shop: World, announced: str, then: str
):
    booking = await ending(shop)
    row = await purchase_of(shop, booking)
    await Purchase.update({"announced_policy": announced, "policy_override": "renew"}).where(
        Purchase.id == row.id
    )
    old = await shop.payment(booking)
    await take(shop, booking, ASKS)
    await walk(shop, old.authorization_expires_at - DAY + 2 * MINUTE)
    assert await sent(shop) == ["reserved", "authenticate"]
    assert then in said() and pay_links.address(booking) in said()


async def test_a_declined_renewal_is_the_desks_affair(shop: World):
    booking = await ending(shop)
    old = await shop.payment(booking)
    await take(shop, booking, "pm_card_chargeCustomerFail")
    await walk(shop, old.authorization_expires_at - DAY + 2 * MINUTE)
    assert await sent(shop) == ["reserved"]


@pytest.mark.parametrize(
    ("policy", "promise", "end"),
    [
        ("capture", "We charge your card during the day before that", "captured"),
        ("release", "we give it back uncharged", "released"),
        ("renew", "We renew it during the day before that", "authorized"),
        ("alert", "We look after it before that", "authorized"),
    ],
)
async def test_what_the_first_mail_promises_about_the_holds_end_comes_true(
    shop: World, policy: str, promise: str, end: str
):
    use(expiry_policy=policy)
    booking = await ending(shop)
    assert promise in said(0)
    old = await shop.payment(booking)
    await walk(shop, old.authorization_expires_at - DAY + 5 * MINUTE)
    assert (await shop.payment(booking)).payment_status == end
    assert ((await purchase_of(shop, booking)).attention == "expiring") is (policy == "alert")


async def test_pauses_and_chosen_policies_are_no_news_for_the_student(shop: World):
    booking = await ending(shop)
    purchase_id = (await purchase_of(shop, booking)).id
    await instructions.choose_policy(purchase_id, "alert", "a test", ANA)
    await instructions.pause(purchase_id, clock.now() + 9 * DAY, "a test", ANA)
    await instructions.unpause(purchase_id, "a test", ANA)
    assert await sent(shop) == ["reserved"]


async def test_a_renewal_that_staff_chose_says_what_was_announced_and_that_comes_true(shop: World):
    booking = await ending(shop)
    row = await purchase_of(shop, booking)
    await Purchase.update({"announced_policy": "capture", "policy_override": "renew"}).where(
        Purchase.id == row.id
    )
    old = await shop.payment(booking)
    await take(shop, booking, ASKS)
    await walk(shop, old.authorization_expires_at - DAY + 2 * MINUTE)
    assert await sent(shop) == ["reserved", "authenticate"]
    assert "we charge your card shortly before that" in said()
    await walk(shop, old.authorization_expires_at - HOUR)
    assert await sent(shop) == ["reserved", "authenticate", "charged_early"]


async def test_a_renewed_hold_is_not_told_to_be_charged_early_when_it_is_renewed_again(shop: World):
    booking = await ending(shop)
    row = await purchase_of(shop, booking)
    await Purchase.update({"announced_policy": "capture", "policy_override": "renew"}).where(
        Purchase.id == row.id
    )
    shop.sandbox.next_authorization(2 * 24 * 3600)
    old = await shop.payment(booking)
    await walk(shop, old.authorization_expires_at - DAY + 2 * MINUTE)
    assert await sent(shop) == ["reserved", "renewed"]
    assert "We charge your card during" not in said()


async def test_a_card_refused_for_a_renewal_does_not_unbook_the_lesson(shop: World):
    booking = await ending(shop)
    old = await shop.payment(booking)
    await take(shop, booking, ASKS)
    await walk(shop, old.authorization_expires_at - DAY + 2 * MINUTE)
    await send_mail()
    card = {"payment_method": "pm_card_visa_chargeDeclined"}
    assert (await shop.call(booking, "pay", card)).status_code == 402
    assert await sent(shop) == ["reserved", "authenticate", "declined"]
    assert "but the reservation that you have still stands" in said()
    assert "nothing is booked" not in said()


async def test_a_link_is_not_sent_once_another_card_has_paid(shop: World):
    answer = await shop.post_booking(payment_method="pm_card_chargeDeclined")
    booking_id = answer.json()["booking"]["id"]
    await shop.call(booking_id, "pay", {"payment_method": "pm_card_visa"})
    assert await sent(shop) == ["declined", "reserved"]
    assert await states() == ["skipped", "sent"]


async def test_a_bank_is_not_to_be_answered_after_the_booking_was_called_off(shop: World):
    far = (clock.now() + FAR).isoformat()
    card = "pm_card_authenticationRequiredOnSetup"
    answer = await shop.post_booking(starts_at=far, payment_method=card)
    cancelled = {"by": "student", "reason": "ill"}
    await shop.call(answer.json()["booking"]["id"], "cancel", cancelled)
    await sent(shop)
    assert (await templates())[0] == "confirm_card" and (await states())[0] == "skipped"


async def test_a_link_that_comes_after_its_time_is_not_sent(shop: World):
    far = (clock.now() + FAR).isoformat()
    await shop.post_booking(starts_at=far, payment_method="pm_card_authenticationRequiredOnSetup")
    await shop.advance(31 * MINUTE)
    await sent(shop)
    assert (await states())[0] == "skipped"
