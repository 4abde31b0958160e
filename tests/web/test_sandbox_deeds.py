"""What the playground does to webhooks, to the next calls and to one payment at its bank."""

import re

import pytest

from dashboard.payments.facts import Status
from tests.web.desk import sign_in, text
from tests.web.test_sandbox_page import audited, book, latest, press
from tests.world import World

# Webhooks.


async def test_the_newest_webhooks_stand_there_with_their_state(world: World):
    await world.book()
    page = await (await sign_in(world)).page("/sandbox")
    said = text(page)
    assert "Webhooks are held back" in said
    assert "payment_intent.amount_capturable_updated" in said and "Held back" in said


@pytest.mark.parametrize(
    ("deed", "said"), [("send", "are sent at once"), ("drop", "are dropped"), ("hold", "held back")]
)
async def test_webhooks_are_treated_as_chosen(world: World, deed: str, said: str):
    ana = await sign_in(world)
    answer = await press(ana, "/webhooks", deed=deed)
    assert f"Webhooks {said}" in text(answer).replace("are held", "held")
    assert world.sandbox.control("GET", "webhooks")["mode"] == deed
    assert any(deed in line and "Ana" in line for line in await audited())


async def test_one_webhook_is_dropped_delayed_or_held(world: World):
    await world.book()
    ana = await sign_in(world)
    first, second = (row["id"] for row in world.sandbox.deliveries("held")[:2])
    answer = await press(ana, f"/webhooks/{first}", deed="drop")
    assert "1 webhook will never arrive" in text(answer)
    answer = await press(ana, f"/webhooks/{second}", deed="delay")
    assert "1 webhook waits" in text(answer) and "Waits until" in text(answer)
    await press(ana, f"/webhooks/{second}", deed="hold")
    states = {row["id"]: row["state"] for row in world.sandbox.deliveries()}
    assert (states[first], states[second]) == ("dropped", "held")


async def test_all_that_is_held_is_dropped_at_once(world: World):
    await world.book()
    count = len(world.sandbox.deliveries("held"))
    answer = await press(await sign_in(world), "/webhooks", deed="forget")
    assert f"{count} webhooks will never arrive" in text(answer)
    assert world.sandbox.deliveries("held") == []


async def test_what_the_sandbox_refuses_is_said_in_its_words(world: World):
    await world.book()
    ana = await sign_in(world)
    answer = await press(ana, "/webhooks", deed="release")
    assert answer.status_code == 409 and "There is no webhook address" in text(answer)
    for path, deed in (("/webhooks", "boil"), ("/webhooks/1", "boil"), ("/webhooks/99999", "drop")):
        assert (await press(ana, path, deed=deed)).status_code == 409


# Troubles.


async def test_an_armed_trouble_meets_the_next_capture_and_harms_nothing(world: World):
    booked = await world.book()
    ana = await sign_in(world)
    answer = await press(ana, "/faults", call="capture", kind="drop", when="after", times="1")
    assert "One trouble is armed" in text(answer)
    assert "Capture. The next time, Stripe loses the connection, after" in text(answer)
    await world.call(booked["id"], "capture-payment")
    await world.tick()
    assert (await world.payment(booked["id"])).captured_amount == 9600
    assert len(world.money_calls("/capture")) == 1
    assert "No trouble is armed" in text(await ana.page("/sandbox"))


async def test_a_trouble_is_taken_back_alone_or_with_all_others(world: World):
    ana = await sign_in(world)
    for call in ("create", "refund", "cancel"):
        await press(ana, "/faults", call=call, kind="500", when="before", times="5")
    first = world.sandbox.control("GET", "faults")["faults"][0]["id"]
    answer = await press(ana, "/faults", disarm=str(first))
    assert "2 troubles are armed" in text(answer)
    assert "No trouble is armed" in text(await press(ana, "/faults", disarm="all"))


@pytest.mark.parametrize(
    "wrong",
    [{"call": "boil"}, {"kind": "boil"}, {"when": "never"}, {"times": "0"}, {"times": "x"}],
)
async def test_a_trouble_that_is_none_is_not_armed(world: World, wrong: dict[str, str]):
    given = {"call": "capture", "kind": "500", "when": "before", "times": "1"} | wrong
    answer = await press(await sign_in(world), "/faults", **given)
    assert answer.status_code == 409
    assert world.sandbox.control("GET", "faults")["faults"] == []


