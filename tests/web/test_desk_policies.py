"""Packages, waivers and what-if at the desk: pages, forms, and what they refuse."""

from datetime import timedelta
from typing import Any

import httpx
import pytest

from dashboard import clock, settings
from tests.bookings.test_packages import MAYA, redeem
from tests.web.desk import Person, fields, sign_in, text
from tests.web.test_routes_and_roles import dump
from tests.world import World

HOUR = timedelta(hours=1)


async def post(person: Person, path: str, **given: str) -> httpx.Response:
    data = {"_csrf": person.csrf, **given}
    return await person.browser.post(path, data=data, headers=person.headers)


async def late_fee(world: World, **changes: Any) -> tuple[Any, int]:
    """A captured late fee of half the price, and its payment's id."""
    booked = await world.book(HOUR, **changes)
    await world.call(booked["id"], "cancel", {"by": "student"})
    return booked, int((await world.payment(booked["id"])).id)


# Packages.


async def test_a_packages_page_shows_each_lesson_and_what_a_refund_gives(world: World):
    booked = await world.buy_package(student=MAYA)
    await redeem(world, booked["package_id"], 3)
    ana = await sign_in(world)
    hold = (await world.payment(booked["id"])).id
    number = booked["package_id"]
    assert f'href="/packages/{number}"' in (await ana.page(f"/holds/{hold}")).text
    said = text(await ana.page(f"/packages/{number}"))
    assert "3 of 5 lessons of Maya Chen are free" in said
    assert "$420.00 was paid for 5 lessons; 2 lessons are used or booked, worth $168.00" in said
    assert "$252.00 is left for the unused lessons." in said
    assert "Refund unused lessons $252.00…" in said
    answer = await ana.page("/packages/999")
    assert answer.status_code == 404 and "no such package" in answer.text


async def test_support_sees_that_a_large_refund_needs_finance_who_makes_it(world: World):
    booked = await world.buy_package(student=MAYA)
    await redeem(world, booked["package_id"], 3)
    path = f"/packages/{booked['package_id']}/refunds"
    ana = await sign_in(world)
    page = await ana.page(path)
    assert "Refunds above $200.00 need finance." in text(page)
    assert fields(page) == {}
    asked = {"decision": "d1", "agreed": "25200", "reason": "Moved away"}
    assert (await post(ana, path, **asked)).status_code == 403
    assert world.money_calls("/refunds") == []
    finn = await sign_in(world, "finance", "Finn")
    page = await finn.page(path)
    assert "Refund $252.00" in text(page)
    asked = fields(page)
    answer = await post(finn, path, **asked)
    assert answer.status_code == 422 and "Say in a sentence why" in answer.text
    answer = await post(finn, path, **asked, reason="Moved away")
    assert answer.status_code == 303
    # The same form from another tab, or after the back button.
    assert (await post(finn, path, **asked, reason="Moved away")).status_code == 303
    assert len(world.money_calls("/refunds")) == 1
    said = text(await finn.page(f"/packages/{booked['package_id']}"))
    assert "0 of 5 lessons of Maya Chen are free" in said and said.count("Refunded") == 3
    answer = await finn.page(path)
    assert answer.status_code == 409 and "No lesson of this package is left" in text(answer)


async def test_a_form_that_showed_another_amount_is_refused_with_the_fresh_one(world: World):
    booked = await world.buy_package(student=MAYA)
    path = f"/packages/{booked['package_id']}/refunds"
    finn = await sign_in(world, "finance", "Finn")
    asked = fields(await finn.page(path))
    await redeem(world, booked["package_id"], 3)
    answer = await post(finn, path, **asked, reason="Moved away")
    assert answer.status_code == 409
    assert "numbers have changed" in text(answer) and "Refund $252.00" in text(answer)
    assert "Moved away" in answer.text
    assert world.money_calls("/refunds") == []


