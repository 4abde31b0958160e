"""Counts a span of time from the events and the tickets, in four statements. It stores nothing."""

from collections import defaultdict
from datetime import datetime, timedelta
from typing import Any

from dashboard.metrics import durations
from dashboard.metrics.cells import CELLS, FATES, reverses
from dashboard.metrics.facts import ENDS, TOPIC
from dashboard.payments.tables import PaymentEvent
from dashboard.support.tables import Ticket

# Columns of `metrics_day` by name, by currency.
Counted = dict[str, dict[str, Any]]
SECOND = timedelta(seconds=1)

_CELLS_SQL = " UNION ALL ".join(
    f"SELECT '{name}' AS cell, e.currency AS currency, COUNT(*) AS n,"  # noqa: S608
    f" CAST(SUM({cell.amount}) AS BIGINT) AS amount"
    f" FROM payment_events e WHERE {cell.condition} GROUP BY e.currency"
    for name, cell in CELLS.items()
)
_ENDED = ", ".join(f"'{kind}'" for kind in ENDS)
# How each hold ended, with the instant at which it was placed.
_STOOD_SQL = (
    "SELECT e.currency, e.kind, e.occurred_at, a.occurred_at AS placed_at FROM payment_events e"  # noqa: S608
    " JOIN payment_events a ON a.payment = e.payment AND a.kind = 'authorized'"
    f" WHERE e.kind IN ({_ENDED}) AND e.occurred_at >= {{}} AND e.occurred_at < {{}}"
)
_BACK = (
    "(SELECT SUM(CASE r.kind WHEN 'refund_succeeded' THEN r.amount ELSE -r.amount END)"  # noqa: S608
    f" FROM payment_events r WHERE r.payment = e.payment AND (r.kind = 'refund_succeeded'"
    f" OR ({reverses('r')} AND r.kind = 'refund_failed')))"
)
FATE = f"CASE WHEN x.kind = 'captured' AND x.amount <= {_BACK} THEN 'refunded' ELSE x.kind END"
# What became of the holds of the span, whenever that was.
FATED = f"payment_events e JOIN payment_events x ON x.payment = e.payment AND x.kind IN ({_ENDED})"
_FATES_SQL = (
    "SELECT fate, currency, COUNT(*) AS n, CAST(SUM(amount) AS BIGINT) AS amount FROM"  # noqa: S608
    f" (SELECT {FATE} AS fate, e.currency AS currency, e.amount AS amount FROM {FATED}"
    f" WHERE {CELLS['placed'].condition}) placed GROUP BY fate, currency"
)


async def counted(start: datetime, end: datetime) -> Counted:
    """Everything that happened from `start` (included) to `end` (excluded), by currency.

    What is about tickets stands under the currency "". A currency without any event is left out.
    Source: docs/decisions/0047. Reads what is committed; a caller who stores it holds the lock.
    """
    found: Counted = defaultdict(dict)
    for row in await PaymentEvent.raw(_CELLS_SQL, *([start, end] * len(CELLS))):
        _put(found, row["currency"], row["cell"], row)
    for row in await PaymentEvent.raw(_FATES_SQL, start, end):
        _put(found, row["currency"], f"fate_{row['fate']}", row)
    await _durations(found, start, end)
    within = (Ticket.opened_at >= start) & (Ticket.opened_at < end)
    tickets = await Ticket.count().where(within & (Ticket.opened_topic == TOPIC))
    if tickets:
        found[""]["tickets_count"] = tickets
    return dict(found)


def _put(found: Counted, currency: str, name: str, row: dict[str, Any]) -> None:
    found[currency] |= {f"{name}_count": row["n"], f"{name}_amount": row["amount"]}


async def _durations(found: Counted, start: datetime, end: datetime) -> None:
    waits: dict[str, list[int]] = defaultdict(list)
    for row in await PaymentEvent.raw(_STOOD_SQL, start, end):
        # Below a second nothing is told: Stripe's own clock tells whole ones. Ours, which stands in
        # where Stripe names no time, may be a moment behind it.
        seconds = max(0, (row["occurred_at"] - row["placed_at"]) // SECOND)
        tally = found[row["currency"]]
        tally["stood_count"] = tally.get("stood_count", 0) + 1
        tally["stood_seconds"] = tally.get("stood_seconds", 0) + seconds
        if row["kind"] == "captured":
            waits[row["currency"]].append(seconds)
    for currency, times in waits.items():
        found[currency] |= durations.packed(times)


COLUMNS = (
    *(f"{name}_{what}" for name in CELLS for what in ("count", "amount")),
    *(f"fate_{fate}_{what}" for fate in FATES for what in ("count", "amount")),
    "tickets_count",
    "stood_count",
    "stood_seconds",
    *durations.EMPTY,
)
