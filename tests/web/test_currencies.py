"""Dollars, euros, yen and dinars in one desk: own decimals, own minimum, one sum per currency."""

import re
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest

from dashboard import settings
from dashboard.bookings import catalog
from dashboard.mail.tables import Message
from dashboard.payments.tables import Payment, PaymentEvent
from jobs.mail import send_mail
from tests.web.desk import Person, sign_in, text
from tests.world import World

HOUR = timedelta(hours=1)
HOLD = timedelta(hours=5).total_seconds()
NAMES = ("usd", "eur", "jpy", "kwd")


@dataclass(frozen=True)
class Said:
    """How 9600, half, 6000, 3600 and 2000 minor units are written, typed, and typed wrongly."""

    whole: str
    half: str
    part: str
    rest: str
    back: str
    types: str
    returns: str
    least: tuple[str, str]
    wrong: tuple[str, ...]


SAID = {
    "usd": Said(
        *("$96.00", "$48.00", "$60.00", "$36.00", "$20.00", "$60", "20.00"),
        ("0.49", "$0.50"),
        ("1.234", "12,50", "¥1200", "€60", "60,00", "-60", "6e1"),
    ),
    "eur": Said(
        *("€96.00", "€48.00", "€60.00", "€36.00", "€20.00", "60.00 EUR", "€20"),
        ("0.49", "€0.50"),
        ("1.234", "12,50", "$60", "60 USD", "60,00"),
    ),
    "jpy": Said(
        *("¥9,600", "¥4,800", "¥6,000", "¥3,600", "¥2,000", "¥6,000", "2000"),
        ("49", "¥50"),
        ("1.234", "12,50", "60.00", "$60", "6000.0"),
    ),
    "kwd": Said(
        *("KWD 9.600", "KWD 4.800", "KWD 6.000", "KWD 3.600", "KWD 2.000", "KWD 6", "2.000"),
        ("0.140", "KWD 0.150"),
        ("1.234", "12,50", "6.0001", "¥6", "$6"),
    ),
}


async def teachers(world: World) -> dict[str, int]:
    """An instructor per currency, each at 9600 minor units an hour."""
    euro = await catalog.add_instructor(
        "Teacher eur", "eur@example.test", 9600, "eur", subject="piano"
    )
    return {"usd": world.catalog.usd, "eur": euro, "jpy": world.catalog.jpy} | {
        "kwd": world.catalog.kwd
    }


async def book(world: World, currency: str, **changes: Any) -> tuple[int, int]:
    """A lesson in this currency: the booking and its payment."""
    teacher = (await teachers(world) if currency == "eur" else vars(world.catalog))[currency]
    booked = await world.book(instructor_id=teacher, **changes)
    assert booked["currency"] == currency
    return booked["id"], int((await world.payment(booked["id"])).id)


async def said(person: Person, address: str) -> str:
    """What a page says, with plain blanks."""
    return text(await person.page(address)).replace("\xa0", " ")


async def mails() -> list[str]:
    return [row.text.replace("\xa0", " ") for row in await Message.objects().order_by(Message.id)]


@pytest.mark.parametrize("currency", NAMES)
async def test_27_from_booking_to_refund_every_amount_has_its_decimals(world: World, currency: str):
    words = SAID[currency]
    _, payment = await book(world, currency, starts_in=HOUR)
    await send_mail()
    await world.advance(2 * HOUR)
    ana = await sign_in(world, "finance")
    page = await said(ana, f"/holds/{payment}")
    assert f"{words.whole} is held for Maya Chen" in page and f"Held {words.whole}" in page
    form = await said(ana, f"/holds/{payment}/capture")
    assert f"Capture {words.whole}" in form
    assert (await ana.move(payment, "capture", amount=words.types)).status_code in (200, 303)
    page = await said(ana, f"/holds/{payment}")
    assert f"Maya Chen paid {words.part} of {words.whole}" in page
    assert f"{words.rest} given back" in page and f"Released {words.rest}" in page
    answer = await ana.move(payment, "refund", amount=words.returns, reason="duplicate")
    assert answer.status_code in (200, 303)
    page = await said(ana, f"/holds/{payment}")
    assert f"paid {words.part} and got {words.back} back" in page
    assert f"{words.back} of {words.part} refunded" in page
    await send_mail()
    reserved, paid, refunded = await mails()
    assert f"{words.whole} reserved" in reserved
    assert f"{words.part} of {words.whole} paid" in paid
    assert f"{words.back} of {words.part} refunded" in refunded


@pytest.mark.parametrize("currency", NAMES)
async def test_27_what_is_typed_in_another_notation_moves_nothing(world: World, currency: str):
    words = SAID[currency]
    _, payment = await book(world, currency)
    ana = await sign_in(world, "finance")
    for typed in words.wrong:
        answer = await ana.move(payment, "capture", amount=typed)
        assert answer.status_code == 422, typed
        assert f'value="{typed}"' in answer.text, typed
    too_little, least = words.least
    answer = await ana.move(payment, "capture", amount=too_little)
    assert answer.status_code == 422
    assert f"Enter {least} or more." in text(answer).replace("\xa0", " ")
    assert world.money_calls("/capture") == []


