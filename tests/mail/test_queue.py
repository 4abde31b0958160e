"""From events to rows: what a student is told of each scenario, once, and nobody of old news."""

import asyncio
import uuid
from datetime import timedelta

from dashboard import clock
from dashboard.bookings import pay_links
from dashboard.mail import writing
from dashboard.mail.facts import State
from dashboard.mail.tables import Message, UnreadEvent
from dashboard.payments import actions
from dashboard.payments.actions import Wish
from dashboard.payments.facts import Verb
from dashboard.payments.tables import PaymentEvent, Purchase
from jobs.mail import send_mail
from tests.mail.conftest import files, states, templates
from tests.world import ANA, World

HOUR = timedelta(hours=1)


async def test_01_a_lesson_that_took_place_has_two_emails(shop: World):
    booked = await shop.book(2 * HOUR)
    await send_mail()
    assert await templates() == ["reserved"]
    await shop.advance(5 * HOUR)
    await shop.tick()
    await send_mail()
    assert await shop.story(booked["id"]) == ["authorized", "captured"]
    assert await templates() == ["reserved", "paid"]
    reserved, paid = files()
    assert str(reserved["Subject"]).startswith("$96.00 reserved for your piano lesson on ")
    assert str(paid["Subject"]).startswith("$96.00 paid for your piano lesson on ")
    assert reserved["To"].addresses[0].display_name == "Maya Chen"
    text = reserved.get_body(("plain",))
    assert text is not None and "Teacher usd" in text.get_content()


async def test_02_a_decline_is_told_with_the_banks_reason(shop: World):
    answer = await shop.post_booking(payment_method="pm_card_chargeDeclined")
    assert answer.status_code == 402
    await send_mail()
    assert await templates() == ["declined"]
    (mail,) = files()
    assert "Your card was declined. Nothing was taken." in _text(mail)
    # The only address in it is ours, and only as long as the booking can be paid.
    link = pay_links.address(answer.json()["booking"]["id"])
    assert _text(mail).count("://") == 1 and f"Pay with another card: {link}" in _text(mail)


async def test_03_a_hold_that_expired_is_told_of_as_such(shop: World):
    shop.sandbox.next_authorization((20 * HOUR).total_seconds())
    booked = await shop.book(timedelta(days=3))
    payment = await shop.payment(booked["id"])
    await Purchase.update({"paused_until": clock.now() + timedelta(days=9)}).where(
        Purchase.id == payment.purchase
    )
    await shop.advance(21 * HOUR)
    await shop.tick()
    await send_mail()
    assert await templates() == ["reserved", "expired"]
    assert "when the reservation ends" in _text(files()[0])
    assert "Reservation ended before we charged it" in _text(files()[1])


async def test_04_a_partial_capture_tells_both_parts(shop: World):
    booked = await shop.book(2 * HOUR)
    await shop.advance(4 * HOUR)
    answer = await shop.call(booked["id"], "capture-payment", {"amount": 6000})
    assert answer.status_code == 200
    await send_mail()
    assert "$60.00 of $96.00 paid • rest released" in _text(files()[-1])


async def test_05_a_free_cancellation_tells_that_nothing_was_charged(shop: World):
    booked = await shop.book()
    await shop.call(booked["id"], "cancel", {"by": "student", "reason": "ill"})
    await shop.tick()
    await send_mail()
    assert await templates() == ["reserved", "released"]


async def test_a_late_cancellation_is_paid_and_no_early_charge(shop: World):
    booked = await shop.book(2 * HOUR)
    await shop.call(booked["id"], "cancel", {"by": "student", "reason": "ill"})
    await shop.tick()
    await send_mail()
    assert await templates() == ["reserved", "paid"]
    assert "This is the late fee." in _text(files()[-1])


async def test_06_two_refunds_are_told_one_by_one(shop: World):
    booked = await shop.book(2 * HOUR)
    await shop.advance(4 * HOUR)
    await shop.call(booked["id"], "capture-payment")
    await refund(shop, booked["id"], 4000)
    await refund(shop, booked["id"], 5600)
    await send_mail()
    assert await templates() == ["reserved", "paid", "refunded", "refunded"]
    assert "$40.00 of $96.00 refunded" in _text(files()[2])
    assert "Refunded in total: $96.00 of $96.00" in _text(files()[3])


async def test_07_a_package_is_told_with_its_lessons(shop: World):
    await shop.buy_package()
    await send_mail()
    assert await templates() == ["paid"]
    assert "Lessons: 5" in _text(files()[0])


async def test_a_charge_before_the_lesson_is_told_as_announced(shop: World):
    booked = await shop.book(timedelta(days=20))
    ends_at = (await shop.payment(booked["id"])).authorization_expires_at
    assert ends_at is not None
    await send_mail()
    await shop.move_to(ends_at - 23 * HOUR)
    await shop.tick()
    await send_mail()
    assert await templates() == ["reserved", "charged_early"]
    mail = files()[-1]
    assert mail["Subject"] == "Payment processed for upcoming lesson"
    assert "would have ended on" in _text(mail)


