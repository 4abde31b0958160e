"""Real workers beside the web: on SQLite and on Redis, one and two of them."""

import asyncio
import shutil
import subprocess
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest

from dashboard import db, settings
from dashboard.payments.facts import Status
from dashboard.payments.tables import Payment, StripeEvent
from jobs import nudges
from tests.jobs.processes import free_port, until, wait_for, worker
from tests.world import World


@pytest.fixture(scope="session")
def redis_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A redis-server of our own on a free port of loopback, that keeps nothing."""
    server = shutil.which("redis-server")
    if server is None:
        pytest.skip("there is no redis-server on this machine")
    port = free_port()
    folder = tmp_path_factory.mktemp("redis")
    line = [server, "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", str(folder)]
    process = subprocess.Popen(line, stdout=subprocess.DEVNULL)
    wait_for(lambda: _listens(port))
    yield f"redis://127.0.0.1:{port}/0"
    process.terminate()
    process.wait(10)


def _listens(port: int) -> bool:
    import socket

    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


async def _waiting() -> int:
    return int(await StripeEvent.count().where(StripeEvent.state == "waiting"))


async def _captured() -> int:
    return int(await Payment.count().where(Payment.payment_status == Status.CAPTURED))


async def _ticked(world: World) -> bool:
    """Whether a worker has finished the sweeps of its start."""
    from dashboard.metrics.tables import Heartbeat

    rows = await Heartbeat.objects().where(Heartbeat.last_finished_at.is_not_null())
    return len(rows) >= 5


async def _nudged_event(world: World) -> float:
    """Seconds from a webhook's arrival to its being handled, by a worker that is at rest."""
    await world.book()
    for delivery in world.sandbox.deliveries("held"):
        await world.receive(delivery["body"].encode(), delivery["signature"])

    async def handled() -> bool:
        return await _waiting() == 0

    return await until(handled)


async def test_a_nudge_has_an_event_handled_at_once_on_sqlite(world: World):
    with worker(world):
        await until(lambda: _ticked(world))
        seconds = await _nudged_event(world)
    assert seconds < 5


@pytest.mark.redis
async def test_a_nudge_has_an_event_handled_at_once_on_redis(world: World, redis_url: str):
    settings.use(msgspec.structs.replace(world.settings, redis_url=redis_url))
    nudges.forget()
    with worker(world, REDIS_URL=redis_url):
        await until(lambda: _ticked(world))
        seconds = await _nudged_event(world)
    assert seconds < 5


async def test_without_a_single_nudge_the_minute_does_it_all(
    world: World, monkeypatch: pytest.MonkeyPatch
):
    # Nothing answers at this address: each nudge is lost.
    lost = msgspec.structs.replace(world.settings, redis_url=f"redis://127.0.0.1:{free_port()}/0")
    settings.use(lost)
    nudges.forget()
    booked = await world.book(timedelta(hours=2))
    for delivery in world.sandbox.deliveries("held"):
        answer = await world.receive(delivery["body"].encode(), delivery["signature"])
        assert answer.status_code == 200
    nudges.flush()
    assert await _waiting() > 0
    await world.advance(timedelta(hours=5))

    async def all_done() -> bool:
        return await _waiting() == 0 and await _captured() == 1

    with worker(world):
        await until(all_done)
    assert await world.story(booked["id"]) == ["authorized", "captured"]


async def test_two_workers_at_once_move_each_payment_once(world: World):
    for n in range(12):
        await world.book(timedelta(hours=2 + n))
    await world.advance(timedelta(hours=20))

    async def all_captured() -> bool:
        return await _captured() == 12

    with worker(world), worker(world):
        await until(all_captured)
        await asyncio.sleep(0.5)
    calls = world.money_calls("/capture")
    assert len(calls) == 12
    assert len({call["path"] for call in calls}) == 12


async def test_a_nudge_never_raises_and_never_keeps_a_request_waiting(world: World):
    # An address from the block that is kept for documents: packets to it go nowhere.
    away = msgspec.structs.replace(world.settings, redis_url="redis://192.0.2.1:6379/0")
    settings.use(away)
    nudges.forget()
    started = time.monotonic()
    for number in range(50):
        nudges.settle(number)
    assert time.monotonic() - started < 2


async def test_nudges_beyond_what_may_wait_are_dropped(
    world: World, monkeypatch: pytest.MonkeyPatch
):
    import threading

    monkeypatch.setattr(nudges, "_waiting", threading.BoundedSemaphore(1))
    nudges._waiting.acquire()
    nudges.settle(1)
    # The dropped one gave nothing back: a bounded semaphore would refuse a second release.
    nudges._waiting.release()


async def test_a_nudge_inside_a_transaction_is_a_mistake_that_shows(world: World):
    async with db.transaction():
        with pytest.raises(RuntimeError, match="a nudge"):
            nudges.settle(1)


async def test_a_worker_ends_soon_after_term(world: World, tmp_path: Path):
    with worker(world) as process:
        await until(lambda: _ticked(world))
        started = time.monotonic()
        process.terminate()
        process.wait(20)
    assert time.monotonic() - started < 20
    assert process.returncode == 0
