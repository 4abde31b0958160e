"""The tables of the analytics as files: the rows that the page shows, from the same functions."""

from collections.abc import Callable, Iterator
from datetime import date, datetime, timedelta
from typing import Any

from dashboard import clock, settings
from dashboard.exports.lines import Cell, Column, Kind, Row
from dashboard.exports.sheets import Filters, Page, Sheet
from dashboard.metrics import balances, forecast, outlook
from dashboard.metrics import sheets as shown
from dashboard.metrics.cohorts import cohorts
from dashboard.metrics.facts import Metric
from dashboard.metrics.queries import today
from dashboard.metrics.series import Series, series
from dashboard.metrics.spans import Span, Step, cut
from dashboard.metrics.values import NAMES
from dashboard.money import Money

# As on the page: two years, one of them a leap year.
MOST_DAYS = 731
_USUAL = timedelta(days=29)
_KINDS: dict[str, Kind] = {shown.Kind.DAY: "text", shown.Kind.MONEY: "money"}
_NOBODY: Any = None
# The columns of a table are the same whatever its points are.
_NO_POINTS = Series(Span(date.min, date.min), Step.DAY, "", (), _NOBODY, _NOBODY)


def kept(given: Filters, most: int = MOST_DAYS) -> dict[str, str]:
    """A span of days and a currency; without them the last thirty days in the usual currency."""
    last = day_of(given.get("to", "")) or today()
    first = min(day_of(given.get("from", "")) or last - _USUAL, last)
    first = max(first, last - timedelta(days=most - 1))
    currency = given.get("currency", "").lower()
    known = len(currency) == 3 and currency.isascii() and currency.isalpha()
    return {
        "from": first.isoformat(),
        "to": last.isoformat(),
        "currency": currency if known else settings.current().default_currency,
    }


def _cut_up(given: Filters) -> dict[str, str]:
    by = given.get("by", "")
    return {**kept(given), "by": by if by in set(Step) else Step.DAY.value}


def day_of(text: str) -> date | None:
    """A day as it stands in addresses; None for what is none, or of another age."""
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return None
    return day if 2000 <= day.year <= 2999 and len(text) == 10 else None


def span_of(filters: Filters) -> Span:
    """The days of these filters."""
    return Span(date.fromisoformat(filters["from"]), date.fromisoformat(filters["to"]))


def columns(table: shown.Sheet) -> tuple[Column, ...]:
    """The columns of a file: the currency first, then those of the page."""
    made = [Column(one.name, _KINDS.get(one.kind, "number")) for one in table.columns]
    return (Column("currency"), *made)


def rows(table: shown.Sheet) -> list[Row]:
    """The rows of the page, cell by cell."""
    return [(table.currency.upper(), *_cells(table, row)) for row in table.rows]


def _cells(table: shown.Sheet, row: Any) -> Iterator[Cell]:
    for column, cell in zip(table.columns, row, strict=True):
        money = column.kind is shown.Kind.MONEY and cell is not None
        yield Money(cell, table.currency) if money else cell


def _of_series(name: str, title: str, table: Callable[[Series], shown.Sheet]) -> Sheet:
    """A table with a row for each point of a period."""

    async def count(filters: Filters, _: datetime) -> int:
        return len(cut(span_of(filters), Step(filters["by"])))

    async def page(filters: Filters, _: datetime, __: str) -> Page:
        found = await series(span_of(filters), Step(filters["by"]), filters["currency"])
        return rows(table(found)), ""

    return Sheet(name, title, "/analytics", columns(table(_NO_POINTS)), _cut_up, count, page)


def _metric(metric: Metric) -> Sheet:
    return _of_series(metric.value, NAMES[metric], lambda found: shown.of_metric(metric, found))


async def _cohorts(filters: Filters) -> shown.Sheet:
    days = span_of(filters)
    found = await cohorts(days.first, days.last, filters["currency"])
    return outlook.weeks(found, filters["currency"])


async def _ahead(filters: Filters) -> shown.Sheet:
    return outlook.ahead(await forecast.ahead(clock.now()), filters["currency"])


async def _kept_forecast(filters: Filters) -> shown.Sheet:
    found = await forecast.kept(span_of(filters).first, filters["currency"])
    return outlook.kept(found or [], filters["currency"])


def _whole(
    name: str, title: str, address: str, empty: shown.Sheet, read: Callable[[Filters], Any]
) -> Sheet:
    """A table that is read at once: it never has many rows."""

    async def count(filters: Filters, _: datetime) -> int:
        return len((await read(filters)).rows)

    async def page(filters: Filters, _: datetime, __: str) -> Page:
        return rows(await read(filters)), ""

    return Sheet(name, title, address, columns(empty), kept, count, page)


SHEETS = (
    *(_metric(metric) for metric in Metric),
    _of_series("held", "Money held", balances.held),
    _of_series("taken", "Money taken", balances.taken),
    _of_series("at_risk", "Money at risk", balances.at_risk),
    _whole("cohorts", "Cohorts", "/analytics/cohorts", outlook.weeks((), ""), _cohorts),
    _whole("forecast", "Forecast", "/analytics/forecast", outlook.ahead((), ""), _ahead),
    _whole(
        "kept_forecast",
        "An earlier forecast",
        "/analytics/forecast",
        outlook.kept((), ""),
        _kept_forecast,
    ),
)
