"""Reads the rows of some days, once, and makes figures of any span within them."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from itertools import chain
from typing import Any

from dashboard import settings
from dashboard.metrics import durations
from dashboard.metrics.cells import CELLS
from dashboard.metrics.days import every
from dashboard.metrics.facts import DENOMINATORS, NUMERATORS, Metric
from dashboard.metrics.figures import Average, Figures, Money, PerHundred, Share, Spread
from dashboard.metrics.tables import Day, Forecast

Tally = dict[str, Any]
# What raises and what lowers a balance that goes on from day to day.
_OPEN = {"placed_count": 1, "captured_count": -1, "released_count": -1, "expired_count": -1}
_HELD = {
    "placed_amount": 1,
    "captured_amount": -1,
    "rest_amount": -1,
    "released_amount": -1,
    "expired_amount": -1,
}
_IN_DISPUTE = {"disputed_amount": 1, "closed_amount": -1}
_BALANCES = (_OPEN, _HELD, _IN_DISPUTE)
_WITHOUT_MONEY = ("declined", "abandoned", "asked", "refused")
# What the figures are made of.
_NUMBERS = (
    *(f"{name}_count" for name in sorted({*chain(*DENOMINATORS.values())})),
    *(f"{name}_amount" for name in CELLS if name not in _WITHOUT_MONEY),
    "stood_count",
    "stood_seconds",
)
_CASES = {
    metric: tuple([f"{cell}_count" for cell in side[metric]] for side in (NUMERATORS, DENOMINATORS))
    for metric in NUMERATORS
}
_NONE: Tally = dict.fromkeys(_NUMBERS, 0)
# The sign keeps SQLite's driver from looking at each number as a text first.
_ROWS_SQL = (
    "SELECT id, day, wait_hours,"  # noqa: S608
    f" {', '.join(f'+{name} AS {name}' for name in (*_NUMBERS, *durations.NUMBERS))}"
    " FROM metrics_day"
    " WHERE currency = {} AND zone = {} AND day >= {} AND day <= {}"
)


@dataclass(slots=True)
class Read:
    """What was read of the rows, by day."""

    tallies: dict[date, Tally]
    tickets: dict[date, int]
    holds: dict[date, int]
    persons: dict[date, int]
    # The balances at the end of each day: open holds, held, in dispute.
    ends: dict[date, tuple[int, ...]]

    def of_day(self, day: date) -> Figures:
        """The figures of one day."""
        row = self.tallies.get(day)
        return self._figures([day], Spread() if row is None else durations.of_day(row))

    async def of_days(self, first: date, last: date) -> Figures:
        """The figures of `first` to `last`; balances are those of the last day's end."""
        days = list(every(first, last))
        rows = [self.tallies[day] for day in days if day in self.tallies]
        return self._figures(days, await durations.of_days(rows))

    def _figures(self, days: Sequence[date], waited: Spread) -> Figures:
        tally = _added([self.tallies[day] for day in days if day in self.tallies])
        tickets = sum([self.tickets.get(day, 0) for day in days])
        holds = sum([self.holds.get(day, 0) for day in days])
        still_open, held, in_dispute = self.ends[days[-1]]
        money = _money(tally, held, in_dispute, self.persons.get(days[-1]))
        per_hundred = PerHundred(tickets, holds)
        return _figures(tally, waited, still_open, money, per_hundred)


def _added(tallies: Sequence[Tally]) -> Tally:
    if len(tallies) > 1:
        return {name: sum([tally[name] for tally in tallies]) for name in _NUMBERS}
    return tallies[0] if tallies else _NONE


def _figures(
    tally: Tally,
    waited: Spread,
    still_open: int,
    money: Money,
    per_hundred: PerHundred,
) -> Figures:
    return Figures(
        authorization=_share(Metric.AUTHORIZATION, tally),
        capture_time=waited,
        expiry=_share(Metric.EXPIRY, tally),
        still_open=still_open,
        capture_failure=_share(Metric.CAPTURE_FAILURE, tally),
        hold_duration=Average(tally["stood_count"], tally["stood_seconds"]),
        tickets=per_hundred.tickets,
        tickets_per_100=per_hundred,
        money=money,
    )