@pytest.mark.parametrize("door", ["packages", "holds"])
async def test_finance_withdraws_a_failed_refund_and_the_lessons_are_free(world: World, door: str):
    booked = await world.buy_package(student=MAYA, payment_method="pm_card_refundFail")
    number, hold = booked["package_id"], (await world.payment(booked["id"])).id
    finn = await sign_in(world, "finance", "Finn")
    path = f"/packages/{number}/refunds"
    await post(finn, path, **fields(await finn.page(path)), reason="Moved away")
    await world.advance(timedelta(minutes=5))
    await world.deliver()
    said = text(await finn.page(f"/packages/{number}"))
    assert "Withdraw the refund…" in said and said.count("Reserved for the refund") == 4
    ana = await sign_in(world)
    assert "Withdraw" not in text(await ana.page(f"/packages/{number}"))
    keep = {"packages": f"/packages/{number}/withdraw", "holds": f"/holds/{hold}/keep"}[door]
    assert (await post(ana, keep, reason="No")).status_code == 403
    assert (await post(finn, keep, reason=" ")).status_code == 422
    assert (await post(finn, keep, reason="She stays")).status_code == 303
    assert (await post(finn, keep, reason="She stays")).status_code == 409
    said = text(await finn.page(f"/packages/{number}"))
    assert "4 of 5 lessons of Maya Chen are free" in said
    assert "Refund withdrawn She stays Finn" in text(await finn.page(f"/holds/{hold}"))


# Waivers.


async def test_support_waives_a_late_fee_and_the_story_tells_it(world: World):
    booked, hold = await late_fee(world)
    ana = await sign_in(world)
    assert "Waive the fee of $48.00…" in text(await ana.page(f"/holds/{hold}"))
    page = await ana.page(f"/holds/{hold}/waive")
    assert "Maya gets $48.00 back and has then paid nothing." in text(page)
    asked = fields(page)
    answer = await post(ana, f"/holds/{hold}/waivers", **asked)
    assert answer.status_code == 422 and "Say in a sentence why" in answer.text
    for _ in range(2):
        answer = await post(ana, f"/holds/{hold}/waivers", **asked, reason="Train was late")
        assert answer.status_code == 303
    said = text(await ana.page(f"/holds/{hold}"))
    assert "Fee waived Train was late Ana" in said
    assert "Waive the fee" not in said
    assert (await world.look(booked["id"]))["refunded_amount"] == 4800
    assert len(world.money_calls("/refunds")) == 1
    answer = await ana.page(f"/holds/{hold}/waive")
    assert answer.status_code == 409 and "No fee is owed" in text(answer)


async def test_a_part_is_looked_at_before_it_is_waived_without_scripts(world: World):
    booked, hold = await late_fee(world)
    ana = await sign_in(world)
    asked = fields(await ana.page(f"/holds/{hold}/waive")) | {"scope": "part", "amount": "28"}
    # The button still names all of it.
    answer = await post(ana, f"/holds/{hold}/waivers", **asked, reason="Kind")
    assert answer.status_code == 422 and "another amount" in text(answer)
    look = await post(ana, f"/holds/{hold}/waive", **asked, reason="Kind")
    assert look.status_code == 200
    assert "gets $28.00 back and has then paid $20.00" in text(look)
    assert "Waive $28.00" in text(look) and "Kind" in look.text
    asked = fields(look) | {"scope": "part"}
    assert (await post(ana, f"/holds/{hold}/waivers", **asked, reason="Kind")).status_code == 303
    assert (await world.look(booked["id"]))["refunded_amount"] == 2800


@pytest.mark.parametrize(
    ("amount", "said"),
    [
        ("", "Enter an amount"),
        ("a lot", "Enter an amount"),
        ("48.01", "Enter $48.00 or less."),
        ("47.80", "What is left to pay must be $0.50 or more, or nothing at all."),
        ("0", "Enter $0.01 or more."),
    ],
)
async def test_a_part_that_can_not_be_is_refused_at_the_field(world: World, amount: str, said: str):
    booked, hold = await late_fee(world)
    ana = await sign_in(world)
    asked = fields(await ana.page(f"/holds/{hold}/waive")) | {"scope": "part", "amount": amount}
    answer = await post(ana, f"/holds/{hold}/waivers", **asked, reason="Kind")
    assert answer.status_code == 422 and said in text(answer)
    assert 'aria-describedby="amount-fault"' in answer.text
    assert (await world.look(booked["id"]))["refunded_amount"] == 0


async def test_a_waiver_of_a_fee_that_has_changed_is_stale(world: World):
    _, hold = await late_fee(world)
    ana = await sign_in(world)
    first, second = [fields(await ana.page(f"/holds/{hold}/waive")) for _ in range(2)]
    part = {"scope": "part", "amount": "8", "agreed": "800", "reason": "Kind"}
    assert (await post(ana, f"/holds/{hold}/waivers", **(first | part))).status_code == 303
    answer = await post(ana, f"/holds/{hold}/waivers", **(second | part))
    assert answer.status_code == 409
    assert "numbers have changed" in text(answer) and "$40.00" in text(answer)
    assert len(world.money_calls("/refunds")) == 1


