"""Scenario 24: the bank wants the student to confirm, and the student does, or fails, or leaves."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from dashboard import clock
from dashboard.payments.tables import Operation
from tests.web.desk import sign_in, text
from tests.web.paying import ASKS, DECLINED, HALF_HOUR, Student, student
from tests.world import World

CANCEL, CREATE = "/v1/payment_intents/*/cancel", "/v1/payment_intents"
PACKAGE = pytest.param(True, id="package")
LESSON = pytest.param(False, id="lesson")


async def asked(world: World, package: bool = False, **changes: Any) -> Student:
    """Somebody whose bank waits for a confirmation."""
    if package:
        changes |= {"is_package": True, "package_id": world.catalog.package}
    return await student(world, ASKS, **changes)


async def bank(world: World, who: Student, result: str = "success", payment: int = -1) -> None:
    """The student answers in the bank's window; only Stripe hears of it."""
    intent = (await who.books()).payments[payment].stripe_intent_id
    world.sandbox.control("POST", f"intents/{intent}/authenticate", {"result": result})


async def settled(world: World, who: Student) -> dict[str, Any]:
    """Where it ends when everything that is due has been done."""
    for _ in range(4):
        await world.deliver()
        await world.advance(timedelta(minutes=2))
    booking = await world.look(who.booking_id)
    books = await who.books()
    assert books.operation is None
    return {
        "booking": booking["status"],
        "payments": [row.payment_status for row in books.payments],
        "kept": sum(facts.kept for facts in books.payment_facts),
        "held": sum(facts.authorized for facts in books.payment_facts if facts.held),
        "owed": books.purchase.owed,
        "stripe": [world.intent(row.stripe_intent_id).status for row in books.payments],
    }


@pytest.mark.parametrize("package", [LESSON, PACKAGE])
async def test_24_the_answer_to_a_booking_brings_the_secret_and_the_page(
    world: World, package: bool
):
    body = {"is_package": True, "package_id": world.catalog.package} if package else {}
    answer = await world.post_booking(payment_method=ASKS, **body)
    told = answer.json()["payment"]
    who = Student(world, answer.json()["booking"]["id"])
    assert (answer.status_code, told["status"], told["confirm"]) == (201, "pending", "payment")
    intent = (await world.payment(who.booking_id)).stripe_intent_id
    assert told["client_secret"].startswith(f"{intent}_secret_")
    assert told["pay_url"].endswith(who.path)
    assert told["message"] == "Confirm the payment with your bank."


@pytest.mark.parametrize("package", [LESSON, PACKAGE])
async def test_24_completed_and_told_by_webhook(world: World, package: bool):
    who = await asked(world, package)
    await bank(world, who)
    await world.deliver()
    status = "captured" if package else "authorized"
    assert (await world.payment(who.booking_id)).payment_status == status
    assert (await world.look(who.booking_id))["status"] == "confirmed"
    assert await who.stage() == "set"


@pytest.mark.parametrize("package", [LESSON, PACKAGE])
async def test_24_completed_and_asked_by_the_page_where_no_webhook_comes(
    world: World, package: bool
):
    world.sandbox.webhooks("drop")
    who = await asked(world, package)
    await bank(world, who)
    assert await who.stage() == "confirm"
    await who.send(do="ask")
    assert await who.stage() == "set"
    assert (await world.look(who.booking_id))["status"] == "confirmed"


async def test_24_completed_and_asked_by_a_program_that_looks_the_booking_up_pays_once(
    world: World,
):
    world.sandbox.webhooks("drop")
    who = await asked(world)
    await bank(world, who)
    await world.call(who.booking_id, "pay", {"payment_method": "pm_card_visa"})
    await who.send(do="ask")
    assert len(world.money_calls(CREATE)) == 1
    assert (await settled(world, who))["held"] == 9600


async def test_24_a_failed_confirmation_is_a_decline_that_can_be_paid_again(world: World):
    who = await asked(world)
    await bank(world, who, "failure")
    await world.deliver()
    payment = await world.payment(who.booking_id)
    assert payment.payment_status == "failed"
    assert "authenticate" in payment.refusal_message
    await who.pay()
    end = await settled(world, who)
    assert (end["booking"], end["held"]) == ("confirmed", 9600)
    assert await world.story(who.booking_id) == ["declined", "authorized"]


