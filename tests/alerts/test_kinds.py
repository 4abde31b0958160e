"""Each kind of alert appears when its trouble does, and goes with it."""

from datetime import datetime, timedelta
from pathlib import Path

import pytest

from dashboard import clock, db
from dashboard.alerts import lateness, queries
from dashboard.alerts.kinds import ABOUT, Kind, Severity
from dashboard.alerts.machinery import oldest_waiting
from dashboard.metrics.tables import Heartbeat
from dashboard.payments import inbox, instructions, replaying, resume
from dashboard.payments.reconcile import differences, runs
from dashboard.payments.reconcile.tables import ReconcileDifference, ReconcileRun
from dashboard.payments.tables import Operation, Payment, StripeEvent
from jobs import reconcile, schedule
from jobs.heartbeat import beating
from jobs.mail import _write, send_mail
from tests.alerts.scenes import (
    DAY,
    HOUR,
    MINUTE,
    beat,
    hold_for,
    kinds,
    only,
    paused,
    unknown,
    wrong,
)
from tests.conftest import POSTGRESQL
from tests.mail.conftest import use
from tests.mail.office import Office
from tests.web.test_desk_closings import stalled
from tests.world import ANA, World

SECOND = timedelta(seconds=1)
INSTANT = timedelta(microseconds=1)
RUNBOOK = Path(__file__).resolve().parent.parent.parent / "docs" / "runbook.md"


async def test_in_a_shop_where_all_is_well_nothing_is_wrong(world: World):
    await world.book()
    await hold_for(world, 20 * HOUR)
    done = await world.book(2 * HOUR)
    await world.call(done["id"], "complete", {})
    await world.buy_package()
    await world.post_booking(payment_method="pm_card_chargeDeclined")
    await world.deliver()
    await send_mail()
    for _ in range(24):
        await beat()
        await world.advance(HOUR)
        await world.tick()
        await beat()
        assert await wrong() == []


async def test_a_hold_that_nobody_captures_is_at_risk_until_it_is_captured(world: World):
    await beat()
    payment = await paused(world)
    found = await only(Kind.HOLD_AT_RISK)
    assert (found.amount, found.currency, found.link) == (9600, "usd", f"/holds/{payment.id}")
    assert found.severity is Severity.WARNING and found.detail == "Paused past expiry"
    assert found.until == payment.authorization_expires_at
    await world.move_to(payment.authorization_expires_at - 2 * HOUR + SECOND)
    await beat()
    assert (await only(Kind.HOLD_AT_RISK)).severity is Severity.CRITICAL
    answer = await world.call(1, "capture-payment")
    assert answer.status_code == 200, answer.text
    assert await wrong() == []


async def test_a_hold_is_at_risk_no_more_when_the_pause_ends(world: World):
    await beat()
    payment = await paused(world)
    await only(Kind.HOLD_AT_RISK)
    await instructions.unpause(payment.purchase, "They agreed.", ANA)
    await world.tick()
    assert await wrong() == []


async def test_a_hold_is_at_risk_when_its_captures_keep_failing(world: World):
    payment = await hold_for(world, 20 * HOUR)
    capture = f"/v1/payment_intents/{payment.stripe_intent_id}/capture"
    world.sandbox.fault("before", "402", capture, method="POST", times=3)
    await world.advance(3 * HOUR + MINUTE)
    for refusals in range(3):
        await beat()
        await world.tick(1)
        assert len(await wrong()) == (refusals == 2)
        await world.advance(5 * MINUTE)
    assert (await only(Kind.HOLD_AT_RISK)).detail == "Keeps failing"
    await world.tick()
    assert await wrong() == []


async def test_a_hold_is_at_risk_when_nothing_has_taken_up_its_capture(world: World):
    payment = await hold_for(world, 20 * HOUR)
    await world.tick()
    due = (await world.books(1)).purchase.due_at
    await world.move_to(due + 15 * MINUTE + SECOND)
    await beat()
    assert await wrong(due + 15 * MINUTE) == []
    found = await only(Kind.HOLD_AT_RISK)
    assert (found.detail, found.since) == ("Overdue", due)
    await world.tick()
    assert await wrong() == []
    assert (await world.payment(1)).captured_amount == payment.authorized_amount


