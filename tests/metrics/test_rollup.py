"""The days agree with a plain recount in every cell, whatever came late and whatever the clock."""

import itertools
import statistics
from array import array
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import pytest
from hypothesis import HealthCheck, Phase, given
from hypothesis import settings as bounds
from hypothesis import strategies as some

from dashboard import settings
from dashboard.metrics import behind, numbers, queries, rollup
from dashboard.metrics.counting import COLUMNS
from dashboard.metrics.days import day_of, every, span
from dashboard.metrics.facts import Metric
from dashboard.metrics.figures import Figures, Money
from dashboard.metrics.tables import Day, Touched
from jobs.metrics import keep_metrics
from tests.metrics.histories import (
    START,
    Life,
    Told,
    lives,
    ninth_tenth,
    open_ticket,
    payment,
    recounted,
    tell,
)

pytestmark = pytest.mark.usefixtures("database")
# March 8th has 23 hours in New York, and October 25th 25 in Berlin.
ZONES = [("America/New_York", START), ("Europe/Berlin", START + timedelta(days=231))]


def use_zone(name: str) -> None:
    settings.use(msgspec.structs.replace(settings.current(), time_zone=name))


async def rolled_up() -> dict[tuple[date, str], dict[str, Any]]:
    """The rows, without what is nothing, and with the waits as numbers."""
    found = {}
    for row in await Day.objects():
        cells = {name: getattr(row, name) for name in COLUMNS}
        cells |= {name: list(array("I", cells[name])) for name in ("waits", "wait_hours")}
        found[row.day, row.currency] = {name: value for name, value in cells.items() if value}
    return found


# Nothing is made smaller when it fails: the histories of the examples before are still there.
FEW = bounds(
    max_examples=6,
    deadline=None,
    phases=[Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


@pytest.mark.parametrize(("zone", "start"), ZONES)
@FEW
@given(some.lists(lives(), min_size=1, max_size=6), some.data())
async def test_no_cell_differs_from_a_recount(
    zone: str, start: datetime, told: list[Life], data: some.DataObject
) -> None:
    """Histories pile up from example to example: late events come on days that are counted."""
    use_zone(zone)
    later = []
    for life in told:
        row = await payment(life.currency, **life.fees)
        cut = data.draw(some.integers(0, len(life.events)))
        await tell(row, life.events[:cut], start)
        later.append((row, life.events[cut:]))
    await keep_metrics()
    for row, events in later:
        await tell(row, events, start)
    await open_ticket(start + data.draw(some.timedeltas(timedelta(), timedelta(days=5))))
    await keep_metrics()
    assert await rolled_up() == await recounted(settings.current().zone)
    assert (await rollup.rebuild()).changed == []
    assert await Touched.count() == 0
    await rows_are_behind_every_number(start, data.draw(some.sampled_from(["usd", "jpy"])))


async def rows_are_behind_every_number(start: datetime, currency: str) -> None:
    first = day_of(start, settings.current().zone)
    found = await queries.period(first, first + timedelta(days=25), currency)
    expected = await recounted(settings.current().zone)
    waits = sorted(
        one
        for (_, of), cells in expected.items()
        if of == currency
        for one in cells.get("waits", [])
    )
    assert (found.total.capture_time.count, found.before.capture_time.count) == (len(waits), 0)
    if waits:
        assert found.total.capture_time.median == Fraction(statistics.median(waits))
        assert found.total.capture_time.p90 == ninth_tenth(waits)
        assert found.total.capture_time.mean == Fraction(sum(waits), len(waits))
    held = found.before.money.held
    busy = [point for point in found.points if (point.day, currency) in expected]
    for point in found.points:
        for metric, counts in counts_of(point.figures).items() if point in busy[:4] else ():
            asked = (metric, point.day, point.day, currency)
            rows = await behind.numerator(*asked).all()
            below = await behind.denominator(*asked).all()
            assert (len(rows), len(below)) == counts, asked
            assert all(point.day == day_of(row.at, settings.current().zone) for row in rows)
        money = point.figures.money
        if point in busy[:4]:
            await _money_has_its_rows(point.day, currency, money)
        assert held + money.reserved == money.captured + money.released + money.held
        assert money.held_before() == held
        held = money.held


async def _money_has_its_rows(day: date, currency: str, money: Money) -> None:
    for name in numbers.MONEY:
        rows = await numbers.named(f"money.{name}", day, day, currency).all()
        assert sum(row.amount for row in rows) == getattr(money, name), (name, day, currency)


def counts_of(figures: Figures) -> dict[Metric, tuple[int, int]]:
    """Numerator and denominator of each metric."""
    waited, stood = figures.capture_time.count, figures.hold_duration.count
    return {
        Metric.CAPTURE_TIME: (waited, waited),
        Metric.HOLD_DURATION: (stood, stood),
        Metric.TICKETS: (figures.tickets, figures.tickets_per_100.holds),
        **{
            metric: (share.numerator, share.denominator)
            for metric, share in (
                (Metric.AUTHORIZATION, figures.authorization),
                (Metric.EXPIRY, figures.expiry),
                (Metric.CAPTURE_FAILURE, figures.capture_failure),
            )
        },
    }


async def test_a_rebuild_mends_what_is_wrong_and_says_how_many_days() -> None:
    row = await payment("usd")
    await tell(row, _hold(2), START)
    await keep_metrics()
    assert (await rollup.rebuild()).changed == []
    before = await rolled_up()
    await Day.update({Day.captured_amount: 1}).where(Day.captured_count == 1)
    # A row that nothing stands behind is as wrong as one that says something else.
    lonely = START.date() + timedelta(days=40)
    await Day.insert(Day(day=lonely, currency="usd", zone="UTC", placed_count=1))
    found = await rollup.rebuild()
    assert found.changed == [START.date() + timedelta(days=2), lonely]
    assert await rolled_up() == before
    assert (await rollup.rebuild()).changed == []


async def test_another_reporting_zone_counts_every_day_anew() -> None:
    row = await payment("usd")
    await tell(row, _hold(3), START)
    await open_ticket(START)
    await keep_metrics()
    use_zone("America/Los_Angeles")
    assert await queries.period(START.date(), START.date(), "usd")
    await keep_metrics()
    assert await rolled_up() == await recounted(settings.current().zone)
    assert {row["zone"] for row in await Day.select(Day.zone)} == {"America/Los_Angeles"}


def _hold(days: int) -> list[Any]:
    return [Told("authorized", timedelta()), Told("captured", timedelta(days=days), operation="a")]


@given(
    some.sampled_from(["America/St_Johns", "America/Sao_Paulo", "Pacific/Apia", "Africa/Cairo"]),
    some.integers(0, 12 * 366 * 86_400),
)
def test_the_days_of_a_zone_cover_every_instant_once(zone_name: str, seconds: int) -> None:
    zone = ZoneInfo(zone_name)
    instant = datetime(2006, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)
    day = day_of(instant, zone)
    start, end = span(day, day, zone)
    assert start <= instant < end
    near = list(every(day - timedelta(days=2), day + timedelta(days=2)))
    spans = [span(one, one, zone) for one in near]
    assert all(one[1] == two[0] for one, two in itertools.pairwise(spans))
