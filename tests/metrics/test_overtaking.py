"""On PostgreSQL a row with a lower id may be committed after one with a higher id."""

import asyncio

import pytest

from dashboard import clock, db
from dashboard.metrics import queries, rollup
from dashboard.metrics.tables import Touched
from jobs.metrics import keep_metrics
from tests.metrics.histories import Told, payment, tell

pytestmark = pytest.mark.usefixtures("database")


async def _placed() -> int:
    today = queries.today()
    return (await queries.period(today, today, "usd")).total.authorization.numerator


async def test_an_event_that_is_committed_late_is_counted_though_later_ones_were_before() -> None:
    row, other = await payment("usd"), await payment("usd")
    told, over = asyncio.Event(), asyncio.Event()

    async def slow() -> None:
        async with db.transaction():
            await tell(row, [Told("charged", clock.now() - clock.now())], clock.now())
            told.set()
            await over.wait()

    late = db.spawn(slow(), name="slow")
    await told.wait()
    await tell(other, [Told("charged", clock.now() - clock.now())], clock.now())
    await keep_metrics()
    assert (await _placed(), await Touched.count()) == (1, 0)
    over.set()
    await late
    await keep_metrics()
    assert (await _placed(), await Touched.count()) == (2, 0)


async def test_two_who_count_the_same_day_leave_what_the_later_one_saw() -> None:
    row = await payment("usd")
    for _ in range(5):
        await tell(row, [Told("declined", clock.now() - clock.now())], clock.now())
        counts = [db.spawn(rollup.recount(queries.today()), name="count") for _ in range(4)]
        await tell(row, [Told("declined", clock.now() - clock.now())], clock.now())
        counts += [db.spawn(rollup.recount(queries.today()), name="count") for _ in range(4)]
        await asyncio.gather(*counts)
        assert not await rollup.recount(queries.today())