async def test_a_captured_fee_above_the_limit_needs_finance_at_the_desk_too(world: World):
    booked, hold = await late_fee(world, minutes=300)
    ana = await sign_in(world)
    asked = fields(await ana.page(f"/holds/{hold}/waive"))
    answer = await post(ana, f"/holds/{hold}/waivers", **asked, reason="Kind")
    assert "Refunds above $200.00 need finance." in text(answer)
    assert answer.status_code in (403, 422)
    assert (await world.look(booked["id"]))["refunded_amount"] == 0
    finn = await sign_in(world, "finance", "Finn")
    asked = fields(await finn.page(f"/holds/{hold}/waive"))
    assert (await post(finn, f"/holds/{hold}/waivers", **asked, reason="Kind")).status_code == 303
    assert (await world.look(booked["id"]))["refunded_amount"] == 24000


# What if.


async def test_what_if_tells_the_clause_what_moves_and_the_mail(world: World):
    booked = await world.book()
    hold = (await world.payment(booked["id"])).id
    viewer = await sign_in(world, "viewer", "Vera")
    assert f"/holds/{hold}/what-if" in (await viewer.page(f"/holds/{hold}")).text
    before, asked = await dump(), len(world.sandbox.requests())
    path = f"/holds/{hold}/what-if"
    said = text(await viewer.page(f"{path}?what=student_cancels&when=late"))
    assert "Maya has paid $48.00 in the end" in said
    assert "The late fee is 50 %: 48.00 USD." in said and "Student late" in said
    assert "Captured; $48.00 given back" in said
    assert "E-mail: $48.00 of $96.00 paid" in said
    assert "This is the late fee." in said
    said = text(await viewer.page(f"{path}?what=student_cancels&when=free"))
    assert "Maya has paid nothing in the end" in said and "$96.00 released" in said
    said = text(await viewer.page(path))
    assert "Maya has paid $96.00 in the end" in said
    assert await dump() == before
    assert len(world.sandbox.requests()) == asked


@pytest.mark.parametrize(
    ("query", "status", "said"),
    [
        ("what=student_no_show&when=now", 200, "has not begun: it can be cancelled"),
        ("when=at&at=yesterday", 422, "Enter a date and a time"),
        ("when=at&at=2001-01-01T10:00", 422, "That time is past"),
        ("when=at&at=2999-01-01T10:00", 422, "more than two years ahead"),
        ("when=at&at=2026-12-01T10:00%2B01:00", 422, "Enter a date and a time"),
        ("when=soon", 422, "Choose another one"),
        ("what=nonsense&lesson=x", 200, "Nobody does anything"),
    ],
)
async def test_a_question_that_can_not_be_asked_says_why(
    world: World, query: str, status: int, said: str
):
    booked = await world.book()
    hold = (await world.payment(booked["id"])).id
    viewer = await sign_in(world, "viewer", "Vera")
    answer = await viewer.page(f"/holds/{hold}/what-if?{query}")
    assert (answer.status_code, said in text(answer)) == (status, True), text(answer)


async def test_the_address_alone_asks_the_question_in_the_desks_zone(world: World):
    booked = await world.book()
    hold = (await world.payment(booked["id"])).id
    viewer = await sign_in(world, "viewer", "Vera")
    zone = settings.current().zone
    at = (clock.now() + HOUR).astimezone(zone).strftime("%Y-%m-%dT%H:%M")
    answer = await viewer.page(f"/holds/{hold}/what-if?what=instructor_cancels&when=at&at={at}")
    assert at in answer.text and "The instructor cancelled. Nothing is charged." in text(answer)


async def test_what_if_for_a_package_asks_which_lesson(world: World):
    booked = await world.buy_package(student=MAYA)
    second = (await redeem(world, booked["package_id"], 3)).json()["booking"]["id"]
    hold = (await world.payment(booked["id"])).id
    viewer = await sign_in(world, "viewer", "Vera")
    path = f"/holds/{hold}/what-if?what=student_cancels&when=late&lesson={second}"
    answer = await viewer.page(path)
    assert f'value="{second}" selected' in answer.text
    assert "The lesson counts as used" in text(answer)
    assert "No money moves, and nobody is written to." in text(answer)


async def test_nobody_can_say_while_a_movement_is_under_way(world: World):
    booked = await world.book()
    hold = (await world.payment(booked["id"])).id
    world.sandbox.fault("before", "drop", "/v1/payment_intents/*/capture", times=3)
    await world.call(booked["id"], "complete")
    viewer = await sign_in(world, "viewer", "Vera")
    said = text(await viewer.page(f"/holds/{hold}/what-if"))
    assert "Ask when it has ended." in said
