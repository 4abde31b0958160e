"""The tables of the analytics: one function each, for the page and for a file alike. Pure.

A cell is a value, not a text: whoever shows it says it in words by the column's kind.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum

from dashboard.metrics.facts import Metric
from dashboard.metrics.series import Point, Series
from dashboard.metrics.values import DURATIONS, SHARES, hours, value

Cell = date | int | Decimal | None


class Kind(StrEnum):
    """What the cells of a column are. Money is in minor units of the sheet's currency."""

    DAY = "day"
    COUNT = "count"
    PERCENT = "percent"
    HOURS = "hours"
    RATE = "rate"
    MONEY = "money"


@dataclass(frozen=True, slots=True)
class Column:
    """`name` is for programs, `title` for people. `what` names the number in `numbers.NAMES` whose
    rows stand behind a cell; it is empty where there are none to show."""

    name: str
    title: str
    kind: Kind
    what: str = ""


@dataclass(frozen=True, slots=True)
class Sheet:
    """A table. The first two columns are the first and the last day that a row is about."""

    name: str
    currency: str
    columns: Sequence[Column]
    rows: Sequence[Sequence[Cell]]


DAYS = (Column("from", "From", Kind.DAY), Column("to", "To", Kind.DAY))


def of_metric(metric: Metric, series: Series) -> Sheet:
    """One of the six, point by point; `before` is the same one period earlier."""
    columns, cells = _COLUMNS[metric]
    rows = [(*days(point), *cells(point)) for point in series.points]
    return Sheet(metric, series.currency, (*DAYS, *columns), rows)


def days(point: Point) -> tuple[date, date]:
    """The cells of `DAYS`."""
    return point.span.first, point.span.last


_Cells = Callable[[Point], tuple[Cell, ...]]


def _shares(metric: Metric) -> tuple[tuple[Column, ...], _Cells]:
    titles = {
        Metric.AUTHORIZATION: ("Rate", "Succeeded", "Attempts"),
        Metric.EXPIRY: ("Rate", "Expired", "Ended"),
        Metric.CAPTURE_FAILURE: ("Rate", "Refused", "Attempts"),
    }[metric]
    columns: tuple[Column, ...] = (
        Column("percent", titles[0], Kind.PERCENT, metric),
        Column("numerator", titles[1], Kind.COUNT, metric),
        Column("denominator", titles[2], Kind.COUNT, f"{metric}.of"),
        Column("before_percent", "Before", Kind.PERCENT),
    )

    def cells(point: Point) -> tuple[Cell, ...]:
        now = value(metric, point.figures)
        before = value(metric, point.before).value
        if metric is not Metric.EXPIRY:
            return now.value, now.numerator, now.denominator, before
        return now.value, now.numerator, now.denominator, before, point.figures.still_open

    if metric is Metric.EXPIRY:
        columns = (*columns, Column("still_open", "Still open", Kind.COUNT, "money.held"))
    return columns, cells


def _capture_time(point: Point) -> tuple[Cell, ...]:
    found = point.figures.capture_time
    before = value(Metric.CAPTURE_TIME, point.before).value
    return hours(found.median), hours(found.p90), hours(found.mean), found.count, before


def _duration(point: Point) -> tuple[Cell, ...]:
    now = value(Metric.HOLD_DURATION, point.figures)
    return now.value, now.numerator, value(Metric.HOLD_DURATION, point.before).value


def _tickets(point: Point) -> tuple[Cell, ...]:
    found = point.figures.tickets_per_100
    return found.tickets, found.holds, found.value, point.before.tickets


_COLUMNS: dict[Metric, tuple[tuple[Column, ...], _Cells]] = {
    **{metric: _shares(metric) for metric in SHARES},
    Metric.CAPTURE_TIME: (
        (
            Column("median_hours", "Median", Kind.HOURS, Metric.CAPTURE_TIME),
            Column("p90_hours", "90 % in", Kind.HOURS, Metric.CAPTURE_TIME),
            Column("mean_hours", "Mean", Kind.HOURS, Metric.CAPTURE_TIME),
            Column("captures", "Captures", Kind.COUNT, Metric.CAPTURE_TIME),
            Column("before_median_hours", "Before", Kind.HOURS),
        ),
        _capture_time,
    ),
    Metric.HOLD_DURATION: (
        (
            Column("mean_hours", "Mean", Kind.HOURS, Metric.HOLD_DURATION),
            Column("holds", "Ended", Kind.COUNT, Metric.HOLD_DURATION),
            Column("before_mean_hours", "Before", Kind.HOURS),
        ),
        _duration,
    ),
    Metric.TICKETS: (
        (
            Column("tickets", "Tickets", Kind.COUNT, Metric.TICKETS),
            Column("holds", "Holds placed", Kind.COUNT, f"{Metric.TICKETS}.of"),
            Column("per_100_holds", "Per 100 holds", Kind.RATE),
            Column("before_tickets", "Before", Kind.COUNT),
        ),
        _tickets,
    ),
}
assert set(_COLUMNS) == {*SHARES, *DURATIONS, Metric.TICKETS}
