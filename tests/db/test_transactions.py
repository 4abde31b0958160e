"""What a transaction promises, on both databases."""

import asyncio
import sqlite3

import asyncpg
import pytest

from dashboard import db
from tests.db.child import read_then_write
from tests.db.toys import Toy

pytestmark = pytest.mark.usefixtures("toys")


class Trouble(Exception):
    pass


async def fail_inside() -> None:
    async with db.transaction():
        await Toy.insert(Toy(tally=1))
        raise Trouble


async def test_an_error_undoes_everything() -> None:
    with pytest.raises(Trouble):
        await fail_inside()
    assert await Toy.count() == 0


async def test_a_transaction_reads_its_own_writes_and_others_read_them_after_the_commit() -> None:
    async with db.transaction():
        await Toy.insert(Toy(tally=1))
        assert await Toy.count() == 1
        assert await db.spawn(_count(), name="reader") == 0
    assert await db.spawn(_count(), name="reader") == 1


async def _count() -> int:
    return await Toy.count()


async def test_a_cancelled_transaction_is_rolled_back_and_frees_the_way() -> None:
    inside = asyncio.Event()

    async def stay() -> None:
        async with db.transaction():
            await Toy.insert(Toy(tally=1))
            inside.set()
            await asyncio.sleep(60)

    task = db.spawn(stay(), name="stay")
    await inside.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await Toy.count() == 0
    async with asyncio.timeout(2):
        await Toy.insert(Toy(tally=2))


async def test_transactions_cancelled_at_any_moment_leave_nothing_half_done() -> None:
    await Toy.insert(Toy())
    for delay in range(60):
        tasks = [db.spawn(read_then_write(), name="count") for _ in range(3)]
        await asyncio.sleep(delay / 20_000)
        tasks[delay % 3].cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    before = (await Toy.select(Toy.tally))[0]["tally"]
    async with asyncio.timeout(5):
        await asyncio.gather(*(read_then_write() for _ in range(20)))
    assert (await Toy.select(Toy.tally))[0]["tally"] == before + 20
    assert 120 <= before <= 180


async def test_a_nested_transaction_is_an_error() -> None:
    async with db.transaction():
        with pytest.raises(RuntimeError, match="another transaction"):
            async with db.transaction():
                pass


async def test_what_must_stay_outside_says_so_by_name() -> None:
    db.require_no_transaction("a call to Stripe")
    async with db.transaction():
        assert db.in_transaction()
        with pytest.raises(RuntimeError, match="a call to Stripe"):
            db.require_no_transaction("a call to Stripe")
    assert not db.in_transaction()


async def test_a_finished_transaction_that_a_task_inherited_is_ignored() -> None:
    gate = asyncio.Event()

    async def late() -> bool:
        await gate.wait()
        await Toy.insert(Toy(tally=7))
        return db.in_transaction()

    async with db.transaction():
        child = asyncio.create_task(late())
        await Toy.insert(Toy(tally=1))
        await asyncio.sleep(0)
    async with db.transaction():
        gate.set()
        # On SQLite the child now waits for this transaction; it joins it on neither.
        await asyncio.sleep(0.05)
    assert await child is False
    assert [row["tally"] for row in await Toy.select(Toy.tally).order_by(Toy.id)] == [1, 7]


async def test_what_an_heir_writes_is_not_undone_with_a_later_transaction() -> None:
    gate = asyncio.Event()
    child: list[asyncio.Task[None]] = []

    async def late() -> None:
        await gate.wait()
        await Toy.insert(Toy(tally=7))

    async def bequeath() -> None:
        async with db.transaction():
            child.append(asyncio.create_task(late()))
            await asyncio.sleep(0)

    async def fail_meanwhile() -> None:
        async with db.transaction():
            gate.set()
            await asyncio.sleep(0.05)
            raise Trouble

    await bequeath()
    with pytest.raises(Trouble):
        await fail_meanwhile()
    await child[0]
    assert [row["tally"] for row in await Toy.select(Toy.tally)] == [7]


async def test_a_commit_that_is_refused_leaves_the_way_free() -> None:
    await db.engine().run_ddl(
        "CREATE TABLE later (id integer PRIMARY KEY, chest integer"
        " REFERENCES later (id) DEFERRABLE INITIALLY DEFERRED)"
    )

    async def dangle() -> None:
        async with db.transaction():
            await db.engine().run_ddl("INSERT INTO later VALUES (1, 99)")

    try:
        with pytest.raises((sqlite3.IntegrityError, asyncpg.ForeignKeyViolationError)):
            await dangle()
        async with db.transaction():
            assert not await db.engine().run_ddl("SELECT * FROM later")
    finally:
        await db.engine().run_ddl("DROP TABLE later")


async def test_a_spawned_task_does_not_join_the_transaction() -> None:
    async def outside() -> bool:
        return db.in_transaction()

    async with db.transaction():
        assert await db.spawn(outside(), name="outside") is False


async def test_shielded_work_goes_on_when_the_caller_is_cancelled() -> None:
    begun = asyncio.Event()
    done = asyncio.Event()

    async def work() -> None:
        begun.set()
        await Toy.insert(Toy(tally=1))
        done.set()

    caller = asyncio.create_task(db.shielded(work()))
    await begun.wait()
    caller.cancel()
    with pytest.raises(asyncio.CancelledError):
        await caller
    async with asyncio.timeout(2):
        await done.wait()
    assert await Toy.count() == 1


async def test_an_error_of_abandoned_work_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    begun = asyncio.Event()

    async def work() -> None:
        begun.set()
        await asyncio.sleep(0.01)
        raise Trouble

    caller = asyncio.create_task(db.shielded(work()))
    await begun.wait()
    caller.cancel()
    with pytest.raises(asyncio.CancelledError):
        await caller
    await asyncio.sleep(0.05)
    assert "task.abandoned_and_failed" in caplog.text


async def test_shielded_work_returns_its_result_and_raises_its_error() -> None:
    async def answer() -> int:
        return 42

    async def fail() -> None:
        raise Trouble

    assert await db.shielded(answer()) == 42
    with pytest.raises(Trouble):
        await db.shielded(fail())


async def test_piccolos_own_nesting_and_batches_still_work() -> None:
    await Toy.insert(Toy(tally=1), Toy(tally=2))
    engine = db.engine()
    atomic = engine.atomic()
    atomic.add(Toy.insert(Toy(tally=3)), Toy.delete().where(Toy.tally == 1))
    await atomic.run()
    async with engine.transaction(), engine.transaction():
        await Toy.insert(Toy(tally=4))
    async with await Toy.select(Toy.tally).order_by(Toy.tally).batch(batch_size=2) as batch:
        sizes = [len(rows) async for rows in batch]
    assert sizes == [2, 1]


async def test_lifespans_nest_and_the_last_one_closes() -> None:
    async with db.lifespan(), db.lifespan():
        await asyncio.gather(_stay_a_moment(), _stay_a_moment())
    async with db.transaction():
        assert await Toy.count() == 0


async def _stay_a_moment() -> None:
    async with db.lifespan():
        assert await Toy.count() == 0
