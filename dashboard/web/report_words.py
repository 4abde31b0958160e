"""A month as its page shows it: every amount formatted, every number with the way to its rows."""

from collections.abc import Sequence
from dataclasses import dataclass

from dashboard import formats
from dashboard.metrics import balances
from dashboard.metrics.facts import Metric
from dashboard.metrics.figures import NOTHING, Money
from dashboard.metrics.numbers import BALANCES, MONEY
from dashboard.metrics.values import NAMES
from dashboard.reports import words
from dashboard.reports.month import Part, Report
from dashboard.reports.worst import Worst

CHANGED = {
    "wanted": "Each month's report will come to you by e-mail.",
    "unwanted": "No more reports will come to you.",
}
# The equations of the money, line by line: what stands there, and what it is called.
SUMS: dict[str, Sequence[tuple[str, str]]] = {
    "Held": balances.HELD,
    "Taken": balances.TAKEN,
    "At risk": balances.AT_RISK,
}


@dataclass(frozen=True, slots=True)
class Figure:
    """One of the six: what it came to, its cases with their rows, and how it has changed."""

    name: str
    told: str
    counts: Sequence[tuple[str, str]]
    cases: str
    change: str


@dataclass(frozen=True, slots=True)
class Sum:
    """One line of an equation; `total` where it is drawn."""

    name: str
    said: str
    href: str
    total: bool


@dataclass(frozen=True, slots=True)
class Bad:
    """One of the worst holds."""

    number: str
    about: str
    href: str
    happened: str
    cost: str


@dataclass(frozen=True, slots=True)
class Shown:
    """One currency of a month."""

    currency: str
    figures: Sequence[Figure]
    sums: dict[str, Sequence[Sum]]
    worst: Sequence[Bad]
    lost: str


def heading(found: Report) -> str:
    """The finding of a month."""
    first = found.parts[0]
    so_far = " so far" if found.so_far else ""
    return f"{words.month(found.first)}{so_far}: {words.finding(first.figures, first.currency)}"


def of_months(count: int) -> str:
    """The finding of the list."""
    months = "1 month" if count == 1 else f"{count} months"
    return f"{months} can be read or printed"


def part(one: Part, report: Report) -> Shown:
    """What the page shows of one currency."""
    # The tickets have no currency: they stand in the first part.
    first = one is report.parts[0]
    metrics = [metric for metric in Metric if first or metric is not Metric.TICKETS]
    return Shown(
        one.currency,
        [_figure(metric, one, report) for metric in metrics],
        {name: _sums(lines, one, report) for name, lines in SUMS.items()},
        [_bad(row, one.currency) for row in one.worst],
        formats.money(sum(row.cost for row in one.worst), one.currency),
    )


def _figure(metric: Metric, one: Part, report: Report) -> Figure:
    return Figure(
        NAMES[metric],
        words.told(metric, one.figures),
        [
            (said, words.rows_of(what, report.first, report.last, one.currency))
            for said, what in words.counts(metric, one.figures)
        ],
        words.cases(metric),
        words.change(metric, one.figures, one.before),
    )


def _sums(lines: Sequence[tuple[str, str]], one: Part, report: Report) -> list[Sum]:
    made = []
    for what, name in lines:
        linked = what in MONEY or what in BALANCES
        address = words.rows_of(f"money.{what}", report.first, report.last, one.currency)
        said = _amount(what, one.figures.money, one.currency)
        made.append(Sum(name, said, address if linked else "", name.startswith("=")))
    return made


def _amount(what: str, money: Money, currency: str) -> str:
    if what == "held_before":
        return _said(money.held_before(), currency)
    # Without a kept look ahead the second part of what is at risk is not known, nor is the sum.
    if what in ("person", "at_risk") and money.person is None:
        return NOTHING
    return _said(getattr(money, what), currency)


def _said(amount: int, currency: str) -> str:
    return formats.money(amount, currency).replace("-", "−")


def _bad(row: Worst, currency: str) -> Bad:
    subject = row.hold.subject
    return Bad(
        subject.number,
        " · ".join(part for part in (subject.student, subject.title) if part),
        f"/holds/{row.hold.payment.id}",
        "; ".join(_happened(row, currency)),
        formats.money(row.cost, currency) if row.cost else NOTHING,
    )


def _happened(row: Worst, currency: str) -> list[str]:
    said = []
    if row.expired:
        said.append(f"expired, {formats.money(row.expired, currency)} never taken")
    if row.lost:
        said.append(f"dispute lost, {formats.money(row.lost, currency)}")
    if row.disputed and not row.lost:
        said.append(f"disputed, {formats.money(row.disputed, currency)}")
    if row.refused:
        times = "once" if row.refused == 1 else f"{row.refused} times"
        said.append(f"capture refused {times}")
    return said
