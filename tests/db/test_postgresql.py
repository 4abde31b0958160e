"""What only PostgreSQL has to prove: a pool whose connections always come back."""

import asyncio
import time

import pytest

from dashboard import db
from dashboard.postgres_engine import POOL_SIZE, PooledPostgres
from tests.db.processes import start, stop
from tests.db.toys import Toy

pytestmark = pytest.mark.usefixtures("toys")


def here() -> PooledPostgres:
    engine = db.engine()
    assert isinstance(engine, PooledPostgres)
    return engine


async def test_twenty_writers_in_each_of_two_processes_lose_nothing() -> None:
    await Toy.insert(Toy(id=1))
    children = [start("count", "20", "10") for _ in range(2)]
    for child in children:
        _, errors = await asyncio.to_thread(child.communicate, timeout=60)
        assert child.returncode == 0, errors
    assert (await Toy.select(Toy.tally))[0]["tally"] == 400


async def test_a_process_that_is_told_to_stop_under_load_is_gone_at_once() -> None:
    await Toy.insert(Toy(id=1))
    child = start("busy")
    assert child.stdout is not None
    assert await asyncio.to_thread(child.stdout.readline) == "busy\n"
    await asyncio.sleep(0.5)
    began = time.monotonic()
    errors = await asyncio.to_thread(stop, child)
    assert time.monotonic() - began < 20
    assert "never awaited" not in errors


async def test_cancelled_transactions_do_not_use_up_the_pool() -> None:
    async def stay() -> None:
        async with db.transaction():
            await db.engine().run_ddl("SELECT pg_sleep(30)")

    tasks = [db.spawn(stay(), name="stay") for _ in range(POOL_SIZE + 5)]
    await asyncio.sleep(0.5)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    async with asyncio.timeout(20):
        for _ in range(POOL_SIZE + 1):
            async with db.transaction():
                assert await Toy.count() == 0


async def test_a_pool_without_a_free_connection_is_busy_and_not_silence() -> None:
    engine = PooledPostgres(here().config["dsn"], busy_limit=0.2)
    await engine.start_connection_pool()
    held = [engine.transaction() for _ in range(POOL_SIZE)]
    for transaction in held:
        await transaction.__aenter__()
        engine.current_transaction.set(None)
    with pytest.raises(db.DatabaseBusy):
        await engine.run_ddl("SELECT 1")
    for transaction in held:
        await transaction.__aexit__(None, None, None)
    assert await engine.run_ddl("SELECT 1")
    await engine.close_connection_pool()


async def test_a_server_that_is_not_there_is_out_of_reach() -> None:
    engine = PooledPostgres("postgresql://nobody@127.0.0.1:1/none")
    with pytest.raises(db.CONNECTION_ERRORS):
        await engine.run_ddl("SELECT 1")
    with pytest.raises(db.CONNECTION_ERRORS):
        await engine.start_connection_pool()


async def test_a_lost_connection_is_an_error_of_its_kind_and_is_replaced() -> None:
    async def lose() -> None:
        async with db.transaction():
            [row] = await db.engine().run_ddl("SELECT pg_backend_pid() AS pid")
            kill = f"SELECT pg_terminate_backend({row['pid']})"
            await db.spawn(_run(kill), name="kill")
            for _ in range(500):
                await asyncio.sleep(0.01)
                await Toy.count()

    with pytest.raises(db.CONNECTION_ERRORS):
        await lose()
    assert await Toy.count() == 0


async def _run(sql: str) -> None:
    await db.engine().run_ddl(sql)


async def test_days_and_hours_are_utc_on_every_connection() -> None:
    [row] = await db.engine().run_ddl("SHOW timezone")
    assert row["TimeZone"] == "UTC"
