"""A part beside the database goes away and comes back: nothing is lost, and due work goes on."""

from datetime import timedelta
from pathlib import Path

import msgspec
import pytest
from redis import Redis

from dashboard import clock, settings
from dashboard.mail.tables import Message
from tests.jobs.processes import free_port
from tests.kill import outage
from tests.kill.outage import REAL, WITHIN, decide_due, opened, status_of
from tests.kill.stage import Stage
from tests.mail.office import office


async def test_stripe_is_out_of_reach_for_an_hour(stage: Stage) -> None:
    await opened(stage)
    due, pressed = await outage.several(stage)
    with outage.out_of_reach(stage):
        events = await outage.deliver(stage)
        assert {status for _, status in events} == {200}
        await decide_due(due.purchase)
        answer = await stage.web.post(f"/bookings/{pressed.booking}/capture-payment")
        assert answer.status_code == 202, answer.text
        # Stripe knows this student already: the booking is taken, its outcome is not known yet.
        later = (clock.now() + timedelta(days=3)).isoformat()
        known = f"{due.key}@example.test"
        answer = await stage.book("second", known, starts_at=later)
        assert answer.status_code == 202, answer.text
        refused = await stage.book("new", "new@example.test")
        assert refused.status_code == 503
        assert "Stripe can't be reached right now; it was first missed" in refused.text
        await _minutes(stage, 1, 1, 2, 4, 8, 14, 15, 15)
        # The worst moment: everything has just been tried, and is put off for longest.
        said = await outage.banner(stage)
        assert said.startswith("A message from Stripe waits to be handled, since")
        assert "(1 hour ago)" in said
        status, said, _ = await outage.look(stage, f"/holds/{pressed.payment}")
        assert status == 200
        assert "Stripe hasn't answered. We don't know yet whether $96.00 was captured" in said
    await outage.none_lost(events)
    assert await status_of(due.payment) == await status_of(pressed.payment) == "authorized"
    for _ in range(2):
        stage.advance(59)
        await stage.tick()
    assert await status_of(due.payment) == await status_of(pressed.payment) == "captured"
    booked = await stage.book("second", known, starts_at=later)
    assert (booked.status_code, booked.json()["payment"]["status"]) == (201, "authorized")
    await outage.well_again(stage)


async def test_28_six_hours_without_a_worker_are_seen_and_made_up_for_once(stage: Stage) -> None:
    await opened(stage)
    subjects = await outage.several(stage, 3)
    await stage.tick()
    stage.kill("worker")
    for subject in subjects:
        await decide_due(subject.purchase)
    events = await outage.deliver(stage)
    stage.advance(6 * 3600)
    said = await outage.banner(stage)
    assert said.startswith("The worker is late, since")
    assert "(6 hours ago)" in said
    assert "late" in (await outage.readiness(stage))["worker"]
    await stage.start("worker")
    await outage.well_again(stage)
    assert [await status_of(one.payment) for one in subjects] == ["captured"] * 3
    calls = [row for row in stage.sandbox.requests() if row["path"].endswith("/capture")]
    assert len(calls) == 3
    await outage.none_lost(events)
    # One sweep comes every ten minutes only.
    await stage.tick()
    assert await outage.banner(stage) == ""


async def test_the_mail_server_is_down_for_an_hour(stage: Stage) -> None:
    port = free_port()
    stage.more["smtp_url"] = f"smtp://localhost:{port}"
    await opened(stage)
    (subject,) = await outage.several(stage, 1)
    await decide_due(subject.purchase)
    await stage.tick()
    # Money never waits for mail.
    assert await status_of(subject.payment) == "captured"
    await _minutes(stage, 1, 5, 24, 30)
    assert {row.state for row in await Message.objects()} == {"waiting"}
    status, said, _ = await outage.look(stage, "/mail?view=all")
    assert status == 200
    assert "Connection refused" in said
    with office(port=port) as post:
        for _ in range(2):
            stage.advance(59)
            await stage.tick()
        assert {row.state for row in await Message.objects()} == {"sent"}
        assert len(post.received) == await Message.count()
    await outage.well_again(stage)


async def test_the_queues_file_is_deleted(stage: Stage) -> None:
    await opened(stage)
    (subject,) = await outage.several(stage, 1)
    for file in stage.house.folder.glob("huey.sqlite*"):
        file.unlink()
    events = await outage.deliver(stage)
    # Both have it open still. A web that starts makes another, of which this worker hears nothing.
    stage.kill("web")
    await stage.start("web")
    await decide_due(subject.purchase)
    events += await outage.deliver(stage)
    assert {status for _, status in events} == {200}
    if not REAL:
        stage.kill("worker")
        await stage.start("worker")
    await outage.none_waits(stage, WITHIN)
    await outage.well_again(stage, WITHIN)
    await outage.none_lost(events)
    assert await status_of(subject.payment) == "captured"


@pytest.mark.redis
async def test_redis_is_flushed_and_goes_away(stage: Stage, tmp_path: Path) -> None:
    port = free_port()
    url = f"redis://127.0.0.1:{port}/0"
    stage.more["redis_url"] = url
    settings.use(msgspec.structs.replace(settings.current(), redis_url=url))
    with outage.redis(port, tmp_path):
        await opened(stage)
        subject, later = await outage.several(stage)
        await decide_due(subject.purchase)
        Redis.from_url(url).flushall()
        events = await outage.deliver(stage)
        await outage.none_waits(stage, WITHIN)
    await decide_due(later.purchase)
    fresh = await stage.book("away", "away@example.test")
    assert fresh.status_code == 201
    events += await outage.deliver(stage)
    assert {status for _, status in events} == {200}
    stage.advance(20 * 60)
    said = await outage.banner(stage)
    assert said.startswith("The worker is late, since")
    assert "(20 minutes ago)" in said
    with outage.redis(port, tmp_path):
        if not REAL:
            await stage.tick()
        await outage.none_waits(stage, WITHIN)
        await outage.well_again(stage, WITHIN)
    await outage.none_lost(events)
    assert await status_of(subject.payment) == await status_of(later.payment) == "captured"


async def _minutes(stage: Stage, *waits: int) -> None:
    """Let time pass, with a tick at the end of each wait."""
    for minutes in waits:
        stage.advance(60 * minutes)
        await stage.tick()
