"""The minute's sweeps: each row once, a bad one alone, and nothing lost with a lost due time."""

from datetime import datetime, timedelta

import pytest

from dashboard import clock
from dashboard.metrics.tables import Heartbeat
from dashboard.payments.facts import State, Status
from dashboard.payments.tables import Operation, Payment, PaymentEvent, Purchase, StripeEvent
from jobs import sweeps
from jobs.heartbeat import beating
from tests.world import World

HOUR = timedelta(hours=1)


async def due_lessons(world: World, count: int) -> list[int]:
    """Booked lessons whose capture is due now; the bookings' ids."""
    booked = [(await world.book(timedelta(hours=2 + n)))["id"] for n in range(count)]
    await world.advance(timedelta(hours=count + 5))
    return booked


async def statuses(world: World, bookings: list[int]) -> list[str]:
    return [(await world.payment(one)).payment_status for one in bookings]


async def test_19_row_three_of_ten_fails_and_nine_are_done(world: World):
    booked = await due_lessons(world, 10)
    bad = await world.payment(booked[2])
    # A damaged row: a hold that has lost the name of its intent.
    await Payment.update({"stripe_intent_id": None}).where(Payment.id == bad.id)

    assert await sweeps.auto_capture_completed_lessons() == 9

    found = await statuses(world, booked)
    assert found.pop(2) == Status.AUTHORIZED
    assert found == [Status.CAPTURED] * 9
    purchase = (await world.books(booked[2])).purchase
    assert purchase.settle_failures == 1
    assert "id is needed" in purchase.settle_error
    assert purchase.due_at > clock.now()


async def test_a_row_that_stripe_does_not_answer_for_backs_off_alone(world: World):
    booked = await due_lessons(world, 3)
    intent = (await world.payment(booked[1])).stripe_intent_id
    world.sandbox.fault("before", "500", f"/v1/payment_intents/{intent}*", method="*", times=50)

    await sweeps.auto_capture_completed_lessons()

    assert await statuses(world, booked) == ["captured", "authorized", "captured"]
    (operation,) = [row for row in await world.operations(booked[1]) if row.state == State.UNKNOWN]
    assert operation.due_at > clock.now()
    world.sandbox.control("DELETE", "faults")
    await world.advance(HOUR)
    await sweeps.auto_capture_completed_lessons()
    assert await statuses(world, booked) == ["captured"] * 3
    assert len(world.money_calls("/capture")) == 3


async def test_28_six_hours_without_a_worker_are_made_up_for_once(world: World):
    booked = await due_lessons(world, 6)
    await world.advance(6 * HOUR)
    assert await sweeps.auto_capture_completed_lessons() == 6
    assert await sweeps.auto_capture_completed_lessons() == 0
    assert await statuses(world, booked) == ["captured"] * 6
    assert len(world.money_calls("/capture")) == 6


async def test_a_backlog_is_worked_off_in_one_run(world: World, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(sweeps, "BATCH", 3)
    await due_lessons(world, 8)
    assert await sweeps.auto_capture_completed_lessons() == 8


async def test_what_the_minute_has_no_time_for_stays_due(
    world: World, monkeypatch: pytest.MonkeyPatch
):
    booked = await due_lessons(world, 2)
    monkeypatch.setattr(sweeps, "BUDGET", 0.0)
    assert await sweeps.auto_capture_completed_lessons() == 0
    monkeypatch.undo()
    assert await sweeps.auto_capture_completed_lessons() == 2
    assert await statuses(world, booked) == ["captured"] * 2


async def test_a_capture_whose_due_time_was_lost_is_still_made(world: World):
    booked = await due_lessons(world, 1)
    await Purchase.update({"due_at": None}, force=True)
    await sweeps.auto_capture_completed_lessons()
    assert await statuses(world, booked) == ["captured"]


async def test_a_hold_whose_due_time_was_lost_is_found_before_it_ends(world: World):
    booked = (await world.book(timedelta(days=20)))["id"]
    ends_at = (await world.payment(booked)).authorization_expires_at
    await Purchase.update({"due_at": None}, force=True)
    await world.move_to(ends_at - timedelta(hours=26))
    assert await sweeps.check_expiring_authorizations() == 0
    await world.move_to(ends_at - timedelta(hours=23))
    assert await sweeps.check_expiring_authorizations() == 1
    # The policy is to capture a day before the hold ends.
    await sweeps.auto_capture_completed_lessons()
    assert (await world.payment(booked)).payment_status == Status.CAPTURED


async def test_an_open_operation_is_found_when_its_purchase_forgot_it(world: World):
    booked = (await world.book())["id"]
    world.sandbox.fault("after", "drop", "/v1/payment_intents/*/capture")
    answer = await world.call(booked, "capture-payment")
    assert answer.status_code in (200, 202)
    intent = (await world.payment(booked)).stripe_intent_id
    await Operation.update({"due_at": clock.now()}).where(Operation.open_for.is_not_null())
    await Purchase.update({"due_at": None}, force=True)
    await world.advance(timedelta(minutes=10))
    await sweeps.resume_open_operations()
    await sweeps.auto_capture_completed_lessons()
    assert (await world.payment(booked)).payment_status == Status.CAPTURED
    assert world.intent(intent).amount_received == 9600
    assert len(world.money_calls("/capture")) == 1


async def test_14_an_event_that_was_kept_and_not_handled_is_handled_once_later(world: World):
    booked = (await world.book())["id"]
    for delivery in world.sandbox.deliveries("held"):
        answer = await world.receive(delivery["body"].encode(), delivery["signature"])
        assert answer.status_code == 200
    kept = await StripeEvent.count().where(StripeEvent.state == "waiting")
    # One process died after it had taken an event up: the claim holds for a minute.
    waiting = StripeEvent.select(StripeEvent.id).where(StripeEvent.state == "waiting")
    (claimed,) = await waiting.limit(1)
    until = clock.now() + timedelta(minutes=1)
    await StripeEvent.update({"due_at": until, "attempts": 1}).where(
        StripeEvent.id == claimed["id"]
    )
    story = await world.story(booked)

    assert await sweeps.handle_events() == kept - 1
    await world.advance(timedelta(seconds=61))
    assert await sweeps.handle_events() == 1
    assert await sweeps.handle_events() == 0

    assert await StripeEvent.count().where(StripeEvent.state == "waiting") == 0
    assert await world.story(booked) == story == ["authorized"]


async def test_a_post_that_lost_its_race_is_made_up_for(world: World):
    booked = (await world.book())["id"]
    payment = await world.payment(booked)
    await Payment.update({"post_due_at": clock.now()}).where(Payment.id == payment.id)
    assert await sweeps.post_due_payments() == 1
    assert await sweeps.post_due_payments() == 0


async def test_a_sweep_leaves_its_times_its_count_and_its_error(world: World):
    await due_lessons(world, 2)
    await beating("capture", sweeps.auto_capture_completed_lessons)
    row = await Heartbeat.objects().get(Heartbeat.name == "capture")
    assert row is not None
    assert (row.handled, row.last_error) == (2, "")
    assert isinstance(row.last_finished_at, datetime)

    async def broken() -> int:
        raise LookupError("no such table")

    with pytest.raises(LookupError):
        await beating("capture", broken)
    row = await Heartbeat.objects().get(Heartbeat.name == "capture")
    assert row is not None
    assert row.last_error == "LookupError: no such table"
    assert await PaymentEvent.count().where(PaymentEvent.kind == "captured") == 2
