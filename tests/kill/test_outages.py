"""A part goes away and comes back: nothing that was accepted is lost, and what is due goes on."""

import asyncio
import os
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest
from redis import Redis

from dashboard import clock, db, settings
from dashboard.mail.tables import Message
from dashboard.payments import settle
from dashboard.payments.tables import Payment
from tests.conftest import POSTGRESQL
from tests.jobs.processes import free_port
from tests.kill import books, outage
from tests.kill.disks import Disk
from tests.kill.scenes import form, sign_in
from tests.kill.stage import Stage
from tests.mail.office import office

# Under `make kill` an outage takes as long as it says; otherwise as long as it must.
REAL = "KILLS" in os.environ
# Seconds in which due work goes on.
WITHIN = 120.0


async def _opened(stage: Stage, *processes: str) -> None:
    stage.sandbox.webhooks("hold")
    for name in processes or ("web", "worker"):
        await stage.start(name)
    await sign_in(stage)


async def _due(purchase: int) -> None:
    async with db.transaction():
        due = settle.Decision(9600, "the lesson took place", "Ana", clock.now())
        await settle.decide(purchase, due)


async def _status(payment: int) -> str:
    row = await Payment.objects().get(Payment.id == payment)
    assert row is not None
    return str(row.payment_status)


async def test_stripe_is_out_of_reach_for_an_hour(stage: Stage) -> None:
    await _opened(stage)
    due, pressed = await outage.several(stage)
    with outage.out_of_reach(stage):
        events = await outage.deliver(stage)
        assert {status for _, status in events} == {200}
        await _due(due.purchase)
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
        for minutes in (1, 1, 2, 4, 8, 14, 15, 15):
            stage.advance(60 * minutes)
            await stage.tick()
        # The worst moment: everything has just been tried, and is put off for longest.
        status, said, seconds = await outage.look(stage)
        print("STRIPE", status, round(seconds, 2), said[:900])
        print("READY", await outage.readiness(stage))
        status, said, _ = await outage.look(stage, f"/holds/{pressed.payment}")
        print("HOLD", status, said[:900])
    await outage.none_lost(events)
    assert await _status(due.payment) == await _status(pressed.payment) == "authorized"
    for _ in range(2):
        stage.advance(59)
        await stage.tick()
    assert await _status(due.payment) == await _status(pressed.payment) == "captured"
    booked = await stage.book("second", known, starts_at=later)
    assert (booked.status_code, booked.json()["payment"]["status"]) == (201, "authorized")
    await outage.well_again(stage)


async def test_28_six_hours_without_a_worker_are_seen_and_made_up_for_once(stage: Stage) -> None:
    await _opened(stage)
    subjects = await outage.several(stage, 3)
    await stage.tick()
    stage.kill("worker")
    for subject in subjects:
        await _due(subject.purchase)
    events = await outage.deliver(stage)
    stage.advance(6 * 3600)
    status, said, _ = await outage.look(stage)
    assert status == 200
    assert "The worker is late: a sweep last ran 6 hours ago." in said
    assert "A message from Stripe has waited for 6 hours." in said
    assert "late" in (await outage.readiness(stage))["worker"]
    await stage.start("worker")
    await outage.well_again(stage)
    assert [await _status(one.payment) for one in subjects] == ["captured"] * 3
    calls = [row for row in stage.sandbox.requests() if row["path"].endswith("/capture")]
    assert len(calls) == 3
    await outage.none_lost(events)
    # One sweep comes every ten minutes only.
    await stage.tick()
    _, said, _ = await outage.look(stage)
    assert "is late" not in said and "has waited" not in said


async def test_a_database_that_is_locked(stage: Stage) -> None:
    if POSTGRESQL:
        return
    # A web that waits no longer than the lock lasts answers; a longer one is told to come again.
    stage.busy_limit = 30.0 if REAL else 1.5
    await _opened(stage)
    (subject,) = await outage.several(stage, 1)
    with outage.locked():
        status, said, seconds = await outage.look(stage)
        assert (status, seconds < 5) == (200, True), said
        work = asyncio.gather(outage.deliver(stage), stage.book("new", "new@example.test"))
        if REAL:
            # So long is the outage.
            await asyncio.sleep(30)
        else:
            await work
    events, refused = await work
    assert {status for _, status in events} <= {200, 503}
    assert refused.status_code in (201, 503)
    if not REAL:
        assert {status for _, status in events} == {refused.status_code} == {503}
        assert "The database can't be reached right now; it was first missed" in refused.text
    await _due(subject.purchase)
    events += await outage.deliver(stage)
    assert (await stage.book("new", "new@example.test")).status_code == 201
    await stage.tick()
    await outage.none_lost(events)
    stage.advance(59)
    await stage.tick()
    assert await _status(subject.payment) == "captured"
    await outage.well_again(stage)


