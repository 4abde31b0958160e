"""Times in which nothing ran: seen meanwhile, kept afterwards, with what they have cost."""

from dashboard import clock
from dashboard.alerts.kinds import Kind
from dashboard.alerts.tables import Alert, Outage
from dashboard.mail.tables import Notice
from dashboard.payments.facts import Status
from dashboard.payments.tables import PaymentEvent
from jobs import schedule
from jobs.heartbeat import beating
from jobs.watch import stand_in_once, watch
from tests.alerts.scenes import HOUR, MINUTE, beat, hold_for, kinds, only
from tests.mail.conftest import use
from tests.mail.office import Office
from tests.web.desk import sign_in, text
from tests.web.test_health import look, numbers
from tests.world import World


async def work(world: World, minutes: int = 1) -> None:
    """What a worker does in so many minutes."""
    for minute in range(minutes):
        if minute:
            await world.advance(MINUTE)
        for _, sweep in schedule.PLAN:
            await beating(schedule.name_of(sweep), sweep)


async def misses() -> list[PaymentEvent]:
    found: list[PaymentEvent] = await PaymentEvent.objects().where(PaymentEvent.kind == "missed")
    return found


async def test_28_the_worker_was_down_for_six_hours_and_everybody_could_see_so(world: World):
    await hold_for(world, 5.5 * HOUR)
    await world.deliver()
    await work(world, 2)
    ana = await sign_in(world)
    assert 'class="late"' not in (await ana.page("/holds")).text

    await world.advance(6 * HOUR)

    said = text(await ana.page("/holds"))
    assert "worker 6 h ago" in said and "is at risk, since" in said and "Alerts 2" in said
    _, ready = await look(world)
    assert ready["parts"]["worker"]["status"] == "degraded"
    assert ready["parts"]["alerts"]["detail"] == "1 hold_at_risk, 1 sweep_late"
    assert (await numbers(world))['holdfast_alerts{kind="sweep_late",severity="critical"}'] == 1


async def test_28_missed_work_is_done_once_and_what_was_missed_for_good_is_written_down(
    world: World, post: Office
):
    use(alert_email="ops@example.test")
    due = [(await world.book(2 * HOUR))["id"] for _ in range(3)]
    ends = (await hold_for(world, 5.5 * HOUR)).id
    later = (await world.book(30 * HOUR))["id"]
    await work(world, 2)
    down = clock.now()
    await world.advance(6 * HOUR)

    await work(world, 6)

    for booked in due:
        assert (await world.payment(booked)).payment_status == Status.CAPTURED
    assert (await world.payment(later)).payment_status == Status.AUTHORIZED
    captured = [row["path"].split("/")[3] for row in world.money_calls("/capture")]
    assert len(captured) == len(set(captured)) == 3
    (outage,) = await Outage.objects()
    assert abs(outage.started_at - down) < MINUTE
    assert abs(outage.ended_at - down - 6 * HOUR) < MINUTE
    # What could not be made up for is written into its story, and stays somebody's matter.
    (miss,) = await misses()
    assert miss.payment == ends and miss.reason.startswith("Nothing ran by itself from ")
    found = await only(Kind.HOLD_MISSED)
    assert found.payment == ends and "Nothing ran by itself" in found.detail
    ana = await sign_in(world)
    page = text(await ana.page(f"/holds/{ends}"))
    assert "Not captured in time" in page and "Nothing ran by itself from" in page
    assert 'class="late"' not in (await ana.page("/holds")).text
    told = [row.subject for row in await Notice.objects().order_by(Notice.id)]
    assert told == ["[Holdfast] The worker is late"]
    await world.advance(10 * MINUTE)
    await beat()
    await work(world)
    assert await Notice.count() == 2


async def test_a_short_pause_of_the_worker_is_no_outage(world: World):
    await work(world)
    await world.advance(14 * MINUTE)
    await work(world)
    assert await Outage.count() == 0


async def test_an_outage_is_kept_once_and_its_alert_closes(world: World):
    await work(world)
    await world.advance(HOUR)
    # The desk saw it meanwhile.
    assert await stand_in_once()
    await work(world)
    assert await Outage.count() == 1
    (row,) = await Alert.objects()
    assert (row.kind, row.open_for) == (Kind.SWEEP_LATE, None) and row.closed_at is not None
    await work(world, 3)
    assert (await Outage.count(), await Alert.count(), await kinds()) == (1, 1, [])


async def test_a_hold_that_ended_while_the_worker_ran_is_no_miss_of_an_outage(world: World):
    await work(world)
    payment = await hold_for(world, 20 * HOUR)
    world.sandbox.fault(
        "before", "402", f"/v1/payment_intents/{payment.stripe_intent_id}/capture", times=99
    )
    await world.advance(HOUR)
    await work(world, 2)
    await world.move_to(payment.authorization_expires_at + MINUTE)
    await beat("watch")
    await work(world, 3)
    assert await kinds() == [Kind.HOLD_MISSED]
    assert await misses() == []


async def test_a_hold_that_was_to_be_released_anyway_is_no_miss(world: World):
    await work(world)
    payment = await hold_for(world, 5 * HOUR, starts_in=2 * HOUR)
    world.sandbox.fault("before", "500", "/v1/payment_intents/*", method="*", times=99)
    await world.call(1, "cancel", {"by": "staff"})
    world.sandbox.control("DELETE", "faults")
    await world.move_to(payment.authorization_expires_at + HOUR)
    await work(world, 3)
    assert (await world.payment(1)).end_reason == "expired"
    assert await Outage.count() == 1
    assert (await misses(), await kinds()) == ([], [])


async def test_a_journey_of_the_sandbox_clock_is_no_outage(world: World, post: Office):
    use(alert_email="ops@example.test")
    await work(world)
    await world.book(30 * HOUR)
    ida = await sign_in(world)
    given = {"_csrf": ida.csrf, "to": "7d"}
    answer = await ida.browser.post("/sandbox/clock", data=given, headers=ida.headers)
    assert answer.status_code in (200, 303)
    # The worker's own minute comes after a week by the clock, and some seconds by the wall.
    await beating("watch", watch)
    assert (await Outage.count(), await Alert.count()) == (0, 0)
    assert await Notice.count() == 0
