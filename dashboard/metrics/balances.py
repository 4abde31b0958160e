"""The money as tables whose rows add up, for the page and for a file alike. Pure."""

from collections.abc import Sequence

from dashboard.metrics.figures import Figures
from dashboard.metrics.numbers import BALANCES, MONEY
from dashboard.metrics.series import Series
from dashboard.metrics.sheets import DAYS, Column, Kind, Sheet, days

_LISTED = (*MONEY, *BALANCES)

# The equations of the money: what stands in each, and what it is called.
HELD = (
    ("held_before", "Held before"),
    ("reserved", "+ Reserved"),
    ("captured", "− Captured"),
    ("released", "− Released"),
    ("held", "= Held after"),
)
TAKEN = (
    ("captured", "Captured"),
    ("charged", "+ Charged at once"),
    ("refunded", "− Refunded"),
    ("lost", "− Lost in disputes"),
    ("net", "= Net before fees"),
    ("fees", "− Fees known"),
    ("after_fees", "= Net after known fees"),
    ("unpriced", "Taken, fee not known"),
)
AT_RISK = (
    ("in_dispute", "In dispute after"),
    ("person", "+ Held, needs a person"),
    ("at_risk", "= At risk"),
)


def _sums(name: str, series: Series, columns: Sequence[tuple[str, str]]) -> Sheet:
    """Amounts of `figures.Money`, point by point."""
    made = [
        Column(what, title, Kind.MONEY, f"money.{what}" if what in _LISTED else "")
        for what, title in columns
    ]
    rows = [
        (*days(point), *(_amount(what, point.figures) for what, _ in columns))
        for point in series.points
    ]
    return Sheet(name, series.currency, (*DAYS, *made), rows)


def _amount(what: str, figures: Figures) -> int | None:
    if what == "held_before":
        return figures.money.held_before()
    # Without a kept look ahead the second part of what is at risk is not known, nor is the sum.
    if what == "at_risk" and figures.money.person is None:
        return None
    found: int | None = getattr(figures.money, what)
    return found


def held(series: Series) -> Sheet:
    """Held before + reserved = captured + released + held after, point by point."""
    return _sums(
        "held",
        series,
        HELD,
    )


def taken(series: Series) -> Sheet:
    """Captured + charged − refunded − lost in disputes = net before fees; less the fees that are
    known = net after them, point by point. Beside it, what was taken whose fee is not known."""
    return _sums(
        "taken",
        series,
        TAKEN,
    )


def at_risk(series: Series) -> Sheet:
    """What was disputed; what was in dispute + what needed a person = at risk, point by point."""
    return _sums(
        "at_risk",
        series,
        (("disputed", "Newly disputed"), *AT_RISK),
    )