async def test_24_abandoned_for_half_an_hour_nothing_is_owed_and_the_slot_is_free(world: World):
    starts_at = (clock.now() + timedelta(days=2)).isoformat()
    body = {"student": {"email": "wei@example.test"}, "starts_at": starts_at}
    who = await asked(world, **body)
    await world.advance(HALF_HOUR - timedelta(seconds=2))
    await world.tick()
    assert await who.stage() == "confirm"
    await world.advance(timedelta(seconds=2))
    end = await settled(world, who)
    assert (end["booking"], end["owed"], end["stripe"]) == ("cancelled", 0, ["canceled"])
    assert "let_go" in await world.story(who.booking_id)
    assert (await world.look(who.booking_id))["clause"] == "never_paid"
    ana = await sign_in(world)
    page = text(await ana.page(f"/holds/{(await world.payment(who.booking_id)).id}"))
    assert "The student did not finish the payment in 30 minutes" in page
    assert "Let go: nothing is owed any more" in page
    # The same lesson can be booked again.
    answer = await world.post_booking(**body)
    assert answer.status_code == 201, answer.text


@pytest.mark.parametrize("package", [LESSON, PACKAGE])
async def test_24_completed_just_before_it_is_given_up_and_not_told(world: World, package: bool):
    who = await asked(world, package)
    await world.advance(HALF_HOUR)
    await bank(world, who)
    end = await settled(world, who)
    assert_one_truth(end, package)


@pytest.mark.parametrize("package", [LESSON, PACKAGE])
async def test_24_completed_in_time_counts_although_no_event_told_of_it(
    world: World, package: bool
):
    who = await asked(world, package)
    world.sandbox.webhooks("drop")
    await world.advance(timedelta(minutes=20))
    await bank(world, who)
    await world.advance(timedelta(minutes=10, seconds=1))
    await world.tick()
    end = await settled(world, who)
    assert end["booking"] == "confirmed"
    assert (end["kept"], end["held"]) == ((42000, 0) if package else (0, 9600)), end


async def test_24_nothing_is_given_up_while_stripe_can_not_say_how_it_stands(world: World):
    who = await asked(world)
    await bank(world, who)
    await world.advance(HALF_HOUR)
    world.sandbox.fault("before", "500", "/v1/payment_intents/*", method="GET", times=9)
    await world.tick(1)
    assert (await who.books()).purchase.owed is None
    assert (await world.look(who.booking_id))["status"] == "pending"
    end = await settled(world, who)
    assert (end["booking"], end["held"]) == ("confirmed", 9600)


@pytest.mark.parametrize("package", [LESSON, PACKAGE])
async def test_24_completed_between_the_decision_and_the_cancellation_is_given_back(
    world: World, package: bool
):
    who = await asked(world, package)
    world.sandbox.fault("before", "500", CANCEL, times=2)
    await world.advance(HALF_HOUR)
    await world.tick(1)
    assert (await who.books()).purchase.owed == 0
    await bank(world, who)
    end = await settled(world, who)
    assert_one_truth(end, package)
    assert end["booking"] == "cancelled"


@pytest.mark.parametrize("package", [LESSON, PACKAGE])
async def test_24_the_cancellations_answer_is_lost_and_the_student_confirms_too_late(
    world: World, package: bool
):
    who = await asked(world, package)
    world.sandbox.fault("after", "drop", CANCEL)
    await world.advance(HALF_HOUR)
    await world.tick(1)
    with pytest.raises(Exception, match="400"):
        await bank(world, who)
    end = await settled(world, who)
    assert (end["booking"], end["stripe"]) == ("cancelled", ["canceled"])
    assert (end["kept"], end["held"]) == (0, 0)


def assert_one_truth(end: dict[str, Any], package: bool) -> None:
    """Either it stands and is paid, or it is called off and nothing is kept."""
    if end["booking"] == "confirmed":
        assert (end["kept"], end["held"]) == ((42000, 0) if package else (0, 9600)), end
    else:
        assert end["booking"] == "cancelled"
        assert (end["kept"], end["held"], end["owed"]) == (0, 0, 0), end
        assert end["payments"] == ["refunded" if package else "released"]


