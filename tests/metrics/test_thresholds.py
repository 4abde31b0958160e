"""Lines that finance draws, and the days that were beyond them."""

import sqlite3
from datetime import timedelta

import asyncpg
import pytest

from dashboard import clock
from dashboard.metrics import queries, thresholds
from dashboard.metrics.facts import Metric
from dashboard.metrics.tables import Crossing, Threshold
from dashboard.metrics.thresholds import BadThreshold
from jobs.metrics import keep_metrics
from tests.metrics.histories import Told, open_ticket, payment, tell

pytestmark = pytest.mark.usefixtures("database")
MINUTE = timedelta(minutes=1)


async def attempts(good: int, bad: int, currency: str = "usd", days_ago: int = 0) -> None:
    """So many attempts of a day that became a hold, and that were declined."""
    row = await payment(currency)
    told = [Told("charged", timedelta())] * good + [Told("declined", timedelta())] * bad
    await tell(row, told, clock.now() - timedelta(days=days_ago))


async def crossed(currency: str = "usd") -> list[tuple[str, int, int]]:
    today = queries.today()
    rows = await thresholds.crossings(today - timedelta(days=9), today, currency)
    return [(str(row.metric), row.value, row.cases) for row in rows]


async def test_a_line_says_who_drew_it_and_when_and_the_newest_one_stands() -> None:
    await thresholds.draw(Metric.AUTHORIZATION, "usd", 95_00, "Fay", 7)
    await thresholds.draw(Metric.AUTHORIZATION, "jpy", 90_00, "Fay", 7)
    await thresholds.draw(Metric.AUTHORIZATION, "usd", 92_50, "Gil", 8)
    newest, first = await thresholds.history(Metric.AUTHORIZATION, "usd")
    assert (newest.value, newest.set_by, newest.set_by_staff) == (92_50, "Gil", 8)
    assert (first.value, first.set_by) == (95_00, "Fay") and first.set_at <= newest.set_at
    lines = {(row.currency, row.value) for row in await thresholds.standing()}
    assert lines == {("usd", 92_50), ("jpy", 90_00)}
    await thresholds.draw(Metric.AUTHORIZATION, "jpy", None, "Fay", 7)
    assert {row.currency for row in await thresholds.standing()} == {"usd"}


async def test_a_line_that_was_drawn_is_never_rewritten() -> None:
    await thresholds.draw(Metric.EXPIRY, "usd", 5_00, "Fay")
    with pytest.raises((sqlite3.IntegrityError, asyncpg.RestrictViolationError)):
        await Threshold.update({Threshold.value: 1}, force=True)


@pytest.mark.parametrize(
    ("metric", "currency", "value"),
    [
        (Metric.TICKETS, "usd", 3),
        (Metric.EXPIRY, "", 3),
        (Metric.EXPIRY, "usd", 100_01),
        (Metric.HOLD_DURATION, "usd", -1),
    ],
)
async def test_a_line_that_makes_no_sense_is_refused(
    metric: Metric, currency: str, value: int
) -> None:
    with pytest.raises(BadThreshold):
        await thresholds.draw(metric, currency, value, "Fay")
    assert await Threshold.count() == 0


async def test_a_crossing_is_recorded_once_with_what_was_seen() -> None:
    await thresholds.draw(Metric.AUTHORIZATION, "usd", 95_00, "Fay")
    await thresholds.draw(Metric.TICKETS, "", 1, "Fay")
    await attempts(19, 1)
    await open_ticket(clock.now())
    await keep_metrics()
    # On the line is not beyond it.
    assert await crossed() == []
    await attempts(0, 1)
    await open_ticket(clock.now())
    await keep_metrics()
    found = sorted(await crossed())
    assert found == [("authorization_success", 90_47, 21), ("hold_tickets", 2, 2)]
    await attempts(0, 5)
    await keep_metrics()
    assert sorted(await crossed()) == found
    # The other currency has no line.
    await attempts(0, 50, "jpy")
    await keep_metrics()
    assert await crossed("jpy") == [("hold_tickets", 2, 2)]
    assert await Crossing.count() == 2


async def test_too_few_attempts_cross_nothing() -> None:
    await thresholds.draw(Metric.AUTHORIZATION, "usd", 95_00, "Fay")
    await attempts(0, 19)
    await keep_metrics()
    assert await crossed() == []
    await attempts(0, 1)
    await keep_metrics()
    assert await crossed() == [("authorization_success", 0, 20)]


async def test_a_line_says_nothing_about_the_days_before_it_was_drawn() -> None:
    await attempts(0, 30)
    await attempts(0, 30, days_ago=2)
    await keep_metrics()
    await thresholds.draw(Metric.AUTHORIZATION, "usd", 95_00, "Fay")
    # Late news of the day before the line.
    await attempts(0, 1, days_ago=2)
    await keep_metrics()
    today = queries.today()
    rows = await thresholds.crossings(today - timedelta(days=9), today, "usd")
    # And this day is looked at, though nothing happened since.
    assert [row.day for row in rows] == [today]


@pytest.mark.parametrize(
    ("metric", "end"), [(Metric.CAPTURE_TIME, "captured"), (Metric.HOLD_DURATION, "released")]
)
async def test_durations_are_compared_in_seconds(metric: Metric, end: str) -> None:
    await thresholds.draw(metric, "usd", 3600, "Fay")
    row = await payment("usd")
    await tell(row, [Told("authorized", -119 * MINUTE), Told(end, timedelta())], clock.now())
    await keep_metrics()
    found = await Crossing.objects()
    assert [(one.metric, one.value, one.cases) for one in found] == [(metric, 119 * 60, 1)]


async def test_of_failures_and_expiries_more_is_worse() -> None:
    for metric in (Metric.CAPTURE_FAILURE, Metric.EXPIRY):
        await thresholds.draw(metric, "usd", 10_00, "Fay")
    refused = Told("operation_refused", timedelta(), detail={"verb": "capture"})
    for index in range(25):
        row = await payment("usd")
        end = Told("expired" if index < 3 else "captured", timedelta(), operation="op")
        told = [Told("authorized", timedelta()), end] + [refused] * (index < 4)
        await tell(row, told, clock.now())
    await keep_metrics()
    assert sorted(await crossed()) == [("capture_failure", 15_38, 26), ("expiry", 12_00, 25)]
