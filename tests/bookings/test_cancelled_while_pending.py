"""Scenario 25: called off before the bank has answered. What comes later goes back by itself."""

from datetime import timedelta
from typing import Any

import pytest

from dashboard.mail.tables import Message
from dashboard.payments.tables import Payment
from jobs.mail import send_mail
from tests.web.desk import sign_in, text
from tests.web.paying import ASKS, student
from tests.world import World

CANCEL, CREATE = "/v1/payment_intents/*/cancel", "/v1/payment_intents"
BY = {"by": "student", "reason": "ill"}
PACKAGE = pytest.param(True, id="package")
LESSON = pytest.param(False, id="lesson")


async def asked(world: World, package: bool = False) -> int:
    """A booking whose bank waits for the student's confirmation."""
    more: dict[str, Any] = {"is_package": True, "package_id": world.catalog.package}
    return (await student(world, ASKS, **(more if package else {}))).booking_id


async def call_off(world: World, booking: int, lost: bool = False) -> None:
    """Cancel; `lost` when Stripe does not get to hear of it at first."""
    if lost:
        world.sandbox.fault("before", "drop", CANCEL, times=2)
    answer = await world.call(booking, "cancel", BY)
    assert answer.status_code in (200, 202), answer.text


async def bank(world: World, booking: int, result: str = "success") -> None:
    intent = (await world.payment(booking)).stripe_intent_id
    world.sandbox.control("POST", f"intents/{intent}/authenticate", {"result": result})


async def hear(world: World, told: bool = True) -> None:
    """By webhooks, or by the sweeps alone."""
    for _ in range(4):
        if told:
            await world.deliver()
        await world.advance(timedelta(minutes=2))
        await world.tick()


async def kinds_of_mail() -> list[str]:
    await send_mail()
    return [str(row.template) for row in await Message.objects().order_by(Message.id)]


async def assert_gone(world: World, booking: int, package: bool = False) -> Payment:
    """Nothing is held or kept, nothing is owed, the slot is free, and nobody has to look at it."""
    found, books = await world.look(booking), await world.books(booking)
    assert (found["status"], books.purchase.owed) == ("cancelled", 0)
    assert books.operation is None and books.purchase.attention is None
    assert sum(facts.kept for facts in books.payment_facts) == 0
    assert not any(facts.held for facts in books.payment_facts)
    assert books.current is not None
    assert books.current.payment_status in ("refunded" if package else "released", "failed")
    return books.current


async def assert_told(world: World, booking: int, package: bool = False) -> None:
    """The page says what happened, and the student is told that it went back, and of no booking."""
    ana = await sign_in(world)
    payment = await world.payment(booking)
    said = text(await ana.page(f"/holds/{payment.id}"))
    assert "All is settled" in said and (package or "Booking Cancelled" in said)
    back = "$420.00 was refunded to" if package else "$96.00 went back to"
    assert back in said
    assert ("Charged" if package else "Reserved") in said
    assert ("Refunded" if package else "Released") in said
    assert await kinds_of_mail() == ["refunded" if package else "released"]
    (mail,) = await Message.objects()
    assert "is booked" not in mail.text and "Thank you" not in mail.text


@pytest.mark.parametrize("told", [True, False], ids=["webhook", "sweep"])
@pytest.mark.parametrize("package", [LESSON, PACKAGE])
async def test_25_a_confirmation_after_the_cancellation_goes_back_by_itself(
    world: World, package: bool, told: bool
):
    booking = await asked(world, package)
    await call_off(world, booking, lost=True)
    payment = await world.payment(booking)
    ana = await sign_in(world, name="Vera")
    page = text(await ana.page(f"/holds/{payment.id}"))
    assert "We don't know yet whether" in page or "is being cancelled" in page
    await bank(world, booking)
    await hear(world, told)
    await assert_gone(world, booking, package)
    await assert_told(world, booking, package)


@pytest.mark.parametrize("package", [LESSON, PACKAGE])
async def test_25_a_confirmation_that_was_faster_than_the_cancellation_goes_back(
    world: World, package: bool
):
    booking = await asked(world, package)
    # The student has confirmed, and no webhook has told us by the time of the cancellation.
    await bank(world, booking)
    await call_off(world, booking)
    await hear(world)
    await assert_gone(world, booking, package)
    await assert_told(world, booking, package)


async def test_25_without_a_confirmation_the_attempt_ends_and_nobody_is_written_to(world: World):
    booking = await asked(world)
    await call_off(world, booking)
    payment = await assert_gone(world, booking)
    assert world.intent(str(payment.stripe_intent_id)).status == "canceled"
    with pytest.raises(Exception, match="400"):
        await bank(world, booking)
    await hear(world)
    await assert_gone(world, booking)
    assert await world.story(booking) == ["cancelled"]
    assert await kinds_of_mail() == []


@pytest.mark.parametrize("result", ["success", "failure"])
async def test_25_while_the_bank_is_working_on_it_the_desk_waits_and_says_so(
    world: World, result: str
):
    booking = await asked(world)
    await bank(world, booking, "processing")
    await world.deliver()
    await call_off(world, booking)
    payment = await world.payment(booking)
    ana = await sign_in(world, name="Vera")
    said = text(await ana.page(f"/holds/{payment.id}"))
    assert "The bank is still working on it. Stripe is asked again" in said
    assert [row for row in world.money_calls("/cancel") if row["status"] == 200] == []
    await bank(world, booking, result)
    await hear(world, told=False)
    await assert_gone(world, booking)
    if result == "success":
        await assert_told(world, booking)
    else:
        assert "released" not in await kinds_of_mail()


@pytest.mark.parametrize("package", [LESSON, PACKAGE])
async def test_25_a_create_whose_answer_was_lost_is_found_and_given_back(
    world: World, package: bool
):
    world.sandbox.fault("after", "drop", CREATE)
    more: dict[str, Any] = {"is_package": True, "package_id": world.catalog.package}
    answer = await world.post_booking(**(more if package else {}))
    assert answer.status_code == 202, answer.text
    booking = answer.json()["booking"]["id"]
    await call_off(world, booking)
    await hear(world, told=False)
    await assert_gone(world, booking, package)
    assert len(world.money_calls(CREATE)) == 1
    await assert_told(world, booking, package)


@pytest.mark.parametrize("by", ["instructor", "staff"])
async def test_25_whoever_calls_it_off_nothing_is_kept(world: World, by: str):
    booking = await asked(world)
    world.sandbox.fault("before", "500", CANCEL, times=2)
    answer = await world.call(booking, "cancel", {"by": by, "reason": "ill"})
    assert answer.status_code in (200, 202)
    await bank(world, booking)
    await hear(world)
    await assert_gone(world, booking)


async def test_25_five_webhooks_of_a_late_confirmation_release_it_once(world: World):
    booking = await asked(world)
    await call_off(world, booking, lost=True)
    await bank(world, booking)
    await world.deliver(order="reverse", times=5)
    await hear(world)
    await assert_gone(world, booking)
    kinds = await world.story(booking)
    assert (kinds.count("authorized"), kinds.count("released")) == (1, 1)