@pytest.mark.parametrize("currency", NAMES)
async def test_27_a_late_fee_is_half_in_the_currencys_own_steps(world: World, currency: str):
    words = SAID[currency]
    booking, payment = await book(world, currency, starts_in=2 * HOUR)
    answer = await world.call(booking, "cancel", {"by": "student", "reason": "ill"})
    assert answer.status_code == 200, answer.text
    await world.tick()
    ana = await sign_in(world, "finance")
    page = await said(ana, f"/holds/{payment}")
    assert f"Maya Chen paid {words.half} of {words.whole}" in page
    assert f"Waive the fee of {words.half}" in page
    assert words.half in await said(ana, f"/holds/{payment}/waive")
    await send_mail()
    assert f"{words.half} of {words.whole} paid" in (await mails())[-1]


@pytest.mark.parametrize(
    ("currency", "rate", "minutes", "price", "fee"),
    [
        ("usd", 1201, 25, 500, 250),
        ("jpy", 1201, 25, 500, 250),
        ("kwd", 4810, 25, 2000, 1000),
        ("kwd", 4850, 25, 2020, 1010),
        ("kwd", 4870, 30, 2430, 1210),
        ("eur", 50, 30, 50, 0),
    ],
)
async def test_27_prices_and_fees_fall_to_the_step_and_never_below_the_minimum(
    world: World, currency: str, rate: int, minutes: int, price: int, fee: int
):
    teacher = await catalog.add_instructor(
        "Odd", "odd@example.test", rate, currency, subject="piano"
    )
    booked = await world.book(2 * HOUR, instructor_id=teacher, minutes=minutes)
    assert booked["price"] == price
    await world.call(booked["id"], "cancel", {"by": "student", "reason": "ill"})
    await world.tick()
    payment = await world.payment(booked["id"])
    assert (payment.captured_amount, payment.payment_status) == (
        fee,
        "captured" if fee else "released",
    )


async def test_27_side_by_side_no_page_adds_one_currency_to_another(world: World):
    payments = {}
    known = await teachers(world)
    for currency in NAMES:
        world.sandbox.next_authorization(HOLD)
        booked = await world.book(starts_in=HOUR, instructor_id=known[currency])
        payments[currency] = (await world.payment(booked["id"])).id
    world.sandbox.next_authorization(HOLD)
    await world.book(starts_in=HOUR, instructor_id=known["eur"])
    ana = await sign_in(world, "finance")
    page = await said(ana, "/holds")
    assert "5 holds worth $96.00, €192.00, ¥9,600 and KWD 9.600 expire" in page
    for strip in ("USD", "EUR", "JPY", "KWD"):
        assert strip in page
    assert re.search(r'aria-label="[^"]*: 1 hold, ¥9,600"', (await ana.page("/holds")).text)
    for currency, amount in (("usd", "$96.00"), ("eur", "€96.00"), ("jpy", "¥9,600")):
        assert f"Capture {amount}" in page, currency
    for added in ("$192", "$288", "19,200", "¥9,696", "28.800"):
        assert added not in page
    # An amount is found in its own currency alone.
    assert (await ana.page("/holds?q=¥9,600&view=all")).text.count("data-row") == 1
    assert (await ana.page("/holds?q=€96.00&view=all")).text.count("data-row") == 2
    totals: dict[str, int] = {}
    for event in await PaymentEvent.objects().where(PaymentEvent.kind == "authorized"):
        row = await Payment.objects().get(Payment.id == event.payment)
        assert row is not None and row.currency == event.currency
        totals[row.currency] = totals.get(row.currency, 0) + event.amount
    assert totals == {"usd": 9600, "eur": 19200, "jpy": 9600, "kwd": 9600}


@pytest.mark.parametrize("currency", ["eur", "jpy", "kwd"])
async def test_27_supports_limit_holds_in_our_own_currency_alone(world: World, currency: str):
    assert settings.current().default_currency == "usd"
    _, payment = await book(world, currency)
    _, own = await book(world, "usd")
    ana, fiona = await sign_in(world), await sign_in(world, "finance", "Fiona")
    for one in (payment, own):
        assert (await ana.move(one, "capture")).status_code in (200, 303)
    refused = await ana.move(payment, "refund", amount="1", reason="duplicate")
    assert refused.status_code in (403, 422)
    assert f"Refunds in {currency.upper()} need finance." in text(refused)
    assert (await ana.move(own, "refund", amount="1", reason="duplicate")).status_code in (200, 303)
    done = await fiona.move(payment, "refund", amount="1", reason="duplicate")
    assert done.status_code in (200, 303)
    assert len(world.money_calls("/v1/refunds")) == 2


async def test_27_a_package_in_yen_is_sold_counted_and_given_back_in_yen(world: World):
    package = await catalog.add_package("Three lessons", 3, 10000, "jpy")
    booked = await world.book(is_package=True, package_id=package, instructor_id=world.catalog.jpy)
    ana = await sign_in(world, "finance")
    page = await said(ana, f"/packages/{booked['package_id']}")
    # 10,000 × 1 ÷ 3 = 3,333, and the other two lessons are worth the rest.
    assert "¥10,000" in page and "¥3,333" in page and "¥6,667" in page
    assert "100.00" not in page and "66.67" not in page
