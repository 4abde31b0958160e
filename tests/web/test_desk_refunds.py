"""A refund on its way, and one that came back: what the desk shows, and what staff do next."""

from datetime import timedelta
from typing import Any

from dashboard.payments.tables import Payment, PaymentEvent, Purchase
from tests.web.desk import Person, sign_in, text
from tests.world import World

HOUR = timedelta(hours=1)


async def refunding(world: World, person: Person, amount: str = "40") -> tuple[int, str]:
    """A captured payment with a refund under way, and Stripe's id of that refund."""
    booked = await world.book(payment_method="pm_card_pendingRefund")
    payment = await world.payment(booked["id"])
    await person.move(payment.id, "capture")
    await person.move(payment.id, "refund", amount=amount, reason="lesson_went_wrong")
    return int(payment.id), await newest_refund(world, payment.id)


async def newest_refund(world: World, payment_id: int) -> str:
    payment = await Payment.objects().get(Payment.id == payment_id)
    assert payment is not None
    found: Any = world.sandbox.stripe().v1.refunds.list(
        {"payment_intent": payment.stripe_intent_id}
    )
    return str(found.data[0].id)


async def bank(world: World, refund: str, status: str) -> None:
    world.sandbox.control("POST", f"refunds/{refund}", {"status": status})
    await world.deliver()


async def test_22_a_refund_on_its_way_is_said_to_be_so_and_not_refunded(world: World):
    ana = await sign_in(world)
    payment, refund = await refunding(world, ana)
    said = text(await ana.page(f"/holds/{payment}"))
    assert "Maya Chen paid $96.00; $40.00 is on its way back" in said
    assert "A refund of $40.00 is on its way since" in said
    assert "banks take 5 to 10 days." in said
    assert "$96.00 paid • $40.00 on its way back" in said
    assert "Refunded $0.00 Refund under way $40.00 Kept $56.00" in said
    assert "got $40.00 back" not in said and "Refund sent to the bank" in said
    row = text(await ana.page("/holds?view=all"))
    assert "A refund of $40.00 is on its way" in row
    await bank(world, refund, "succeeded")
    said = text(await ana.page(f"/holds/{payment}"))
    assert "Maya Chen paid $96.00 and got $40.00 back" in said
    assert "on its way" not in said and "All is settled" in said


async def test_22_one_that_came_back_is_on_the_list_with_its_reason_and_its_ways_on(world: World):
    ana, fiona = await sign_in(world), await sign_in(world, "finance", "Fiona")
    payment, refund = await refunding(world, ana)
    await bank(world, refund, "failed")
    row = text(await ana.page("/holds?view=person"))
    assert "Needs a person 1" in row and "Refund failed." in row
    said = text(await ana.page(f"/holds/{payment}"))
    assert "A refund to Maya Chen failed; $40.00 is still with us Captured Refund failed" in said
    assert (
        "A refund failed: The bank sent it back (expired or canceled card). $40.00 is still with us"
        " and owed to the student; refund it again, or pay it back another way."
    ) in said
    assert "Refund failed at the bank Expired or canceled card Stripe" in said
    assert "Refund $96.00…" in said and "Keep $96.00" not in said
    assert "Keep $96.00" in text(await fiona.page(f"/holds/{payment}"))
    assert "Refunded $" not in said


async def test_22_refunded_again_by_hand_it_leaves_the_list(world: World):
    ana = await sign_in(world)
    payment, refund = await refunding(world, ana)
    await bank(world, refund, "failed")
    answer = await ana.move(payment, "refund", amount="40", reason="lesson_went_wrong")
    assert answer.status_code in (200, 303)
    await world.tick()
    assert "Nothing needs a person right now." in text(await ana.page("/holds?view=person"))
    await bank(world, await newest_refund(world, payment), "succeeded")
    said = text(await ana.page(f"/holds/{payment}"))
    assert "Maya Chen paid $96.00 and got $40.00 back" in said
    assert len(world.money_calls("/v1/refunds")) == 2


async def test_22_two_parts_under_way_side_by_side_leave_the_rest_to_be_refunded(world: World):
    ana = await sign_in(world)
    payment, first = await refunding(world, ana, "20")
    await ana.move(payment, "refund", amount="30", reason="duplicate")
    said = text(await ana.page(f"/holds/{payment}"))
    assert "Refund under way $50.00 Kept $46.00" in said and "Refund $46.00…" in said
    await bank(world, first, "succeeded")
    said = text(await ana.page(f"/holds/{payment}"))
    assert "Maya Chen paid $96.00 and got $20.00 back; $30.00 is on its way back" in said
    assert "$20.00 of $96.00 refunded • $30.00 on its way back" in said
    too_much = await ana.move(payment, "refund", amount="46.01", reason="duplicate")
    assert too_much.status_code == 422 and "Enter $46.00 or less." in text(too_much)


async def test_22_withdrawn_with_a_reason_it_is_kept_and_told_in_the_story(world: World):
    ana, fiona = await sign_in(world), await sign_in(world, "finance", "Fiona")
    payment, refund = await refunding(world, ana)
    await bank(world, refund, "failed")
    answer = await fiona.browser.post(
        f"/holds/{payment}/keep",
        data={"_csrf": fiona.csrf, "reason": "Paid back in cash"},
        headers=fiona.headers,
    )
    assert answer.status_code == 303
    await world.advance(24 * HOUR)
    await world.tick()
    said = text(await ana.page(f"/holds/{payment}"))
    assert "Refund withdrawn Paid back in cash Fiona" in said and "All is settled" in said
    assert len(world.money_calls("/v1/refunds")) == 1


async def test_a_word_that_moves_no_money_has_no_amount_in_the_story(world: World):
    booked = await world.book(starts_in=timedelta(days=20))
    payment = await world.payment(booked["id"])
    await Purchase.update({"policy_override": "alert"}).where(Purchase.id == payment.purchase)
    assert payment.authorization_expires_at is not None
    await world.move_to(payment.authorization_expires_at - 23 * HOUR)
    await Purchase.update({"due_at": payment.created_at}).where(Purchase.id == payment.purchase)
    await world.tick()
    assert await PaymentEvent.exists().where(PaymentEvent.kind == "expiry_decision")
    ana = await sign_in(world)
    page = (await ana.page(f"/holds/{payment.id}")).text
    story = page[page.index("What happened") : page.index("<aside")]
    assert "Expiry policy applied" in story and "$0.00" not in story


async def test_a_hold_that_ends_before_its_lesson_says_when_it_is_charged(world: World):
    booked = await world.book(starts_in=timedelta(days=20))
    near = await world.book()
    ana = await sign_in(world)
    payment = await world.payment(booked["id"])
    said = text(await ana.page(f"/holds/{payment.id}"))
    day = payment.authorization_expires_at
    assert day is not None
    expected = f"Charged after lesson or by {day:%a} {day.day} {day:%b}, when the reservation ends"
    assert expected in said
    payment = await world.payment(near["id"])
    said = text(await ana.page(f"/holds/{payment.id}"))
    assert "$96.00 reserved • Charged after lesson" in said and "when the reservation" not in said