async def test_a_hold_that_is_to_be_released_is_at_no_risk(world: World):
    await hold_for(world, 20 * HOUR)
    world.sandbox.fault("before", "500", "/v1/payment_intents/*", method="*", times=99)
    await world.call(1, "cancel", {"by": "staff"})
    await world.advance(20 * MINUTE)
    await world.tick(1)
    await beat()
    assert (await world.books(1)).purchase.attention == "unknown"
    assert await kinds() == [Kind.OUTCOME_UNKNOWN]


async def test_an_outcome_that_is_unknown_for_15_minutes_is_told_until_it_is_known(world: World):
    operation = await unknown(world)
    await world.move_to(operation.unknown_since + 15 * MINUTE)
    await beat()
    assert await wrong(operation.unknown_since + 15 * MINUTE - INSTANT) == []
    found = await only(Kind.OUTCOME_UNKNOWN, operation.unknown_since + 15 * MINUTE)
    assert (found.since, found.amount) == (operation.unknown_since, 9600)
    world.sandbox.control("DELETE", "faults")
    await world.tick()
    assert await wrong() == []


async def test_a_stalled_movement_is_told_until_it_is_given_up(world: World):
    hold = await stalled(world)
    await beat()
    found = [one for one in await wrong() if one.kind == Kind.OPERATION_STALLED]
    assert [one.link for one in found] == [f"/holds/{hold}"]
    operation = await Operation.objects().get(Operation.open_for > 0)
    assert operation is not None and found[0].subject == operation.id
    await resume.give_up(operation.id, "Fiona", "It is not at Stripe.")
    assert Kind.OPERATION_STALLED not in await kinds()


async def test_a_failed_refund_is_told_until_the_money_has_gone(world: World):
    await beat()
    booked = await world.book(payment_method="pm_card_pendingRefund")
    await world.call(booked["id"], "capture-payment")
    await world.call(booked["id"], "cancel", {"by": "staff"})
    await world.tick()
    payment = await world.payment(booked["id"])
    refunds = world.sandbox.stripe().v1.refunds
    refund = refunds.list({"payment_intent": payment.stripe_intent_id}).data[0]
    assert await wrong() == []
    world.sandbox.control("POST", f"refunds/{refund.id}", {"status": "failed"})
    await world.deliver()
    found = await only(Kind.REFUND_FAILED)
    assert (found.amount, found.link) == (9600, f"/holds/{payment.id}")
    assert "bank sent it back" in found.detail
    # Somebody pays it back in Stripe's own dashboard.
    refunds.create({"payment_intent": payment.stripe_intent_id})
    await world.deliver()
    assert await wrong() == []


async def test_a_dispute_is_told_while_it_is_our_turn(world: World):
    await beat()
    booked = await world.book()
    await world.call(booked["id"], "capture-payment")
    charge = (await world.payment(booked["id"])).stripe_charge_id
    opened = world.sandbox.control("POST", f"charges/{charge}/dispute", {"amount": 4000})
    await world.deliver()
    found = await only(Kind.DISPUTE_OPEN)
    assert (found.amount, found.severity, found.subject) == (4000, Severity.WARNING, opened["id"])
    assert found.until is not None
    await world.move_to(found.until - DAY)
    await beat()
    assert (await only(Kind.DISPUTE_OPEN)).severity is Severity.CRITICAL
    world.sandbox.control("POST", f"disputes/{opened['id']}", {"status": "under_review"})
    await world.deliver()
    await beat()
    assert await wrong() == []


