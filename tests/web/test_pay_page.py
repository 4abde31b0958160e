"""The student's page: what it shows in each state, and that its address is its only right."""

import logging
import uuid
from datetime import timedelta
from zoneinfo import ZoneInfo

import msgspec
import pytest

from dashboard import clock, formats, settings
from dashboard.audit.tables import AuditEntry
from dashboard.bookings import pay_links
from tests.bookings.renewing import renew, take, walk
from tests.bookings.test_renewals import ending
from tests.web.desk import HTML, text
from tests.web.paying import ASKS, DECLINED, HALF_HOUR, Student, stage, student
from tests.world import World

__all__ = ["renew"]
DAY = timedelta(days=1)


async def test_a_declined_student_pays_on_another_card_by_the_link(world: World):
    maya = await student(world, DECLINED)
    page = await maya.read()
    assert "Your card was not charged" in page
    assert "Your card was declined. Nothing was taken." in page
    assert "Piano lesson with Teacher usd" in page and "$96.00" in page
    answer = await maya.pay()
    assert (answer.status_code, answer.headers["location"]) == (303, maya.path)
    page = await maya.read()
    assert "You’re all set $96.00 is reserved on your card, and not charged yet." in page
    assert (await world.look(maya.booking_id))["status"] == "confirmed"


async def test_the_times_are_those_of_the_student(world: World):
    starts_at = clock.now() + 2 * DAY
    maya = await student(
        world, DECLINED, starts_at=starts_at.isoformat(), student={"time_zone": "Asia/Tokyo"}
    )
    assert formats.moment(starts_at, ZoneInfo("Asia/Tokyo")) in await maya.read()


async def test_a_second_decline_says_so_with_a_fresh_form(world: World):
    maya = await student(world, DECLINED)
    first = await maya.key()
    await maya.pay("pm_card_chargeDeclinedInsufficientFunds", first)
    page = await maya.read()
    assert "Your card has insufficient funds." in page
    assert await maya.key() != first


async def test_the_bank_is_answered_on_the_page(world: World):
    maya = await student(world, ASKS)
    assert "Your bank asks you to confirm" in await maya.read()
    assert (await maya.answer()).status_code == 303
    assert await maya.stage() == "set"


async def test_a_failed_confirmation_takes_nothing_and_another_card_can_be_used(world: World):
    maya = await student(world, ASKS)
    await maya.answer("failure")
    assert "Your card was not charged" in await maya.read()
    await maya.pay()
    assert await maya.stage() == "set"


async def test_an_outcome_that_is_not_known_is_asked_for_and_never_paid_twice(world: World):
    maya = await student(world, DECLINED)
    key = await maya.key()
    world.sandbox.fault("after", "drop", "/v1/payment_intents", times=3)
    world.sandbox.fault("before", "500", "/v1/payment_intents", times=1, method="GET")
    await maya.pay(key=key)
    page = await maya.look()
    assert stage(page) == "unknown"
    assert '<noscript><meta http-equiv="refresh" content="5"></noscript>' in page.text
    # Another tab, whose form is older: nothing new is made.
    await maya.pay(key=str(uuid.uuid4()))
    world.sandbox.control("DELETE", "faults")
    await world.advance(timedelta(minutes=1))
    await maya.send(do="ask")
    await world.tick()
    assert await maya.stage() == "set"
    held = [row for row in (await maya.books()).payments if row.payment_status == "authorized"]
    assert len(held) == 1


async def test_a_package_says_that_it_is_charged_at_once(world: World):
    body = {"is_package": True, "package_id": world.catalog.package}
    maya = await student(world, DECLINED, **body)
    page = await maya.read()
    assert "What Five lessons Lessons 5" in page and "Pay $420.00" in page
    await maya.pay()
    assert "$420.00 is paid." in await maya.read()


async def test_a_far_lesson_saves_the_card_and_says_when_it_is_reserved(renew: World):
    far = {"starts_at": (clock.now() + 20 * DAY).isoformat()}
    maya = await student(renew, DECLINED, **far)
    page = await maya.read()
    assert "Your card could not be saved" in page and "Save this card" in page
    await maya.pay()
    page = await maya.read()
    assert "Your card is saved. Nothing is taken or reserved yet." in page
    assert "$96.00 reserved on your card" in page
    assert renew.money_calls("/payment_intents") == []


async def test_saving_a_card_can_be_confirmed_on_the_page(renew: World):
    maya = await student(renew, ASKS, starts_at=(clock.now() + 20 * DAY).isoformat())
    assert "whose card is saved" in await maya.read()
    await maya.answer()
    assert await maya.stage() == "set"