async def test_22_a_refund_that_has_failed_by_now_is_not_told(shop: World):
    booked = await shop.book(2 * HOUR, payment_method="pm_card_refundFail")
    await shop.advance(4 * HOUR)
    await shop.call(booked["id"], "capture-payment")
    await refund(shop, booked["id"], 4000)
    await shop.advance(timedelta(days=2))
    await shop.deliver()
    await send_mail()
    assert (await shop.story(booked["id"]))[-2:] == ["refund_succeeded", "refund_failed"]
    assert await templates() == ["reserved", "paid"]


async def test_22_a_pending_refund_is_told_when_it_has_succeeded(shop: World):
    booked = await shop.book(2 * HOUR, payment_method="pm_card_pendingRefund")
    await shop.advance(4 * HOUR)
    await shop.call(booked["id"], "capture-payment")
    await refund(shop, booked["id"], 4000)
    await send_mail()
    assert "refund_pending" in await shop.story(booked["id"])
    assert await templates() == ["reserved", "paid"]
    await shop.advance(timedelta(minutes=2))
    await shop.deliver()
    await send_mail()
    assert await templates() == ["reserved", "paid", "refunded"]


async def test_22_a_refund_that_was_pending_and_failed_is_never_told(shop: World):
    booked = await shop.book(2 * HOUR, payment_method="pm_card_pendingRefund")
    await shop.advance(4 * HOUR)
    await shop.call(booked["id"], "capture-payment")
    await refund(shop, booked["id"], 4000)
    pending = await PaymentEvent.objects().get(PaymentEvent.kind == "refund_pending")
    assert pending is not None
    failed = pending.to_dict() | {"key": "refund:x:failed", "kind": "refund_failed"}
    del failed["id"]
    await PaymentEvent.insert(PaymentEvent(**failed))
    await send_mail()
    assert await templates() == ["reserved", "paid"]
    assert await UnreadEvent.count() == 0


async def test_a_message_is_made_once_however_often_its_event_is_read(shop: World):
    await shop.book()
    (event,) = await writing.due_events(10)
    await asyncio.gather(*(writing.read(event) for _ in range(5)))
    assert await templates() == ["reserved"]
    # As if a restored row had brought the event back.
    await UnreadEvent.insert(UnreadEvent(event=event, due_at=clock.now()))
    await writing.read(event)
    assert await templates() == ["reserved"]
    assert await UnreadEvent.count() == 0


async def test_every_event_is_handed_over_in_its_own_transaction(shop: World):
    await shop.book(2 * HOUR)
    await shop.advance(5 * HOUR)
    await shop.tick()
    events = await PaymentEvent.count()
    assert await UnreadEvent.count() == events > 0
    await send_mail()
    assert await UnreadEvent.count() == 0


async def test_an_event_that_can_not_be_read_stops_no_other(shop: World):
    for _ in range(3):
        await shop.book()
    ids = await writing.due_events(10)
    bad = await PaymentEvent.objects().get(PaymentEvent.id == ids[1])
    assert bad is not None
    # A decision whose detail is no JSON breaks the reading of its purchase's story.
    broken = bad.to_dict() | {"key": "decision:broken", "kind": "expiry_decision", "detail": "{"}
    del broken["id"]
    await PaymentEvent.insert(PaymentEvent(**broken))
    again = await PaymentEvent.objects().get(PaymentEvent.key == "decision:broken")
    assert again is not None

    await send_mail()

    assert await templates() == ["reserved", "reserved", "reserved"]
    (left,) = await UnreadEvent.objects()
    assert left.event == again.id and left.attempts == 1 and left.due_at > clock.now()
    ((event_id, error, _),) = await writing.troubled()
    assert event_id == again.id and "JSON" in error


async def test_news_older_than_three_days_are_skipped_and_shown(shop: World):
    await shop.book()
    await shop.advance(timedelta(days=4))
    await shop.book(2 * HOUR)
    await send_mail()
    assert await states() == ["skipped", "sent"]
    assert len(files()) == 1
    old = await Message.objects().first()
    assert old is not None and old.text == "" and "3 days" in old.error


async def test_without_a_mail_server_each_email_is_a_file_and_stays_one(shop: World):
    await shop.book()
    await send_mail()
    (row,) = await Message.objects()
    assert row.state == State.SENT and row.sent_at
    # The worker died before it could record this: the file is written again, in its place.
    await Message.update({"state": State.SENDING, "due_at": clock.now()}, force=True)
    await send_mail()
    (mail,) = files()
    assert mail["Message-ID"] == row.message_id
    assert mail["Auto-Submitted"] == "auto-generated"


def _text(mail: object) -> str:
    body = mail.get_body(("plain",))  # type: ignore[attr-defined]
    return str(body.get_content())


async def refund(world: World, booking_id: int, amount: int) -> None:
    payment = await world.payment(booking_id)
    wish = Wish(
        Verb.REFUND, payment.purchase, str(uuid.uuid4()), ANA, payment.id, amount, reason="other"
    )
    await actions.perform(wish)
