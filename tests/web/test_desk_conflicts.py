"""Two clicks, two people, stale forms, lost answers: one call to Stripe, and words that tell it."""

import asyncio
from datetime import timedelta

import pytest

from dashboard.payments.facts import Status
from dashboard.payments.tables import Payment, Purchase
from tests.web.desk import fields, sign_in, text
from tests.world import World


async def held(world: World, **changes: object) -> int:
    booking = await world.book(**changes)  # type: ignore[arg-type]
    return int((await world.payment(booking["id"])).id)


async def payment(payment_id: int) -> Payment:
    found = await Payment.objects().get(Payment.id == payment_id)
    assert found is not None
    return found


async def test_a_double_click_is_one_call(world: World):
    hold, ana = await held(world), await sign_in(world)
    given = await ana.form(hold, "capture")
    answers = await asyncio.gather(*(ana.send(hold, "capture", given) for _ in range(4)))
    assert {answer.status_code for answer in answers} <= {303, 202, 409}
    again = await ana.send(hold, "capture", given)
    assert again.status_code == 303
    assert len(world.money_calls("/capture")) == 1


@pytest.mark.parametrize("number", ["9" * 5000, "9" * 19, "\u00b2", "0x1", "http://[x/holds/1"])
async def test_a_strange_address_behind_the_dialog_spoils_no_answer(world: World, number: str):
    hold, ana = await held(world), await sign_in(world)
    given = await ana.form(hold, "capture")
    place = number if "/" in number else f"/holds/{number}"
    behind = {b"HX-Request": b"true", b"HX-Current-URL": place.encode("latin-1")}
    told = {name.encode(): value.encode() for name, value in ana.headers.items()}
    answer = await ana.browser.post(f"/holds/{hold}/captures", data=given, headers=told | behind)
    assert answer.status_code == 200, text(answer)
    assert (await payment(hold)).payment_status == Status.CAPTURED


async def test_15_two_people_at_once_are_one_call_and_the_loser_learns_who_and_when(world: World):
    hold = await held(world)
    ana, finn = await sign_in(world), await sign_in(world, "finance", "Finn")
    first, second = await ana.form(hold, "capture"), await finn.form(hold, "capture")
    assert (await ana.send(hold, "capture", first)).status_code == 303
    await world.advance(timedelta(seconds=8))
    lost = await finn.send(hold, "capture", second)
    assert lost.status_code == 409
    said = text(lost)
    assert "Ana captured this" in said and "ago. Nothing was charged twice." in said
    assert len(world.money_calls("/capture")) == 1


async def test_7_a_stale_form_shows_the_fresh_numbers(world: World):
    hold, ana = await held(world), await sign_in(world)
    await ana.move(hold, "capture")
    stale = await ana.form(hold, "refund")
    await ana.move(hold, "refund", amount="40", reason="lesson_went_wrong")
    given = stale | {"reason": "other", "note": "He asked nicely"}
    answer = await ana.send(hold, "refund", given)
    assert answer.status_code == 409
    assert "The numbers have changed" in text(answer)
    assert "Refund $56.00" in text(answer) and "He asked nicely" in answer.text
    assert len(world.money_calls("/v1/refunds")) == 1


async def test_a_lesson_that_was_given_meanwhile_is_not_given_away_by_an_old_form(world: World):
    hold, ana = await held(world), await sign_in(world)
    old = await ana.form(hold, "release")
    its = Purchase.id == (await payment(hold)).purchase
    await Purchase.update({"owed": 9600}).where(its)
    given = old | {"reason": "other", "note": "He asked nicely"}
    answer = await ana.send(hold, "release", given)
    assert answer.status_code == 409, text(answer)
    assert "something is owed" in text(answer) and "He asked nicely" in answer.text
    assert world.money_calls("/cancel") == []
    # Who has read that decides.
    again = await ana.send(hold, "release", fields(answer) | {"reason": "duplicate"})
    assert again.status_code == 303
    assert (await payment(hold)).payment_status == Status.RELEASED


async def test_an_operation_id_that_was_used_for_another_amount_is_refused(world: World):
    hold, ana = await held(world), await sign_in(world)
    given = await ana.form(hold, "capture")
    given.pop("agreed")
    await ana.send(hold, "capture", given | {"scope": "part", "amount": "60"})
    other = await ana.send(hold, "capture", given | {"scope": "part", "amount": "50"})
    assert other.status_code == 422
    assert len(world.money_calls("/capture")) == 1


async def test_4_an_open_operation_is_named_and_has_no_money_buttons(world: World):
    hold = await held(world)
    ana, finn = await sign_in(world), await sign_in(world, "finance", "Finn")
    given, rival = await ana.form(hold, "capture"), await finn.form(hold, "capture")
    world.sandbox.fault("before", "drop", "/v1/payment_intents/*/capture")
    answer = await ana.send(hold, "capture", given)
    assert answer.status_code == 202
    for reader in (ana, finn):
        page = await reader.page(f"/holds/{hold}")
        assert "Stripe hasn't answered" in text(page) and "Ask Stripe again" in text(page)
        assert f"/holds/{hold}/capture" not in page.text
    assert f"/holds/{hold}/capture" not in (await finn.page("/holds")).text
    busy = await finn.send(hold, "capture", rival)
    assert busy.status_code == 409 and "Stripe hasn't answered" in text(busy)
    asked = await finn.browser.post(
        f"/holds/{hold}/ask", data={"_csrf": finn.csrf}, headers=finn.headers
    )
    assert asked.status_code == 303
    assert (await payment(hold)).captured_amount == 9600
    assert len(world.money_calls("/capture")) == 1


async def test_stripe_out_of_reach_says_so_with_the_age_of_the_numbers(world: World):
    hold, ana = await held(world), await sign_in(world)
    given = await ana.form(hold, "capture")
    world.sandbox.fault("before", "drop", "/v1/payment_intents/*/capture")
    await ana.send(hold, "capture", given)
    world.sandbox.fault("before", "drop", "/v1/*", method="GET", times=9)
    asked = await ana.browser.post(
        f"/holds/{hold}/ask", data={"_csrf": ana.csrf}, headers=ana.headers
    )
    assert asked.status_code == 503
    assert "Stripe can't be reached" in text(asked) and "What you see is from" in text(asked)
    world.sandbox.control("DELETE", "faults")


async def test_a_capture_that_stripe_refuses_is_told_and_may_be_tried_again(world: World):
    hold, ana = await held(world), await sign_in(world)
    given = await ana.form(hold, "capture")
    world.sandbox.stripe().v1.payment_intents.cancel((await payment(hold)).stripe_intent_id or "")
    answer = await ana.send(hold, "capture", given)
    assert answer.status_code in (409, 422)
    assert "Stripe refused" in text(answer) and "Nothing was moved." in text(answer)
    assert (await payment(hold)).payment_status == Status.RELEASED


@pytest.mark.parametrize(
    "wanted", ["//[x", "/\\[x", "http://[", "//a\u2100b", "//x.test", "/\\x.test"]
)
async def test_a_crafted_way_back_leads_home_and_breaks_nothing(world: World, wanted: str):
    ana = await sign_in(world)
    given = {"_csrf": ana.csrf, "theme": "dark", "back": wanted}
    answer = await ana.browser.post("/theme", data=given, headers=ana.headers)
    assert (answer.status_code, answer.headers.get("location")) == (303, "/holds")
