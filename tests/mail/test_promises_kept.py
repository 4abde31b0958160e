"""Before money moves, the desk knows what the student was told; it warns and forbids nothing."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import settings as examples

from dashboard import clock
from dashboard.bookings import policy
from dashboard.bookings.holds import hold
from dashboard.mail import phrases, promises, rendering
from dashboard.mail.facts import Facts, Template
from dashboard.mail.messages import letter
from dashboard.mail.promises import Broken, Promise, Sent
from dashboard.mail.tables import Message
from dashboard.payments.case import ASKS_THE_STUDENT
from dashboard.payments.facts import Verb
from dashboard.payments.tables import Purchase
from jobs.mail import send_mail
from tests.mail.conftest import use
from tests.mail.test_promises import LINK, stories
from tests.world import World

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)


async def broken(payment_id: int, verb: Verb, amount: int | None = None) -> Broken | None:
    found = await hold(payment_id)
    assert found is not None
    amounts = {payment_id: amount} if amount is not None else None
    return (await promises.broken(verb, [found], clock.now(), amounts)).get(payment_id)


async def told(world: World, **changes: object) -> tuple[int, int]:
    """A lesson in two days whose mail was sent: the booking's id and the payment's."""
    booked = await world.book(**changes)  # type: ignore[arg-type]
    await send_mail()
    return booked["id"], int((await world.payment(booked["id"])).id)


async def test_a_capture_before_the_lesson_breaks_what_the_mail_said(shop: World):
    _, payment = await told(shop)
    found = await broken(payment, Verb.CAPTURE)
    assert found is not None
    assert found.said.startswith("We told Maya on ")
    assert "that the card is charged after the lesson, which ends " in found.said
    sent = await Message.objects().get(Message.id == found.message_id)
    assert sent is not None and sent.template == Template.RESERVED


async def test_a_capture_after_the_lesson_is_what_was_said(shop: World):
    _, payment = await told(shop)
    await shop.advance(2 * DAY + 2 * HOUR)
    assert await broken(payment, Verb.CAPTURE) is None


async def test_a_lesson_that_was_marked_complete_may_be_charged(shop: World):
    booking, payment = await told(shop, starts_in=HOUR)
    shop.sandbox.fault("before", "402", "/v1/payment_intents/*/capture", times=3)
    await shop.advance(HOUR + timedelta(minutes=30))
    await shop.call(booking, "complete")
    assert await broken(payment, Verb.CAPTURE) is None


async def test_a_mail_that_was_not_sent_has_promised_nothing(shop: World):
    booked = await shop.book()
    payment = int((await shop.payment(booked["id"])).id)
    assert await broken(payment, Verb.CAPTURE) is None
    await send_mail()
    assert await broken(payment, Verb.CAPTURE) is not None


async def test_a_charge_in_the_last_day_of_a_hold_is_no_news_to_who_was_told_of_it(shop: World):
    shop.sandbox.next_authorization(3 * DAY.total_seconds())
    _, payment = await told(shop, starts_in=10 * DAY)
    assert "We charge your card during the day before that" in await _text()
    assert await broken(payment, Verb.CAPTURE) is not None
    await shop.advance(2 * DAY + HOUR)
    assert await broken(payment, Verb.CAPTURE) is None
    assert await broken(payment, Verb.RELEASE) is not None


async def test_a_policy_that_is_changed_later_changes_nothing_of_what_was_read(shop: World):
    use(expiry_policy="release")
    shop.sandbox.next_authorization(3 * DAY.total_seconds())
    _, payment = await told(shop, starts_in=10 * DAY)
    use(expiry_policy="capture", cancel_late_percent=80)
    assert await broken(payment, Verb.RELEASE) is not None
    await shop.advance(2 * DAY + HOUR)
    assert await broken(payment, Verb.RELEASE) is None
    assert await broken(payment, Verb.CAPTURE) is not None


@pytest.mark.parametrize(("amount", "kept"), [(4800, True), (4801, False), (None, False)])
async def test_a_late_fee_may_be_what_the_mail_named_and_not_more(
    shop: World, amount: int | None, kept: bool
):
    booking, payment = await told(shop, starts_in=3 * HOUR)
    shop.sandbox.fault("before", "402", "/v1/payment_intents/*/capture", times=3)
    use(cancel_late_percent=80)
    await shop.call(booking, "cancel", {"by": "student", "reason": ""})
    found = await broken(payment, Verb.CAPTURE, amount)
    assert (found is None) is kept
    if found is not None:
        assert found.said.endswith("that a late cancellation costs $48.00.")
    release = await broken(payment, Verb.RELEASE)
    assert release is not None
    assert release.said.endswith("a late cancellation costs $48.00, and a fee is owed.")


async def test_a_release_breaks_a_promise_while_the_lesson_is_on_or_was_held(shop: World):
    _, payment = await told(shop)
    before = await broken(payment, Verb.RELEASE)
    assert before is not None and before.said.endswith("after the lesson, which is still on.")
    await shop.advance(2 * DAY + 2 * HOUR)
    after = await broken(payment, Verb.RELEASE)
    assert after is not None and after.said.endswith("which has taken place.")


async def test_what_owes_nothing_may_be_released(shop: World):
    _, payment = await told(shop)
    await Purchase.update({"owed": 0}).where(Purchase.id == 1)
    assert await broken(payment, Verb.RELEASE) is None


async def test_who_was_told_that_nothing_is_charged_is_not_to_be_charged(shop: World):
    _, payment = await told(shop)
    (first,) = await Message.objects()
    at = first.event_at + HOUR
    await Message.update(
        {"template": Template.RELEASED, "text": "It is free again.", "event_at": at}
    ).where(Message.id == first.id)
    await shop.advance(3 * DAY)
    found = await broken(payment, Verb.CAPTURE)
    assert found is not None and found.said.endswith("that nothing is charged.")
    assert await broken(payment, Verb.RELEASE) is None


async def test_a_package_has_no_promise(shop: World):
    await shop.buy_package()
    await send_mail()
    payment = int((await shop.payment(1)).id)
    assert await broken(payment, Verb.CAPTURE) is None
    assert await broken(payment, Verb.RELEASE) is None


async def _text() -> str:
    (sent,) = await Message.objects()
    return str(sent.text)


def _read(facts: Facts, before: Promise | None = None) -> Promise | None:
    found = letter(facts)
    assert found is not None
    sent = Sent(7, found.template, rendering.text(found), NOW)
    return promises.read(before, sent, facts.currency)


def _fee(facts: Facts) -> int:
    assert facts.lesson is not None
    terms = policy.Terms(
        facts.price,
        facts.currency,
        facts.lesson.starts_at,
        facts.terms.free_hours,
        facts.terms.late_percent,
    )
    return policy.cancel("student", terms, facts.lesson.starts_at).owed or 0


@examples(max_examples=600, deadline=None)
@given(stories())
def test_every_letter_is_read_back_as_it_was_meant(facts: Facts):
    found = letter(facts)
    every = (*promises.CHARGED_LATER, *promises.NOT_CHARGED)
    if found is None or found.template not in every:
        return
    promise = _read(facts)
    assert promise is not None
    assert promise.charged is (found.template in promises.CHARGED_LATER)
    early = phrases.ends_too_early(facts) is not None and promise.charged
    if found.template in (Template.RESERVED, Template.RENEWED):
        assert promise.early is (early and facts.expiry_policy == "capture")
        assert promise.back is (early and facts.expiry_policy == "release")
    if found.template in (Template.RESERVED, Template.PLANNED) and facts.lesson:
        assert promise.fee == _fee(facts)


@examples(max_examples=300, deadline=None)
@given(stories())
def test_what_becomes_of_a_hold_that_is_not_confirmed_is_read_back(facts: Facts):
    facts = replace(facts, kind="declined", automatic=True, code=ASKS_THE_STUDENT, link=LINK)
    found = letter(facts)
    assert found is not None and found.template is Template.AUTHENTICATE
    before = Promise(3, NOW, charged=True, fee=4800)
    promise = _read(facts, before)
    assert promise is not None and (promise.charged, promise.fee) == (True, 4800)
    renewal = facts.expires_at is not None and not (facts.hold_due_at and not facts.renews)
    assert promise.early is (renewal and facts.otherwise == "capture")
    assert promise.back is (renewal and facts.otherwise == "release")
    assert _read(facts) is None


def test_dinars_have_a_fee_as_well():
    text = "After that it costs 50 % of the price, KWD\N{NO-BREAK SPACE}4.800.\n"
    promise = promises.read(None, Sent(1, Template.RESERVED, text, NOW), "kwd")
    assert promise is not None and promise.fee == 4800