async def test_a_renewal_that_needs_the_student_is_made_on_the_page_and_replaces_the_old_hold(
    renew: World,
):
    booked = await ending(renew)
    maya, old = Student(renew, booked["id"]), await renew.payment(booked["id"])
    assert await maya.stage() == "set"
    await take(renew, maya.booking_id, ASKS)
    await walk(renew, old.authorization_expires_at - DAY + timedelta(hours=1))
    page = await maya.read()
    assert "Your bank asks you to confirm" in page and "The card that you saved" in page
    await maya.pay("saved")
    assert "The old one stands until then; nothing is charged twice." in await maya.read()
    told = (
        await renew.client.get(f"/bookings/{booked['id']}", headers=await renew.rights())
    ).json()
    assert told["payment"]["confirm"] == "renewal" and told["payment"]["client_secret"]
    await maya.answer()
    await renew.deliver()
    assert await maya.stage() == "set"
    new = await renew.payment(maya.booking_id)
    first = (await maya.books()).payments[0]
    assert (new.renews, new.payment_status) == (old.id, "authorized")
    assert (first.id, first.payment_status) == (old.id, "released")


async def test_a_renewal_that_fails_on_the_page_leaves_the_old_hold_and_says_why(renew: World):
    booked = await ending(renew)
    maya, old = Student(renew, booked["id"]), await renew.payment(booked["id"])
    await take(renew, maya.booking_id, "pm_card_chargeCustomerFail")
    await walk(renew, old.authorization_expires_at - DAY + timedelta(hours=1))
    assert "Your reservation could not be renewed" in await maya.read()
    await maya.pay("pm_card_chargeDeclinedInsufficientFunds")
    assert "Your card has insufficient funds." in await maya.read()
    assert (await renew.payment(maya.booking_id)).id == old.id
    answer = await renew.call(maya.booking_id, "pay", {"payment_method": DECLINED})
    assert answer.status_code == 402, answer.text
    assert answer.json()["detail"].startswith("Card not charged: Your card was declined.")
    await maya.pay()
    await renew.deliver()
    assert await maya.stage() == "set"
    assert (await renew.payment(maya.booking_id)).renews == old.id


async def test_after_a_cancellation_there_is_nothing_to_pay_and_no_form(world: World):
    maya = await student(world, DECLINED)
    key = await maya.key()
    await maya.cancel()
    answer = await maya.pay(key=key)
    assert answer.status_code == 303
    page = await maya.look()
    assert stage(page) == "over" and "<form" not in page.text
    assert "nothing is owed for it any more" in text(page)
    assert all(row.payment_status != "authorized" for row in (await maya.books()).payments)


async def test_the_page_names_no_person_and_no_card(world: World):
    maya = await student(world, DECLINED)
    before = await maya.look()
    await maya.pay()
    for page in (before, await maya.look()):
        for private in ("Maya", "example.test", "pi_", "cus_"):
            assert private not in page.text


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("wrong", ["nonsense", "41", "other", "gone"])
async def test_a_wrong_address_opens_nothing_and_tells_nothing(
    world: World, method: str, wrong: str
):
    maya = await student(world, DECLINED)
    token = {
        "other": pay_links.token(maya.booking_id)[:-1] + "x",
        "gone": pay_links.token(999_999),
    }.get(wrong, wrong)
    answers = [
        await world.client.request(method, f"/pay/{token}", headers=headers, data={"do": "pay"})
        for headers in (HTML, {"Accept": "application/json"})
    ]
    for answer in answers:
        assert answer.status_code == 404
        assert "There is nothing here" in text(answer) and token not in text(answer)


async def test_the_page_is_kept_out_of_caches_indexes_and_referrers(world: World):
    maya = await student(world, DECLINED)
    away = await world.client.get("/pay/nothing", headers=HTML)
    for answer in (await maya.look(), await maya.send(do="ask"), away):
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert "noindex" in answer.headers["x-robots-tag"]


async def test_the_address_is_in_no_log_line_and_not_in_the_audit(
    world: World, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
):
    maya = await student(world, DECLINED)
    with caplog.at_level(logging.DEBUG, logger="dashboard"):
        await maya.pay()
        await maya.send(do="answer", result="success")
        await world.client.put(maya.path)
    said = caplog.text + "".join(capfd.readouterr())
    assert "payment.authorize" in said
    assert pay_links.token(maya.booking_id) not in said
    rows = await AuditEntry.select(AuditEntry.subject, AuditEntry.detail)
    assert pay_links.token(maya.booking_id) not in str(rows)


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"payment_method": ""}, "Choose a card."),
        ({"payment_method": "pm_nobody"}, "Choose a card."),
        ({"payment_method": 'pm_card_visa"'}, "Choose a card."),
        ({"payment_method": "saved"}, "Choose a card."),
        ({"key": ""}, "Load the page again."),
        ({"key": "x" * 400}, "Load the page again."),
    ],
)
async def test_a_form_that_is_not_whole_is_refused_and_pays_nothing(world: World, fields, says):
    maya = await student(world, DECLINED)
    before = len(world.money_calls("/payment_intents"))
    good = {"do": "pay", "payment_method": "pm_card_visa", "key": await maya.key()}
    answer = await maya.send(**good | fields)
    assert answer.status_code == 422 and says in text(answer)
    assert len(world.money_calls("/payment_intents")) == before


