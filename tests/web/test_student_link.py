"""What the student is asked to do stands on the hold's page, and its e-mail can go out again."""

import httpx

from dashboard import clock
from dashboard.bookings import pay_links
from dashboard.mail.tables import Message
from jobs.mail import send_mail
from tests.bookings.renewing import ASKS, DAY, MINUTE, walk
from tests.mail.conftest import files, post_office, shop
from tests.web.desk import Person, hidden, sign_in, text
from tests.world import World

__all__ = ["post_office", "shop"]


async def asked(shop: World) -> tuple[Person, int, int]:
    """A booking whose bank wants the student; who looks, its payment and its number."""
    answer = await shop.post_booking(payment_method=ASKS)
    booking_id = answer.json()["booking"]["id"]
    payment = await shop.payment(booking_id)
    return await sign_in(shop), int(payment.id), int(booking_id)


async def press(ana: Person, payment_id: int) -> httpx.Response:
    page = await ana.page(f"/holds/{payment_id}")
    return await ana.browser.post(
        f"/holds/{payment_id}/link", data={"_csrf": hidden(page, "_csrf")}, headers=ana.headers
    )


async def test_what_the_bank_asks_of_the_student_stands_on_the_page_until_it_is_over(shop: World):
    ana, payment_id, booking_id = await asked(shop)
    page = await ana.page(f"/holds/{payment_id}")
    assert "Confirm the payment with the bank until" in text(page)
    assert pay_links.address(booking_id) in page.text
    await walk(shop, clock.now() + 31 * MINUTE)
    assert "The student is asked" not in text(await ana.page(f"/holds/{payment_id}"))


async def test_a_declined_card_shows_when_its_e_mail_went_out(shop: World):
    answer = await shop.post_booking(payment_method="pm_card_chargeDeclined")
    ana, payment = await sign_in(shop), await shop.payment(answer.json()["booking"]["id"])
    assert "No e-mail about it yet" in text(await ana.page(f"/holds/{payment.id}"))
    await send_mail()
    shown = text(await ana.page(f"/holds/{payment.id}"))
    assert "Pay with a card" in shown and "E-mail Sent" in shown


async def test_the_e_mail_goes_out_again_once_per_minute_under_a_new_id(shop: World):
    answer = await shop.post_booking(payment_method="pm_card_chargeDeclined")
    ana, payment = await sign_in(shop), await shop.payment(answer.json()["booking"]["id"])
    await send_mail()
    first = files()[0]["Message-ID"]
    await shop.move_to(clock.now() + 4 * DAY)
    for status in (303, 409):
        assert (await press(ana, int(payment.id))).status_code == status
    assert "Due to be sent, again by Ana" in text(await ana.page(f"/holds/{payment.id}"))
    await send_mail()
    row = await Message.objects().first()
    assert row is not None and (row.state, row.resent_by) == ("sent", "Ana")
    assert files()[-1]["Message-ID"] != first
    assert (await press(ana, int(payment.id))).status_code == 409
    await shop.move_to(clock.now() + 2 * MINUTE)
    assert (await press(ana, int(payment.id))).status_code == 303


async def test_a_viewer_sees_no_link_and_can_not_send_it(shop: World):
    _, payment_id, _ = await asked(shop)
    looker = await sign_in(shop, "viewer")
    page = await looker.page(f"/holds/{payment_id}")
    assert "The student is asked" in text(page) and "/pay/" not in page.text
    answer = await looker.browser.post(
        f"/holds/{payment_id}/link", data={"_csrf": hidden(page, "_csrf")}, headers=looker.headers
    )
    assert answer.status_code == 403
