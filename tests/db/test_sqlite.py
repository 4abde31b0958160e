"""What only SQLite has to prove: one file, many writers, threads that end."""

import asyncio
import sqlite3
import threading
import time
from pathlib import Path

import aiosqlite
import pytest

from dashboard import db
from dashboard.sqlite_connections import READERS, writes
from dashboard.sqlite_engine import WalEngine
from tests.db.processes import start, stop
from tests.db.toys import Toy

pytestmark = pytest.mark.usefixtures("toys")


def here() -> WalEngine:
    engine = db.engine()
    assert isinstance(engine, WalEngine)
    return engine


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("SELECT 1", False),
        ("  -- a note\n /* another */ select 1", False),
        ("WITH a AS (SELECT 1) SELECT * FROM a", False),
        ("WITH a AS (SELECT 1) DELETE FROM toy WHERE id IN a", True),
        ("EXPLAIN QUERY PLAN DELETE FROM toy", False),
        ("VALUES (1)", False),
        ("INSERT INTO toy DEFAULT VALUES RETURNING id", True),
        ("REPLACE INTO toy (id) VALUES (1)", True),
        ("CREATE INDEX a ON toy (id)", True),
        ("PRAGMA user_version = 1", True),
        ("selection", True),
        ("", True),
    ],
)
def test_in_doubt_a_statement_writes(sql: str, expected: bool) -> None:
    assert writes(sql) is expected


async def pragmas(connection: aiosqlite.Connection) -> dict[str, object]:
    found = {}
    for name in ("journal_mode", "synchronous", "foreign_keys", "recursive_triggers", "query_only"):
        [row] = list(await connection.execute_fetchall(f"PRAGMA {name}"))
        found[name] = row[name]
    return found


async def test_every_connection_keeps_the_promised_pragmas() -> None:
    soon = time.monotonic() + 5
    promised = {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "recursive_triggers": 1}
    async with here().borrow(soon, write=True) as writer:
        assert await pragmas(writer) == {**promised, "query_only": 0}
    pool = here()._pools.here()
    assert pool is not None and len(pool._free) == READERS
    for reader in pool._free:
        assert await pragmas(reader) == {**promised, "query_only": 1}
    own = await here().get_connection()
    assert await pragmas(own) == {**promised, "query_only": 1}
    await own.close()
    alone = WalEngine(here().path)
    async with alone.borrow(soon, write=True) as connection:
        assert await pragmas(connection) == {**promised, "query_only": 0}


async def test_twenty_writers_in_each_of_two_processes_lose_nothing() -> None:
    await Toy.insert(Toy(id=1))
    children = [start("count", "20", "25") for _ in range(2)]
    for child in children:
        output, errors = await asyncio.to_thread(child.communicate, timeout=60)
        assert child.returncode == 0, output + errors
        assert "locked" not in errors
    assert (await Toy.select(Toy.tally))[0]["tally"] == 1000


async def test_a_process_that_is_told_to_stop_under_load_is_gone_at_once() -> None:
    await Toy.insert(Toy(id=1))
    child = start("busy")
    assert child.stdout is not None
    assert await asyncio.to_thread(child.stdout.readline) == "busy\n"
    await asyncio.sleep(0.5)
    began = time.monotonic()
    errors = await asyncio.to_thread(stop, child)
    assert time.monotonic() - began < 20
    assert "locked" not in errors and "never awaited" not in errors
    # What was committed stands, and nobody holds the file.
    async with asyncio.timeout(20):
        await Toy.update({Toy.tally: Toy.tally + 1}, force=True)


async def test_a_loop_that_dies_with_open_connections_does_not_hang_the_exit() -> None:
    await Toy.insert(Toy(id=1))
    child = start("abandon")
    await asyncio.to_thread(child.communicate, timeout=60)
    assert child.returncode == 0