async def test_the_bank_is_not_answered_in_words_of_ones_own(world: World):
    maya = await student(world, ASKS)
    answer = await maya.answer("whatever")
    assert answer.status_code == 422 and await maya.stage() == "confirm"


async def test_ten_cards_in_an_hour_are_enough(world: World):
    maya = await student(world, DECLINED)
    for _ in range(9):
        assert (await maya.pay(DECLINED)).status_code == 303
    answer = await maya.pay()
    assert answer.status_code == 429
    assert "Many cards were tried in the last hour." in text(answer)
    await world.advance(timedelta(hours=1, minutes=1))
    await maya.pay()
    assert await maya.stage() == "set"


async def test_a_script_is_told_the_stage_and_nothing_of_the_books(world: World):
    maya = await student(world, ASKS)
    headers = {"Accept": "application/json"}
    answer = await world.client.post(maya.path, data={"do": "ask"}, headers=headers)
    assert answer.json() == {"stage": "confirm", "fault": ""}


async def test_a_student_who_comes_back_after_half_an_hour_finds_nothing_to_pay(world: World):
    maya = await student(world, ASKS)
    await world.advance(HALF_HOUR)
    await world.tick()
    assert await maya.stage() == "over"
    # The bank's window may still be open: an answer there leads to no hold that stays.
    assert (await maya.answer()).status_code == 303
    assert await maya.stage() == "over"


class TestWithRealCards:
    """With keys of Stripe's own, which can't be reached from here: markup and headers."""

    @pytest.fixture
    def real(self, world: World) -> World:
        chosen = settings.current()
        key = "pk_test_students_see_this"
        settings.use(msgspec.structs.replace(chosen, sandbox=False, stripe_publishable_key=key))
        return world

    async def test_the_policy_is_wider_on_this_page_alone_and_only_for_stripe(self, real: World):
        maya = await student(real, DECLINED)
        policy = (await maya.look()).headers["content-security-policy"]
        parts = dict(part.split(" ", 1) for part in policy.split("; "))
        assert parts["script-src"] == "'self' https://js.stripe.com https://*.js.stripe.com"
        assert parts["connect-src"] == "'self' https://api.stripe.com"
        frames = "https://js.stripe.com https://*.js.stripe.com https://hooks.stripe.com"
        assert parts["frame-src"] == frames
        assert parts["default-src"] == "'none'"
        for other in ("/sign-in", "/pay/nothing"):
            elsewhere = await real.client.get(other, headers=HTML)
            assert "stripe" not in elsewhere.headers["content-security-policy"]
        await maya.pay("pm_card_visa")
        done = await maya.look()
        assert "stripe" not in done.headers["content-security-policy"]

    async def test_the_form_tells_the_element_what_the_intent_will_be(self, real: World):
        maya = await student(real, DECLINED)
        page = (await maya.look()).text
        for told in ('mode="payment"', 'amount="9600"', 'currency="usd"', 'capture="manual"'):
            assert f"data-{told}" in page
        assert "pk_test_students_see_this" in page and "data-saves" not in page
        assert "pm_card" not in page and "Confirm as the bank" not in page

    async def test_the_script_is_given_the_secret_while_the_bank_asks(self, real: World):
        maya = await student(real, DECLINED)
        fields = {"do": "pay", "payment_method": ASKS, "key": str(uuid.uuid4())}
        headers = {"Accept": "application/json"}
        told = (await real.client.post(maya.path, data=fields, headers=headers)).json()
        assert told["stage"] == "confirm" and "_secret_" in told["client_secret"]
        assert told["client_secret"] in (await maya.look()).text
        # Nobody but the bank's own customer answers for real.
        await maya.answer()
        assert await maya.stage() == "confirm"

    async def test_without_a_publishable_key_the_shop_is_to_be_asked(self, real: World):
        settings.use(msgspec.structs.replace(settings.current(), stripe_publishable_key=None))
        for card in (DECLINED, ASKS):
            maya = await student(real, card)
            page = await maya.look()
            assert "Please reply to the e-mail" in text(page)
            assert "<form" not in page.text
            assert "stripe" not in page.headers["content-security-policy"]
