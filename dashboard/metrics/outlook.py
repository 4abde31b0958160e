"""What became of each week's holds, and what is foreseen, as tables for the page and for a file.

Pure.
"""

from collections.abc import Sequence
from datetime import date, timedelta

from dashboard.metrics.cohorts import Cohort, Pile
from dashboard.metrics.forecast import Ahead, Outcome
from dashboard.metrics.sheets import DAYS, Cell, Column, Kind, Sheet

_SIX_DAYS = timedelta(days=6)
_FATES = (
    ("placed", "Placed", "cohort.placed"),
    ("captured", "Captured", "cohort.captured"),
    ("refunded", "Refunded", "cohort.refunded"),
    ("released", "Released", "cohort.released"),
    ("expired", "Expired", "cohort.expired"),
    ("open", "Still open", "cohort.open"),
)
_AHEAD = (
    ("resolves", "Will resolve itself", "ends.resolves"),
    ("person", "Needs a person", "ends.person"),
)
_KEPT = (
    ("resolves", "Would resolve itself", ""),
    ("person", "Needed a person", ""),
    ("expired", "Expired", "money.expired"),
)


def last_day(cohort: Cohort) -> date:
    """The Sunday of a cohort's week."""
    return cohort.week + _SIX_DAYS


def weeks(cohorts: Sequence[Cohort], currency: str) -> Sheet:
    """The holds that were placed in each week, by what became of them."""
    rows = [
        (
            one.week,
            last_day(one),
            *_counted(
                (
                    one.placed,
                    one.captured,
                    one.refunded,
                    one.released,
                    one.expired,
                    one.still_open,
                )
            ),
        )
        for one in cohorts
    ]
    return Sheet("cohorts", currency, (*DAYS, *_piles(_FATES)), rows)


def ahead(days: Sequence[Ahead], currency: str) -> Sheet:
    """The money whose holds end on each day if nobody acts."""
    rows = [
        (one.day, one.day, *_counted((one.resolves, one.person)))
        for one in days
        if one.currency == currency
    ]
    return Sheet("forecast", currency, (*DAYS, *_piles(_AHEAD)), rows)


def kept(outcomes: Sequence[Outcome], currency: str) -> Sheet:
    """What an earlier look ahead said of each day, and what expired on it; nothing where the day is
    not over."""
    rows = [
        (one.day, one.day, *_counted((one.resolves, one.person, one.expired))) for one in outcomes
    ]
    return Sheet("kept_forecast", currency, (*DAYS, *_piles(_KEPT)), rows)


def _piles(names: Sequence[tuple[str, str, str]]) -> list[Column]:
    return [
        column
        for name, title, what in names
        for column in (
            Column(f"{name}_count", title, Kind.COUNT, what),
            Column(f"{name}_amount", f"{title}, worth", Kind.MONEY, what),
        )
    ]


def _counted(piles: Sequence[Pile | None]) -> list[Cell]:
    cells: list[Cell] = []
    for pile in piles:
        cells += (None, None) if pile is None else (pile.count, pile.amount)
    return cells
