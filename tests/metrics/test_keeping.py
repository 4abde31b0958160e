"""The days are kept by the worker's tick, from marks that the database makes by itself."""

import importlib
from datetime import timedelta
from typing import Any

import pytest

from dashboard import clock, db, settings
from dashboard.metrics import queries, rollup
from dashboard.metrics.tables import Day, Touched
from dashboard.migrate import run_sql
from dashboard.payments.tables import Payment
from jobs import schedule
from jobs.metrics import keep_metrics
from scripts import bench_metrics as bench
from tests.metrics.histories import START, Told, open_ticket, payment, recounted, tell
from tests.metrics.test_rollup import rolled_up, use_zone
from tests.payments.conftest import Desk

pytestmark = pytest.mark.usefixtures("database")
DAY = timedelta(days=1)
MIGRATION = "dashboard.piccolo_migrations.dashboard_2026_11_25t02_00_00_000000"


def test_the_worker_looks_every_minute() -> None:
    assert (schedule.EVERY_MINUTE, keep_metrics) in schedule.PLAN


async def test_what_happened_is_counted_at_the_next_tick_and_nothing_is_left_to_count(
    desk: Desk,
) -> None:
    await desk.buy()
    await open_ticket(clock.now())
    assert await Touched.count() >= 2
    assert await keep_metrics() == 1
    assert (await Touched.count(), await keep_metrics()) == (0, 0)
    today = (await queries.period(queries.today(), queries.today(), "usd")).total
    assert (today.authorization.numerator, today.tickets) == (1, 1)


async def test_what_was_rolled_back_leaves_no_mark() -> None:
    row = await payment("usd")
    with pytest.raises(ZeroDivisionError):
        await _told_in_vain(row)
    assert await Touched.count() == 0


async def _told_in_vain(row: Payment) -> None:
    async with db.transaction():
        await tell(row, [Told("charged", timedelta())])
        raise ZeroDivisionError


async def test_a_day_that_cannot_be_counted_keeps_its_mark_and_holds_up_no_other() -> None:
    row, broken = await payment("usd"), await payment("usd")
    await tell(row, [Told("authorized", timedelta()), Told("captured", timedelta(days=2))])
    # More money than the database can add up.
    much = Told("charged", timedelta(days=1), 2**62)
    await tell(broken, [much, much, much])
    assert await keep_metrics() == 2
    assert {day.day - START.date() for day in await Day.objects()} == {0 * DAY, 2 * DAY}
    assert await Touched.count() > 0
    # The day of the refund, and what became of the hold of the first day.
    await tell(row, [Told("refund_succeeded", timedelta(days=3))])
    assert await keep_metrics() == 2


@pytest.mark.parametrize("zone", ["America/New_York", "Pacific/Kiritimati"])
async def test_what_happened_before_there_were_marks_is_counted_as_well(zone: str) -> None:
    use_zone(zone)
    row = await payment("usd")
    # The day in New York that has 23 hours begins and ends within two days of UTC.
    hours = (0, 28, 29, 50, 53, 60)
    await tell(row, [Told("charged", timedelta(hours=hour, minutes=59)) for hour in hours])
    await open_ticket(START + timedelta(days=9))
    await Touched.delete(force=True)
    migration = importlib.import_module(MIGRATION)
    made = migration.sqlite if db.engine().engine_type == "sqlite" else migration.postgresql
    statements = [one for source in migration.SOURCES for one in made(*source)]
    await run_sql([one for one in statements if one.startswith("INSERT")])
    await keep_metrics()
    assert await rolled_up() == await recounted(settings.current().zone)


async def test_a_day_that_is_counted_while_it_is_read_is_read_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    row, other = await payment("usd"), await payment("usd")
    held = Told("authorized", timedelta())
    await tell(row, [held, Told("captured", timedelta(hours=1))])
    await tell(other, [held, Told("captured", timedelta(days=1))])
    await keep_metrics()
    true, late = queries.read, await payment("usd")

    async def overtaken(*asked: Any) -> Any:
        found = await true(*asked)
        monkeypatch.undo()
        await tell(late, [held, Told("captured", timedelta(hours=3))])
        await keep_metrics()
        return found

    monkeypatch.setattr(queries, "read", overtaken)
    day = START.date()
    waited = (await queries.period(day, day + timedelta(days=1), "usd")).total.capture_time
    assert (waited.count, waited.median) == (3, 3 * 3600)


async def test_a_year_costs_the_same_to_read_however_many_bookings_it_has() -> None:
    """The small form of `make bench-metrics`: what is read, and that it is the truth."""
    await bench.fill(20_000, days=20)
    days = (await rollup.rebuild()).days
    assert (days, await Day.count()) == (20, 2 * 20)
    year = (await queries.period(bench.FIRST, bench.LAST, "usd")).total
    raw = await bench.raw_recount()
    told = {
        kind: sum(int(row["n"]) for row in raw if (row["kind"], row["currency"]) == (kind, "usd"))
        for kind in ("authorized", "captured", "declined", "released", "expired")
    }
    assert year.authorization.numerator == told["authorized"]
    assert year.authorization.denominator == told["authorized"] + told["declined"]
    assert year.expiry.numerator == told["expired"]
    assert year.capture_time.count == told["captured"]
    assert year.hold_duration.count == told["captured"] + told["released"] + told["expired"]