async def test_24_a_package_that_is_confirmed_too_late_is_refunded_and_its_lessons_are_gone(
    world: World,
):
    who = await asked(world, package=True)
    world.sandbox.fault("before", "500", CANCEL, times=2)
    await world.advance(HALF_HOUR)
    await world.tick(1)
    await bank(world, who)
    end = await settled(world, who)
    assert end["payments"] == ["refunded"]
    assert [row["path"] for row in world.money_calls("/refunds")] == ["/v1/refunds"]
    assert await who.stage() == "over"


async def test_24_two_tabs_at_once_make_one_hold(world: World):
    who = await student(world, DECLINED)
    first, second = await who.key(), await who.key()
    await asyncio.gather(who.pay(key=first), who.pay("pm_card_mastercard", key=second))
    end = await settled(world, who)
    assert (end["booking"], end["held"]) == ("confirmed", 9600)
    assert end["payments"].count("authorized") == 1


async def test_24_a_double_click_is_one_attempt(world: World):
    who = await student(world, DECLINED)
    key = await who.key()
    await asyncio.gather(*(who.pay(key=key) for _ in range(3)))
    operations = await Operation.count().where(Operation.cause == "student")
    assert operations == 2
    assert (await settled(world, who))["held"] == 9600


async def test_24_two_tabs_with_cards_that_both_ask_wait_for_one_confirmation(world: World):
    who = await student(world, DECLINED)
    keys = [await who.key(), await who.key()]
    for key in keys:
        await who.pay(ASKS, key=key)
    assert len([row for row in (await who.books()).payments if row.intent_status]) == 2
    await bank(world, who)
    end = await settled(world, who)
    assert end["held"] == 9600


async def test_24_paying_again_while_the_first_attempt_is_unknown_makes_no_second(world: World):
    who = await student(world, DECLINED)
    before = len(world.money_calls(CREATE))
    old = await who.key()
    world.sandbox.fault("after", "drop", CREATE, times=2)
    await who.pay()
    assert await who.stage() == "unknown"
    await who.pay("pm_card_mastercard", key=old)
    end = await settled(world, who)
    assert (end["booking"], end["held"]) == ("confirmed", 9600)
    assert len(world.money_calls(CREATE)) - before == 1


async def test_24_after_a_cancellation_a_late_confirmation_holds_nothing(world: World):
    who = await asked(world)
    world.sandbox.fault("before", "500", CANCEL, times=1)
    await who.cancel()
    await bank(world, who)
    end = await settled(world, who)
    assert (end["booking"], end["held"], end["kept"]) == ("cancelled", 0, 0)
    assert await who.stage() == "over"


async def declined_then_paid(world: World, package: bool) -> tuple[Student, str]:
    """Somebody whose second card was taken, and the intent of the first, which failed."""
    who = await asked(world, package)
    await bank(world, who, "failure")
    await world.deliver()
    await who.pay()
    await world.deliver()
    return who, str((await who.books()).payments[0].stripe_intent_id)


async def test_24_an_earlier_attempt_that_comes_through_after_all_is_given_back(world: World):
    who, first = await declined_then_paid(world, package=False)
    # The bank's first window was still open in another tab, with another card.
    stripe = world.sandbox.stripe().v1.payment_intents
    stripe.confirm(first, {"payment_method": "pm_card_mastercard"})
    end = await settled(world, who)
    assert (end["booking"], end["kept"], end["held"]) == ("confirmed", 0, 9600)
    assert sorted(end["payments"]) == ["authorized", "released"]


async def test_24_once_a_package_is_paid_its_earlier_attempt_can_never_come_through(world: World):
    who, first = await declined_then_paid(world, package=True)
    assert world.intent(first).status == "canceled"
    assert (await settled(world, who))["kept"] == 42000


async def test_24_an_earlier_attempt_that_came_through_refuses_the_next_one(world: World):
    who = await asked(world)
    await bank(world, who, "failure")
    await world.deliver()
    key = await who.key()
    first = (await who.books()).payments[0].stripe_intent_id
    world.sandbox.stripe().v1.payment_intents.confirm(
        first, {"payment_method": "pm_card_mastercard"}
    )
    await world.deliver()
    before = len(world.money_calls(CREATE))
    await who.pay(key=key)
    assert len(world.money_calls(CREATE)) == before
    assert (await settled(world, who))["held"] == 9600
