"""What finance sees of a dispute, and what can be done: queue, heading, panel, story, last word."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from dashboard import clock
from dashboard.bookings import queue
from dashboard.bookings.queue import Filters
from dashboard.bookings.tables import Booking
from dashboard.payments.tables import Payment
from tests.web.crowd import crowd
from tests.web.desk import Person, sign_in, text
from tests.world import World

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
Json = dict[str, Any]


async def captured(world: World, **changes: Any) -> int:
    """The payment of a lesson that was captured by hand."""
    booked = await world.book(**changes)
    await world.call(booked["id"], "capture-payment")
    return int((await world.payment(booked["id"])).id)


async def payment_of(payment_id: int) -> Payment:
    found = await Payment.objects().get(Payment.id == payment_id)
    assert found is not None
    return found


async def dispute(world: World, payment_id: int, **more: Any) -> Json:
    charge = (await payment_of(payment_id)).stripe_charge_id
    opened = world.sandbox.control("POST", f"charges/{charge}/dispute", more)
    await world.deliver()
    return opened


async def move(world: World, opened: Json, *statuses: str) -> None:
    for status in statuses:
        world.sandbox.control("POST", f"disputes/{opened['id']}", {"status": status})
    await world.deliver()


async def end(person: Person, payment_id: int, what: str, reason: str) -> int:
    given = {"_csrf": person.csrf, "reason": reason}
    answer = await person.browser.post(
        f"/holds/{payment_id}/{what}", data=given, headers=person.headers
    )
    return answer.status_code


async def test_23_the_queue_counts_disputes_and_says_what_is_due_until_when(world: World):
    payment = await captured(world)
    await captured(world)
    await dispute(world, payment, reason="product_not_received")
    ana = await sign_in(world, "finance")
    said = text(await ana.page("/holds"))
    assert "1 payment worth $96.00 is disputed; answer by" in said and "6 d 23 h left." in said
    listed = await ana.page("/holds?view=disputed")
    assert "Disputed 1" in text(listed)
    assert listed.text.count("data-row") == 1 and f'href="/holds/{payment}"' in listed.text
    row = text(listed)
    assert "Disputed. The bank disputes $96.00 (the lesson did not take place)." in row
    assert "Answer in Stripe by" in row and "(6 d 23 h left)" in row


async def test_23_the_page_shows_the_dispute_and_its_countdown_rounds_down(world: World):
    payment = await captured(world)
    opened = await dispute(world, payment)
    due = (await payment_of(payment)).dispute_due_at
    assert due is not None
    ana = await sign_in(world)
    for left, said in (
        (6 * DAY + HOUR - timedelta(seconds=1), "6 d 0 h"),
        (26 * HOUR + timedelta(seconds=30), "1 d 2 h"),
        (2 * HOUR + timedelta(seconds=30), "2 h 0 min"),
    ):
        await world.move_to(due - left)
        page = text(await ana.page(f"/holds/{payment}"))
        assert f"Maya Chen’s bank disputes $96.00; {said} left to answer" in page
        assert f"Answer by {said}" in page
    assert "The cardholder says it wasn't them" in page
    assert opened["id"] in page
    await world.move_to(due + HOUR)
    assert "the time to answer is over" in text(await ana.page(f"/holds/{payment}"))


async def test_23_the_desk_offers_no_refund_and_the_server_refuses_it_with_the_reason(
    world: World,
):
    payment = await captured(world)
    ana = await sign_in(world)
    form = await ana.form(payment, "refund")
    await dispute(world, payment)
    assert f"/holds/{payment}/refund" not in (await ana.page(f"/holds/{payment}")).text
    typed = form | {"reason": "lesson_went_wrong"}
    answer = await ana.send(payment, "refund", typed)
    assert answer.status_code == 409
    assert "a refund now would pay twice" in text(answer)
    assert world.money_calls("/v1/refunds") == []


async def test_23_programs_are_told_why_a_fee_or_a_package_is_not_given_back(world: World):
    student = {"email": "maya@example.test"}
    booked = await world.buy_package(student=student)
    payment = int((await world.payment(booked["id"])).id)
    await dispute(world, payment)
    address = f"/packages/{booked['package_id']}/refund"
    answer = await world.client.post(
        address, json={"reason": "moved away"}, headers=await world.rights()
    )
    assert answer.status_code == 409, answer.text
    assert "a refund now would pay twice" in answer.json()["detail"]
    order = world.order(package_id=booked["package_id"], student=student)
    again = await world.client.post("/bookings", json=order, headers=await world.rights())
    assert again.status_code == 409, again.text
    assert world.money_calls("/v1/refunds") == []


async def test_23_every_step_stands_in_the_story_with_its_words(world: World):
    payment = await captured(world)
    opened = await dispute(world, payment)
    await move(world, opened, "under_review")
    ana = await sign_in(world)
    said = text(await ana.page(f"/holds/{payment}"))
    assert "Maya Chen’s bank disputes $96.00; it has our answer" in said
    assert "it has our answer and decides. Nothing moves by itself until it is closed." in said
    assert "The bank decides" in said and "Answer by" not in said
    await move(world, opened, "won")
    said = text(await ana.page(f"/holds/{payment}"))
    for line in (
        "Dispute opened The cardholder says it wasn't them",
        "Bank took money back for the dispute",
        "Dispute answered; the bank decides",
        "Dispute closed Won: the money is ours again",
        "Bank returned the money of the dispute",
    ):
        assert said.count(line) == 1, line
    assert "Maya Chen paid $96.00" in said
    assert f"/holds/{payment}/refund" in (await ana.page(f"/holds/{payment}")).text
    assert "Disputed 0" in text(await ana.page("/holds"))


async def test_23_an_inquiry_is_told_as_one_and_a_refund_is_offered(world: World):
    payment = await captured(world)
    opened = await dispute(world, payment, inquiry=True)
    ana = await sign_in(world)
    said = text(await ana.page(f"/holds/{payment}"))
    assert "Maya Chen’s bank asks about $96.00; 6 d 23 h left to answer" in said
    assert "has taken nothing yet" in said and "A full refund is an answer, too." in said
    assert "Inquiry: nothing is taken yet" in said
    answer = await ana.move(payment, "refund", reason="requested_by_customer")
    assert answer.status_code in (200, 303)
    await move(world, opened, "warning_closed")
    said = text(await ana.page(f"/holds/{payment}"))
    assert "$96.00 was refunded to Maya Chen" in said and "The bank asks no further" in said


async def test_23_a_lost_dispute_leaves_the_list_when_finance_accepts_the_loss(world: World):
    payment = await captured(world)
    await move(world, await dispute(world, payment, amount=4000), "lost")
    ana, fiona = await sign_in(world), await sign_in(world, "finance", "Fiona")
    said = text(await fiona.page(f"/holds/{payment}"))
    assert "Maya Chen paid $96.00; $40.00 was lost in a dispute" in said
    assert "$40.00 was lost in a dispute: $56.00 is kept and $96.00 is owed" in said
    assert "Lost in a dispute" in text(await ana.page("/holds?view=person"))
    assert "Lost in disputes $40.00 Kept $56.00" in said
    assert "Accept the loss of $40.00" in said
    assert "Accept the loss" not in text(await ana.page(f"/holds/{payment}"))
    assert await end(ana, payment, "accept-loss", "because") == 403
    assert await end(fiona, payment, "accept-loss", " ") == 422
    assert await end(fiona, payment, "accept-loss", "Not worth a quarrel") == 303
    await world.tick()
    said = text(await fiona.page(f"/holds/{payment}"))
    assert "All is settled" in said and "Loss accepted Not worth a quarrel Fiona" in said
    assert "Nothing needs a person right now." in text(await ana.page("/holds?view=person"))
    assert await end(fiona, payment, "accept-loss", "again") == 409
    assert world.money_calls("/v1/refunds") == []


@pytest.mark.parametrize(("currency", "amount"), [("jpy", "¥9,600"), ("kwd", "KWD\xa09.600")])
async def test_27_disputes_of_two_currencies_are_not_summed(
    world: World, currency: str, amount: str
):
    payment = await captured(world)
    other = await captured(world, instructor_id=getattr(world.catalog, currency))
    await dispute(world, payment)
    await dispute(world, other)
    ana = await sign_in(world)
    said = (await ana.page("/holds")).text
    assert f"2 payments worth $96.00 and {amount} are disputed; the first answer is due by" in said


async def test_every_dispute_is_on_one_page_also_those_without_a_day_to_answer(world: World):
    payment_id = await captured(world)
    (booking,) = await Booking.select(Booking.id)
    await crowd(booking["id"], 129)
    await Payment.update({"disputed_amount": 9600}).where(Payment.id > 0)
    now = clock.now()
    for row in await Payment.select(Payment.id).order_by(Payment.id):
        if row["id"] % 3:
            continue
        due = now + timedelta(hours=row["id"] % 7)
        await Payment.update({"dispute_due_at": due}).where(Payment.id == row["id"])
    seen: list[int] = []
    chosen = Filters(view="disputed")
    while True:
        page = await queue.listed(chosen, now)
        seen += page.payment_ids
        if not page.next_after:
            break
        chosen = replace(chosen, after=page.next_after)
    assert len(seen) == len(set(seen)) == 130
    assert payment_id in seen
    rows = await Payment.select(Payment.id, Payment.dispute_due_at)
    due_at = {row["id"]: row["dispute_due_at"] for row in rows}
    answered = [due_at[one] for one in seen if due_at[one] is not None]
    assert answered == sorted(answered)
    # Whoever has no day to answer by comes last.
    assert all(due_at[one] is None for one in seen[len(answered) :])