async def test_a_dead_letter_is_told_until_it_is_replayed(
    world: World, monkeypatch: pytest.MonkeyPatch
):
    await beat()
    await world.book()
    intent = (await world.payment(1)).stripe_intent_id
    await Payment.update({"stripe_charge_id": None}).where(Payment.id == 1)
    monkeypatch.setattr(inbox, "MOST_ATTEMPTS", 1)
    world.sandbox.fault("before", "500", f"/v1/payment_intents/{intent}*", method="*", times=99)
    await world.deliver()
    dead = await StripeEvent.objects().where(StripeEvent.state == "dead")
    assert dead
    found = await wrong()
    assert {one.kind for one in found} == {Kind.DEAD_LETTER}
    assert {one.subject for one in found} == {event.id for event in dead}
    world.sandbox.control("DELETE", "faults")
    await world.advance(DAY)
    await beat()
    async with db.transaction():
        for event in dead:
            await replaying.replay(event.id, 0, ANA)
    # It is a day old, and waits since now.
    now = clock.now()
    assert Kind.WEBHOOK_LATE not in [one.kind for one in await wrong(now)]
    late = await wrong(now + 15 * MINUTE)
    assert Kind.WEBHOOK_LATE in [one.kind for one in late]
    await world.tick()
    assert Kind.DEAD_LETTER not in await kinds() and Kind.WEBHOOK_LATE not in await kinds()


async def test_an_event_that_waits_for_more_than_15_minutes_is_told_until_it_is_handled(
    world: World,
):
    await world.book()
    for delivery in world.sandbox.deliveries("held"):
        await world.receive(delivery["body"].encode(), delivery["signature"])
    came = await oldest_waiting()
    assert came is not None
    await world.move_to(came + 15 * MINUTE)
    await beat()
    assert await wrong(came + 15 * MINUTE) == []
    found = await only(Kind.WEBHOOK_LATE, came + 15 * MINUTE + INSTANT)
    assert found.since == came
    await world.tick()
    assert await wrong() == []


async def test_a_sweep_is_late_after_15_minutes_and_the_rare_one_after_25(world: World):
    await beat()
    await beat("check_expiring_authorizations", ago=25 * MINUTE - SECOND)
    await beat("handle_events", ago=15 * MINUTE)
    row = await Heartbeat.objects().get(Heartbeat.name == "handle_events")
    assert row is not None
    assert await wrong(row.last_finished_at + 15 * MINUTE) == []
    found = await only(Kind.SWEEP_LATE, row.last_finished_at + 15 * MINUTE + INSTANT)
    assert (found.detail, found.severity) == ("handle_events", Severity.CRITICAL)
    await beat("check_expiring_authorizations", ago=26 * MINUTE)
    assert (await only(Kind.SWEEP_LATE)).detail == "check_expiring_authorizations, handle_events"
    await beat(ago=16 * MINUTE)
    assert "Every sweep" not in (await only(Kind.SWEEP_LATE)).detail
    await beat(ago=HOUR)
    assert (await only(Kind.SWEEP_LATE)).detail == "Every sweep"
    await beat()
    assert await wrong() == []


async def compared(at: datetime) -> None:
    """A comparison of everything that ended then."""
    row = ReconcileRun(asked_by="Holdfast", asked_at=at, since=at, started_at=at, finished_at=at)
    await ReconcileRun.insert(row)


async def test_a_comparison_is_late_after_26_hours_also_one_that_never_ends(world: World):
    async def late(at: datetime) -> bool:
        return Kind.RECONCILE_LATE in [one.kind for one in await wrong(at)]

    start = clock.now()
    assert not await late(start + 30 * DAY)
    asked = await runs.ask("Holdfast")
    assert not await late(asked.asked_at + 26 * HOUR)
    assert await late(asked.asked_at + 26 * HOUR + INSTANT)
    await compared(start)
    assert not await late(start + 26 * HOUR)
    assert await late(start + 26 * HOUR + INSTANT)