async def test_a_decline_comes_never_after_the_change(world: World):
    ana = await sign_in(world)
    answer = await press(ana, "/faults", call="capture", kind="402", when="after", times="1")
    assert "it comes before the change" in text(answer)


async def test_the_bank_is_made_to_ask_while_the_student_is_away(world: World):
    ana = await sign_in(world)
    answer = await press(ana, "/faults", deed="asks")
    assert "A saved card. The next time, the bank wants to ask the student." in text(answer)
    assert world.sandbox.control("GET", "next_off_session")["times"] == 1
    assert "No trouble is armed" in text(await press(ana, "/faults", disarm="asks"))


# One payment at its bank.


async def test_somebody_in_stripes_dashboard_captures_less(world: World):
    ana = await sign_in(world)
    await book(ana, world)
    payment = await latest()
    answer = await press(ana, f"/payments/{payment.id}", deed="captured", amount="60")
    assert "behind our back" in text(answer) and "Stripe knows more than the desk" in text(answer)
    await world.deliver()
    payment = await latest()
    assert (payment.payment_status, payment.captured_amount) == (Status.CAPTURED, 6000)
    page = text(await ana.page(f"/sandbox?payment={payment.id}"))
    assert "Maya Chen paid $60.00 of $96.00" in page and "knows more" not in page


async def test_somebody_in_stripes_dashboard_cancels_or_refunds(world: World):
    ana = await sign_in(world)
    await book(ana, world)
    payment = await latest()
    await press(ana, f"/payments/{payment.id}", deed="cancelled")
    await world.deliver()
    assert (await latest()).payment_status == Status.RELEASED
    await book(ana, world, student="Priya Nair", what=str(world.catalog.package))
    payment = await latest()
    await press(ana, f"/payments/{payment.id}", deed="refunded", amount="20.00")
    await world.deliver()
    assert (await latest()).refunded_amount == 2000


async def test_a_dispute_is_opened_and_lost_or_won(world: World):
    ana = await sign_in(world)
    for deed in ("won", "lost"):
        await book(ana, world, student=deed, what=str(world.catalog.package))
        payment = await latest()
        answer = await press(ana, f"/payments/{payment.id}", deed="disputed")
        assert "The shop wins" in answer.text and "disputes $420.00" in text(answer)
        await world.deliver()
        dispute = (await latest()).dispute_id
        assert dispute
        await press(ana, f"/payments/{payment.id}", deed=deed, of=dispute)
        await world.deliver()
        assert (await latest()).dispute_status == deed


async def test_a_refund_fails_at_the_bank_after_all(world: World):
    ana = await sign_in(world)
    await book(ana, world, what=str(world.catalog.package))
    payment = await latest()
    answer = await press(ana, f"/payments/{payment.id}", deed="refunded", amount="20.00")
    refund = re.search(r'name="of" value="(re_[^"]+)"', answer.text)
    assert refund, text(answer)
    answer = await press(
        ana, f"/payments/{payment.id}", deed="refund", of=refund[1], status="failed"
    )
    assert "stands as failed at the bank" in text(answer)
    await world.deliver()
    payment = await latest()
    assert payment.refunded_amount == 0 and payment.refund_trouble


async def test_what_does_not_fit_a_payment_is_refused(world: World):
    ana = await sign_in(world)
    await book(ana, world)
    payment = await latest()
    for typed in (
        {"deed": "disputed"},
        {"deed": "won", "of": "du_other"},
        {"deed": "refund", "of": "re_other", "status": "failed"},
        {"deed": "captured", "amount": "a lot"},
        {"deed": "captured", "amount": "9999"},
        {"deed": "confirmed"},
        {"deed": "boil"},
    ):
        answer = await press(ana, f"/payments/{payment.id}", **typed)
        assert answer.status_code == 409, (typed, text(answer)[:300])
    assert (await press(ana, "/payments/999", deed="captured")).status_code == 404
    await world.deliver()
    assert (await latest()).payment_status == Status.AUTHORIZED


async def test_a_declined_payment_can_be_looked_at_by_its_intent_or_booking(world: World):
    ana = await sign_in(world)
    booked = await world.book()
    payment = await world.payment(booked["id"])
    for named in (str(payment.id), payment.stripe_intent_id, f"#{booked['id']}"):
        page = await ana.browser.get(
            "/sandbox", params={"payment": named}, headers={"Accept": "text/html"}
        )
        assert "$96.00 is held for Maya Chen" in text(page)