async def test_postgresql_is_restarted(stage: Stage) -> None:
    if not POSTGRESQL:
        return
    await _opened(stage)
    (subject,) = await outage.several(stage, 1)
    await _due(subject.purchase)
    with outage.postgresql_down():
        status, said, seconds = await outage.look(stage)
        print("PG", status, round(seconds, 2), said[:600])
        assert status == 503
        assert "The database can't be reached right now; it was first missed" in said
        events = await outage.deliver(stage)
        refused = await stage.book("new", "new@example.test")
        print("PG events", events, refused.status_code, await outage.readiness(stage))
        assert {status for _, status in events} == {503}
        assert refused.status_code == 503
        stage.enqueue()
    events += await outage.deliver(stage)
    assert (await stage.book("new", "new@example.test")).status_code == 201
    assert (await outage.look(stage))[0] == 200
    for _ in range(2):
        stage.advance(59)
        await stage.tick()
    await outage.none_lost(events)
    assert await _status(subject.payment) == "captured"
    await outage.well_again(stage)


async def test_the_disk_is_full(small_stage: Stage, disk: Disk) -> None:
    stage = small_stage
    await _opened(stage)
    subject, pressed = await outage.several(stage)
    await _due(subject.purchase)
    # Pages that were read before are not all that can be read: the form is opened on a full disk.
    press = form("release")
    with disk.full(stage):
        await press(stage, pressed, "")
        assert pressed.statuses == [503]
        status, said, seconds = await outage.look(stage)
        print("FULL", status, round(seconds, 2), said[:300])
        assert status == 200
        refused, events = [], []
        for number in range(12):
            refused.append(await stage.book(f"new{number}", f"new{number}@example.test"))
            events += await outage.deliver(stage)
        print("FULL events", [one[1] for one in events], [one.status_code for one in refused])
        print(refused[-1].text, await outage.readiness(stage))
        assert {status for _, status in events} <= {200, 503}
        assert refused[-1].status_code == 503
        assert events[-1][1] == 503
        stage.enqueue()
        status, said, seconds = await outage.look(stage)
        print("FULL", status, round(seconds, 2), said[:900])
        assert status in (200, 503)
    await outage.none_lost(events)
    events += await outage.deliver(stage)
    assert (await stage.book("after", "after@example.test")).status_code == 201
    for _ in range(2):
        stage.advance(59)
        await stage.tick()
    await outage.none_lost(events)
    assert await _status(subject.payment) == "captured"
    # Whether it was written down before the disk was full is told by pressing again.
    assert await _status(pressed.payment) in ("authorized", "released")
    await press(stage, pressed, "")
    assert pressed.statuses == [503, 303]
    assert await _status(pressed.payment) == "released"
    assert books.integrity() == "ok"
    await outage.well_again(stage)


async def test_the_mail_server_is_down_for_an_hour(stage: Stage) -> None:
    port = free_port()
    stage.more["smtp_url"] = f"smtp://localhost:{port}"
    await _opened(stage)
    (subject,) = await outage.several(stage, 1)
    await _due(subject.purchase)
    await stage.tick()
    # Money never waits for mail.
    assert await _status(subject.payment) == "captured"
    for minutes in (1, 5, 24, 30):
        stage.advance(60 * minutes)
        await stage.tick()
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
    await _opened(stage)
    (subject,) = await outage.several(stage, 1)
    for file in stage.house.folder.glob("huey.sqlite*"):
        file.unlink()
    events = await outage.deliver(stage)
    # Both have it open still; a web that starts makes a new one, of which this worker hears nothing.
    stage.kill("web")
    await stage.start("web")
    await _due(subject.purchase)
    events += await outage.deliver(stage)
    assert {status for _, status in events} == {200}
    if not REAL:
        stage.kill("worker")
        await stage.start("worker")
    await outage.none_waits(stage, WITHIN)
    await outage.well_again(stage, WITHIN)
    await outage.none_lost(events)
    assert await _status(subject.payment) == "captured"


@pytest.mark.redis
async def test_redis_is_flushed_and_goes_away(stage: Stage, tmp_path: Path) -> None:
    port = free_port()
    url = f"redis://127.0.0.1:{port}/0"
    stage.more["redis_url"] = url
    settings.use(msgspec.structs.replace(settings.current(), redis_url=url))
    with outage.redis(port, tmp_path):
        await _opened(stage)
        subject, later = await outage.several(stage)
        await _due(subject.purchase)
        Redis.from_url(url).flushall()
        events = await outage.deliver(stage)
        await outage.none_waits(stage, WITHIN)
    await _due(later.purchase)
    fresh = await stage.book("away", "away@example.test")
    assert fresh.status_code == 201
    events += await outage.deliver(stage)
    assert {status for _, status in events} == {200}
    stage.advance(20 * 60)
    status, said, _ = await outage.look(stage)
    assert status == 200
    assert "The worker is late: a sweep last ran 20 minutes ago." in said
    with outage.redis(port, tmp_path):
        if not REAL:
            await stage.tick()
        await outage.none_waits(stage, WITHIN)
        await outage.well_again(stage, WITHIN)
    await outage.none_lost(events)
    assert await _status(subject.payment) == await _status(later.payment) == "captured"
