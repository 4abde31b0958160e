"""A student is never told of a refund before it is true, nor left with what is true no more."""

import uuid
from datetime import timedelta
from typing import Any

from dashboard.mail.facts import Template
from dashboard.payments import actions
from dashboard.payments.actions import Wish
from dashboard.payments.facts import Verb
from dashboard.web.mail_page import TEMPLATE_NAMES
from jobs.mail import send_mail
from tests.mail.conftest import files, templates
from tests.web.desk import sign_in, text
from tests.world import ANA, World

HOUR = timedelta(hours=1)
TOLD = ["reserved", "paid", "refunded"]


async def refunded(shop: World) -> tuple[int, str]:
    """A lesson of which 40.00 were refunded and told of: the booking, and Stripe's refund."""
    booked = await shop.book(2 * HOUR)
    await shop.advance(4 * HOUR)
    await shop.call(booked["id"], "capture-payment")
    refund = await give_back(shop, booked["id"])
    await send_mail()
    assert await templates() == TOLD
    return booked["id"], refund


async def give_back(shop: World, booking_id: int) -> str:
    payment = await shop.payment(booking_id)
    operation = str(uuid.uuid4())
    wish = Wish(Verb.REFUND, payment.purchase, operation, ANA, amount=4000, reason="duplicate")
    await actions.perform(wish)
    found: Any = shop.sandbox.stripe().v1.refunds.list({"payment_intent": payment.stripe_intent_id})
    return str(next(one.id for one in found.data if one.metadata["operation_id"] == operation))


async def fail(shop: World, refund: str) -> None:
    await shop.advance(timedelta(days=5))
    shop.sandbox.control("POST", f"refunds/{refund}", {"status": "failed"})
    await shop.deliver(times=2)
    await send_mail()


async def test_22_a_refund_that_was_told_and_came_back_is_corrected_once(shop: World):
    booking, refund = await refunded(shop)
    await fail(shop, refund)
    assert await templates() == [*TOLD, "refund_failed"]
    mail = files()[-1]
    assert mail["Subject"] == "Your refund of $40.00 came back to us"
    part = mail.get_body(("plain",))
    assert part is not None
    said = " ".join(part.get_content().split())
    assert "Your bank could not take it and returned it to us." in said
    assert "$40.00 not refunded yet" in said
    # Made anew, it is told like any other refund.
    await give_back(shop, booking)
    await send_mail()
    assert await templates() == [*TOLD, "refund_failed", "refunded"]
    assert "$40.00 of $96.00 refunded" in str(files()[-1].get_body(("plain",)))


async def test_22_the_desk_lists_the_correction(shop: World):
    _, refund = await refunded(shop)
    await fail(shop, refund)
    ana = await sign_in(shop)
    page = text(await ana.page("/mail"))
    assert "Refund came back" in page and "Your refund of $40.00 came back to us" in page


async def test_23_a_dispute_is_the_desks_affair_and_mailed_to_nobody(shop: World):
    booked = await shop.book(2 * HOUR)
    await shop.advance(4 * HOUR)
    await shop.call(booked["id"], "capture-payment")
    charge = (await shop.payment(booked["id"])).stripe_charge_id
    opened = shop.sandbox.control("POST", f"charges/{charge}/dispute", {})
    await shop.deliver()
    for status in ("under_review", "lost"):
        shop.sandbox.control("POST", f"disputes/{opened['id']}", {"status": status})
        await shop.deliver()
    await send_mail()
    assert await templates() == ["reserved", "paid"]


def test_every_template_has_a_name_in_the_list():
    assert set(TEMPLATE_NAMES) == set(Template)