def _share(metric: Metric, tally: Tally) -> Share:
    numerators, denominators = _CASES[metric]
    return Share(
        sum([tally[name] for name in numerators]), sum([tally[name] for name in denominators])
    )


def _money(tally: Tally, held: int, in_dispute: int, person: int | None) -> Money:
    expired = tally["expired_amount"]
    return Money(
        reserved=tally["placed_amount"],
        captured=tally["captured_amount"],
        released=tally["released_amount"] + expired + tally["rest_amount"],
        expired=expired,
        charged=tally["charged_amount"],
        refunded=tally["refunded_amount"] - tally["returned_amount"],
        disputed=tally["disputed_amount"],
        withdrawn=tally["withdrawn_amount"],
        reinstated=tally["reinstated_amount"],
        lost=tally["lost_amount"],
        fees=sum([tally[f"fee_{name}_amount"] for name in ("captured", "charged", "disputed")]),
        unpriced=tally["unpriced_captured_amount"] + tally["unpriced_charged_amount"],
        held=held,
        in_dispute=in_dispute,
        person=person,
    )


async def read(first: date, last: date, currency: str) -> Read:
    """All that is counted of these days in one currency, and the tickets, in five statements."""
    zone = settings.current().zone.key
    rows = await Day.raw(_ROWS_SQL, currency, zone, first, last)
    tallies = {row["day"]: row for row in rows}
    everyones = await _everyones(first, last)
    return Read(
        tallies,
        {day: tickets for day, (tickets, _) in everyones.items()},
        {day: holds for day, (_, holds) in everyones.items()},
        await _persons(first, last, currency),
        _running(await _opening(first, currency), tallies, first, last),
    )


async def _everyones(first: date, last: date) -> dict[date, tuple[int, int]]:
    """Tickets, which have no currency, and the holds of all currencies, by day."""
    rows = await Day.raw(
        "SELECT day, SUM(tickets_count) AS tickets, SUM(placed_count) AS holds FROM metrics_day"
        " WHERE zone = {} AND day >= {} AND day <= {} GROUP BY day",
        settings.current().zone.key,
        first,
        last,
    )
    return {row["day"]: (row["tickets"], row["holds"]) for row in rows}


async def _persons(first: date, last: date, currency: str) -> dict[date, int]:
    """The held money that needed a person, by the day on which the forecast was kept."""
    rows = await Forecast.select(Forecast.made_on, Forecast.currency, Forecast.person_amount).where(
        (Forecast.made_on >= first) & (Forecast.made_on <= last)
    )
    found: dict[date, int] = defaultdict(int)
    for row in rows:
        found[row["made_on"]] += row["person_amount"] if row["currency"] == currency else 0
    return dict(found)


async def _opening(first: date, currency: str) -> tuple[int, ...]:
    """The balances before `first`, from all the days before."""
    names = [name for balance in _BALANCES for name in balance]
    sums = ", ".join(f"CAST(COALESCE(SUM({name}), 0) AS BIGINT) AS {name}" for name in names)
    (row,) = await Day.raw(
        f"SELECT {sums} FROM metrics_day WHERE currency = {{}} AND zone = {{}} AND day < {{}}",  # noqa: S608
        currency,
        settings.current().zone.key,
        first,
    )
    return tuple(_moved(balance, row) for balance in _BALANCES)


def _running(
    balances: tuple[int, ...], tallies: dict[date, Tally], first: date, last: date
) -> dict[date, tuple[int, ...]]:
    ends = {}
    for day in every(first, last):
        if day in tallies:
            moved = (_moved(balance, tallies[day]) for balance in _BALANCES)
            balances = tuple(map(sum, zip(balances, moved, strict=True)))
        ends[day] = balances
    return ends


def _moved(balance: dict[str, int], row: Tally) -> int:
    return sum([sign * row[name] for name, sign in balance.items()])
