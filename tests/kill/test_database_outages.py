"""The database goes away and comes back: nothing accepted is lost, and what is due goes on."""

import asyncio
import re

from tests.conftest import POSTGRESQL
from tests.kill import books, outage
from tests.kill.disks import Disk
from tests.kill.outage import REAL, decide_due, opened, status_of
from tests.kill.scenes import form
from tests.kill.stage import Stage

if POSTGRESQL:

    async def test_postgresql_is_restarted(stage: Stage) -> None:
        await opened(stage)
        (subject,) = await outage.several(stage, 1)
        await decide_due(subject.purchase)
        with outage.postgresql_down():
            status, said, _ = await outage.look(stage)
            assert status == 503
            assert "The database can't be reached right now; it was first missed" in said
            events = await outage.deliver(stage)
            refused = await stage.book("new", "new@example.test")
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
        assert await status_of(subject.payment) == "captured"
        await outage.well_again(stage)

else:

    async def test_a_database_that_is_locked(stage: Stage) -> None:
        # Who waits for less time than the lock lasts is told to come again.
        stage.busy_limit = 30.0 if REAL else 1.5
        await opened(stage)
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
            with outage.locked():
                await _says_what_is_wrong(stage)
        await decide_due(subject.purchase)
        events += await outage.deliver(stage)
        assert (await stage.book("new", "new@example.test")).status_code == 201
        await stage.tick()
        await outage.none_lost(events)
        stage.advance(59)
        await stage.tick()
        assert await status_of(subject.payment) == "captured"
        await outage.well_again(stage)


async def test_the_disk_is_full(small_stage: Stage, disk: Disk) -> None:
    stage = small_stage
    await opened(stage)
    subject, pressed = await outage.several(stage)
    await decide_due(subject.purchase)
    # Pages that were read before are not all that can be read: the form is opened on a full disk.
    press = form("release")
    with disk.full(stage):
        await press(stage, pressed, "")
        assert pressed.statuses == [503]
        events = await _knock_until_full(stage)
        stage.enqueue()
        # What is read needs no room.
        await _says_what_is_wrong(stage)
    await outage.none_lost(events)
    events += await outage.deliver(stage)
    assert (await stage.book("after", "after@example.test")).status_code == 201
    for _ in range(2):
        stage.advance(59)
        await stage.tick()
    await outage.none_lost(events)
    assert await status_of(subject.payment) == "captured"
    # Whether it was written down before the disk was full is told by pressing again.
    assert await status_of(pressed.payment) in ("authorized", "released")
    await press(stage, pressed, "")
    assert pressed.statuses == [503, 303]
    assert await status_of(pressed.payment) == "released"
    assert books.integrity() == "ok"
    await outage.well_again(stage)


async def _says_what_is_wrong(stage: Stage) -> None:
    """The desk stays readable, names the part and since when, and so does /readyz."""
    status, said, _ = await outage.look(stage)
    assert status == 200
    assert re.search(r"The database did not answer .* ago, and was first missed ", said), said
    database = (await outage.readiness(stage))["database"]
    assert database.startswith("degraded: answers, but a request failed on it"), database


async def _knock_until_full(stage: Stage) -> list[tuple[str, int]]:
    """Book and deliver until no booking is taken any more; the events' answers."""
    events: list[tuple[str, int]] = []
    for number in range(60):
        # PostgreSQL's pages have some room left.
        refused = await stage.book(f"new{number}", f"new{number}@example.test")
        events += await outage.deliver(stage)
        if refused.status_code == 503:
            break
    assert refused.status_code == 503
    assert {status for _, status in events} <= {200, 503}
    return events