async def test_a_difference_from_stripe_is_told_until_it_is_decided(world: World):
    await beat()
    await world.book()
    payment = await world.payment(1)
    intents = world.sandbox.stripe().v1.payment_intents
    made = intents.create(
        {"amount": 5000, "currency": "usd", "capture_method": "manual", "confirm": True}
        | {"payment_method": "pm_card_visa", "return_url": "https://shop.test"}
    )
    await runs.ask("Finn")
    await reconcile.reconcile()
    found = await only(Kind.RECONCILE_OPEN)
    assert (found.link, found.payment) == ("/reconcile", None)
    row = await ReconcileDifference.objects().get(ReconcileDifference.state == "open")
    assert row is not None and row.intent_id == made.id != payment.stripe_intent_id
    await differences.acknowledge(row.id, row.version, ANA, "Our accountant tried something.")
    assert await wrong() == []


def test_what_does_not_run_every_minute_is_known_to_be_rarer():
    for when, sweep in schedule.PLAN:
        allowed = lateness.ALLOWED.get(schedule.name_of(sweep), lateness.LATE)
        assert (when is schedule.EVERY_MINUTE) == (allowed == lateness.LATE), sweep


async def test_a_worker_that_never_ran_is_late_once_something_is_overdue(world: World):
    assert await wrong() == []
    await world.book()
    await world.tick()
    due = (await world.books(1)).purchase.due_at
    await world.move_to(due + 16 * MINUTE)
    assert (await only(Kind.SWEEP_LATE)).since == due


async def test_a_sweep_that_runs_and_fails_each_time_is_late_as_well(world: World):
    await beat()

    async def broken() -> int:
        raise LookupError("no such table")

    async def works() -> int:
        return 0

    started = clock.now()
    for _ in range(4):
        with pytest.raises(LookupError):
            await beating("handle_events", broken)
        await world.advance(5 * MINUTE)
    await beat("watch", "send_mail")
    found = [one for one in await wrong() if one.kind == Kind.SWEEP_LATE]
    assert found[0].since - started < MINUTE and "handle_events" in found[0].detail
    await beat()
    assert (await only(Kind.SWEEP_LATE)).detail == "handle_events"
    await beating("handle_events", works)
    assert await wrong() == []


async def test_mail_that_waits_for_more_than_an_hour_is_told_until_it_goes(
    world: World, post: Office
):
    use(smtp_url="smtp://127.0.0.1:1")
    await world.book()
    await _write()
    await send_mail()
    await world.advance(HOUR - MINUTE)
    await beat()
    await world.tick()
    assert await wrong() == []
    await world.advance(2 * MINUTE)
    await only(Kind.MAIL_LATE)
    use(smtp_url=post.url())
    assert await send_mail() == 1
    assert await wrong() == []


async def test_no_question_needs_a_whole_table(world: World, monkeypatch: pytest.MonkeyPatch):
    if POSTGRESQL:
        # With few rows PostgreSQL rightly reads whole tables, and would prove nothing.
        return
    await paused(world)
    asked: list[str] = []
    engine = db.engine()
    run = engine.run_querystring

    async def watched(querystring, *more, **named):  # type: ignore[no-untyped-def]
        asked.append(str(querystring))
        return await run(querystring, *more, **named)

    monkeypatch.setattr(engine, "run_querystring", watched)
    await queries.standing(clock.now())
    monkeypatch.undo()
    assert 10 <= len(asked) <= 14
    for query in asked:
        plan = await engine.run_ddl(f"EXPLAIN QUERY PLAN {query}")
        steps = [step["detail"] for step in plan]
        small = 'FROM "heartbeat"' in query or 'FROM "notice"' in query
        scans = [step for step in steps if step.startswith("SCAN") and "USING" not in step]
        assert small or not scans, (query, steps)


def test_every_kind_has_its_section_in_the_runbook_and_every_section_its_kind():
    text = RUNBOOK.read_text()
    sections = {
        part.partition("\n")[0]: " ".join(part.split()) for part in text.split("\n### ")[1:]
    }
    assert list(sections) == [str(kind) for kind in Kind]
    for kind, said in sections.items():
        about = ABOUT[Kind(kind)]
        for label, words in (
            ("What it means", about.means),
            ("How to look", about.look),
            ("What to press", about.press),
        ):
            assert f"**{label}.** {words}" in said, kind
