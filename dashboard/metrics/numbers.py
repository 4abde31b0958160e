"""Every number of the analytics by its name, with the rows behind it.

The name stands in addresses: `expiry`, and `expiry.of` for what it is a part of; `money.captured`;
`cohort.expired`; `ends.person`.
"""

from datetime import date

from dashboard.metrics import behind, forecast
from dashboard.metrics.behind import Behind
from dashboard.metrics.cells import FATES
from dashboard.metrics.facts import Metric

# Amounts of `figures.Money` by the cells that they add up, or take away.
MONEY: dict[str, dict[str, int]] = {
    "reserved": {"placed": 1},
    "captured": {"captured": 1},
    "released": {"released": 1, "expired": 1, "rest": 1},
    "expired": {"expired": 1},
    "charged": {"charged": 1},
    "refunded": {"refunded": 1, "returned": -1},
    "disputed": {"disputed": 1},
    "withdrawn": {"withdrawn": 1},
    "reinstated": {"reinstated": 1},
    "lost": {"lost": 1},
    "fees": {"fee_captured": 1, "fee_charged": 1, "fee_disputed": 1},
    "unpriced": {"unpriced_captured": 1, "unpriced_charged": 1},
    "net": {"captured": 1, "charged": 1, "refunded": -1, "returned": 1, "lost": -1},
}
# How things stood at the end of the last day.
BALANCES = {"held": behind.held, "in_dispute": behind.in_dispute}
COHORT = ("placed", *FATES, "open")
# Of the holds that expired, those of which a capture had been refused before.
AFTER_REFUSAL = f"{Metric.EXPIRY}.refused"
ENDS = {"person": True, "resolves": False}
NAMES = frozenset(
    (
        *Metric,
        *(f"{metric}.of" for metric in Metric),
        AFTER_REFUSAL,
        *(f"money.{name}" for name in (*MONEY, *BALANCES)),
        *(f"cohort.{name}" for name in COHORT),
        *(f"ends.{name}" for name in ENDS),
    )
)


def named(what: str, first: date, last: date, currency: str) -> Behind:
    """The rows behind a number of `first` to `last`. Raises KeyError for what is not in `NAMES`."""
    if what not in NAMES:
        raise KeyError(what)
    if what == AFTER_REFUSAL:
        return behind.expired_after_refusal(first, last, currency)
    group, _, name = what.partition(".")
    match group:
        case "money" if name in BALANCES:
            return BALANCES[name](last, currency)
        case "money":
            return behind.of_cells(MONEY[name], first, last, currency)
        case "cohort":
            return behind.of_cohort(name, first, last, currency)
        case "ends":
            return forecast.behind(last, currency, ENDS[name])
    side = behind.denominator if name == "of" else behind.numerator
    return side(Metric(group), first, last, currency)
