"""The tables of the analytics as files: cell by cell what the page is given."""

import csv
import io
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

import pytest

from dashboard import clock
from dashboard.exports import behind, catalog, figures, making
from dashboard.metrics import balances, queries
from dashboard.metrics.facts import Metric
from dashboard.metrics.numbers import named
from dashboard.metrics.series import series
from dashboard.metrics.sheets import of_metric
from dashboard.metrics.spans import Span, Step
from jobs.metrics import keep_metrics
from tests.world import World

HOUR = timedelta(hours=1)


async def lived(world: World) -> None:
    """Some days at the desk: captured, expired, declined, and in another currency."""
    for number in range(3):
        booking = await world.book(starts_in=(30 + number) * HOUR)
        if number:
            await world.call(booking["id"], "complete")
    await world.post_booking(payment_method="pm_card_chargeDeclined")
    await world.book(starts_in=20 * HOUR, instructor_id=world.catalog.jpy)
    await world.buy_package(starts_in=50 * HOUR)
    await world.tick()
    await keep_metrics()


async def told(name: str, **filters: str) -> list[dict[str, str]]:
    asked = catalog.wanted(name, urlencode(filters), clock.now())
    text = await making.at_once(asked)
    assert text is not None
    rows = csv.reader(io.StringIO(text.removeprefix("\ufeff"), newline=""))
    next(rows)
    names = next(rows)
    return [dict(zip(names, row, strict=True)) for row in rows]


def text_of(cell: Any) -> str:
    return "" if cell is None else str(cell)


@pytest.mark.parametrize("by", list(Step))
@pytest.mark.parametrize("metric", list(Metric))
async def test_each_metric_is_told_to_the_last_digit(world: World, metric: Metric, by: Step):
    await lived(world)
    last = queries.today()
    span = Span(last - timedelta(days=40), last)
    page = of_metric(metric, await series(span, by, "usd"))
    days = {"from": span.first.isoformat(), "to": span.last.isoformat()}
    found = await told(metric, **days, by=by, currency="usd")
    assert len(found) == len(page.rows) > 1
    for line, row in zip(found, page.rows, strict=True):
        assert line["currency"] == "USD"
        for column, cell in zip(page.columns, row, strict=True):
            assert line[column.name] == text_of(cell)


@pytest.mark.parametrize("currency", ["usd", "jpy"])
@pytest.mark.parametrize("name", ["held", "taken", "at_risk"])
async def test_the_money_of_a_file_is_that_of_the_page(world: World, name: str, currency: str):
    await lived(world)
    last = queries.today()
    found = await told(name, currency=currency)
    page = getattr(balances, name)(
        await series(Span(last - timedelta(days=29), last), Step.DAY, currency)
    )
    for at, column in enumerate(page.columns[2:], 2):
        of_page = sum(row[at] or 0 for row in page.rows)
        assert sum(int(line[f"{column.name}_minor"] or 0) for line in found) == of_page
    if name == "taken" and currency == "usd":
        total = (await queries.period(last - timedelta(days=29), last, "usd")).total.money
        assert sum(int(line["net_minor"]) for line in found) == total.net > 0
        assert {line["net"] for line in found if line["net_minor"] == "0"} == {"0.00"}


@pytest.mark.parametrize("what", ["money.captured", "money.fees", "authorization_success.of"])
async def test_the_rows_behind_a_number_come_to_the_number(
    world: World, monkeypatch: pytest.MonkeyPatch, what: str
):
    monkeypatch.setattr(behind, "AT_ONCE", 2)
    await lived(world)
    last = queries.today()
    count, amount = await named(what, last - timedelta(days=29), last, "usd").come_to()
    found = await told("rows", what=what, currency="usd")
    assert (len(found), sum(int(one["amount_minor"]) for one in found)) == (count, amount)
    assert count > 1 and len({one["row"] for one in found}) == count


@pytest.mark.parametrize("name", ["cohorts", "forecast", "kept_forecast"])
async def test_what_became_and_what_is_foreseen_is_told(world: World, name: str):
    await lived(world)
    first = queries.today().isoformat() if name == "kept_forecast" else ""
    found = await told(name, currency="usd", **{"from": first})
    if name == "cohorts":
        assert [line["placed_count"] for line in found] == ["3"]
        assert found[0]["placed_amount"] == "288.00"
    if name == "forecast":
        assert sum(int(line["resolves_count"]) for line in found) == 1


@pytest.mark.parametrize(
    "given",
    [
        {"from": "2026-13-01", "to": "x", "by": "hour", "currency": "dollars"},
        {"from": "0001-01-01", "to": "9999-12-31"},
        {"from": "2999-12-31", "to": "2000-01-01"},
        {"from": "20260101", "currency": "ÄÖÜ"},
    ],
)
async def test_days_that_make_no_sense_are_the_last_thirty_or_as_many_as_can_be_asked_for(
    world: World, given: dict[str, str]
):
    kept = figures.kept(given)
    span = figures.span_of(kept)
    assert 1 <= span.days <= figures.MOST_DAYS
    assert kept["currency"] == "usd"
    assert len(await told("expiry", **given)) == span.days


async def test_a_number_that_is_none_has_no_file(world: World):
    with pytest.raises(catalog.NoSuchTable):
        catalog.wanted("rows", "what=money.everything", clock.now())