async def test_a_failed_begin_gives_up_in_time_and_leaks_nothing() -> None:
    engine = WalEngine(here().path, busy_limit=0.3)
    await engine.start_connection_pool()
    foreign = sqlite3.connect(here().path, isolation_level=None)
    foreign.execute("BEGIN IMMEDIATE")
    threads = threading.active_count()
    for _ in range(3):
        began = time.monotonic()
        with pytest.raises(db.DatabaseBusy):
            async with engine.transaction():
                pass
        assert 0.25 < time.monotonic() - began < 5
    with pytest.raises(db.DatabaseBusy):
        await engine.run_ddl("UPDATE toy SET tally = 1")
    assert threading.active_count() == threads
    foreign.execute("ROLLBACK")
    foreign.close()
    async with engine.transaction():
        await engine.run_ddl("UPDATE toy SET tally = 1")
    await engine.close_connection_pool()


async def test_a_failed_begin_leaks_nothing_outside_a_lifespan_either() -> None:
    engine = WalEngine(here().path, busy_limit=0.1)
    foreign = sqlite3.connect(here().path, isolation_level=None)
    foreign.execute("BEGIN IMMEDIATE")
    threads = threading.active_count()
    with pytest.raises(db.DatabaseBusy):
        async with engine.transaction():
            pass
    for _ in range(500):
        if threading.active_count() == threads:
            break
        await asyncio.sleep(0.01)
    assert threading.active_count() == threads
    foreign.close()


async def test_a_begin_that_is_cancelled_while_it_waits_frees_the_way() -> None:
    foreign = sqlite3.connect(here().path, isolation_level=None)
    foreign.execute("BEGIN IMMEDIATE")

    async def wait() -> None:
        async with db.transaction():
            pass

    tasks = [db.spawn(wait(), name="wait") for _ in range(3)]
    await asyncio.sleep(0.05)
    for task in tasks:
        task.cancel()
    results = await asyncio.gather(*tasks, return_exceptions=True)
    assert all(isinstance(result, asyncio.CancelledError) for result in results)
    foreign.execute("ROLLBACK")
    foreign.close()
    async with asyncio.timeout(20), db.transaction():
        await Toy.insert(Toy())


async def test_a_transaction_that_never_ends_is_busy_and_not_silence() -> None:
    engine = WalEngine(here().path, busy_limit=0.2)
    await engine.start_connection_pool()

    async def other() -> None:
        async with engine.transaction():
            pass

    async with engine.transaction():
        with pytest.raises(db.DatabaseBusy):
            await db.spawn(other(), name="other")
    await engine.close_connection_pool()


async def test_reads_go_on_while_somebody_writes() -> None:
    await Toy.insert(Toy())
    async with db.transaction():
        await Toy.insert(Toy())
        async with asyncio.timeout(10):
            counts = await asyncio.gather(*(db.spawn(_count(), name="read") for _ in range(30)))
    assert set(counts) == {1}


async def _count() -> int:
    return await Toy.count()


async def test_a_transaction_opened_with_sql_is_refused() -> None:
    with pytest.raises(RuntimeError, match="transaction"):
        await db.engine().run_ddl("BEGIN IMMEDIATE")
    async with db.transaction():
        await Toy.insert(Toy())


async def test_a_database_that_cannot_be_opened_is_out_of_reach(tmp_path: Path) -> None:
    engine = WalEngine(str(tmp_path))
    with pytest.raises(db.CONNECTION_ERRORS):
        await engine.run_ddl("SELECT 1")
    with pytest.raises(db.CONNECTION_ERRORS):
        await engine.start_connection_pool()


async def test_who_waits_for_a_database_that_closes_is_turned_away() -> None:
    engine = WalEngine(here().path)
    await engine.start_connection_pool()
    inside = asyncio.Event()

    async def hold() -> None:
        async with engine.transaction():
            inside.set()
            await asyncio.sleep(0.1)
            await engine.run_ddl("UPDATE toy SET tally = 5")

    async def wait() -> None:
        async with engine.transaction():
            pass

    holder = db.spawn(hold(), name="hold")
    await inside.wait()
    waiter = db.spawn(wait(), name="wait")
    await asyncio.sleep(0)
    await engine.close_connection_pool()
    await holder
    with pytest.raises(db.DatabaseUnreachable):
        await waiter
