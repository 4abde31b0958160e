"""The worst holds of some days: those that cost the most, and those that nearly did.

A hold is as bad as the money that it lost: what expired and was never taken otherwise, unless
nothing was owed, and what was lost in a dispute. Among equals the money that was disputed counts,
then how often a capture was refused. Holds of different currencies are not compared.
"""

from dataclasses import dataclass
from datetime import date

from dashboard import settings
from dashboard.bookings.holds import Hold, holds
from dashboard.metrics.cells import CELLS
from dashboard.metrics.days import span
from dashboard.payments.tables import PaymentEvent

MOST = 20
# Nothing else of the purchase was taken or is held, and it was not decided that nothing is owed.
_NEVER_TAKEN = (
    "NOT EXISTS (SELECT 1 FROM payment o WHERE o.purchase = e.purchase"
    " AND (o.captured_amount > 0 OR o.payment_status = 'authorized'))"
    " AND NOT EXISTS (SELECT 1 FROM purchase u WHERE u.id = e.purchase AND u.owed = 0)"
)


def _part(cell: str, expired: str, lost: str, disputed: str, refused: str, also: str = "") -> str:
    within = f"{CELLS[cell].condition} AND e.currency = {{}}{also}"
    return (
        f"SELECT e.payment AS payment, {expired} AS expired, {lost} AS lost,"  # noqa: S608
        f" {disputed} AS disputed, {refused} AS refused FROM payment_events e WHERE {within}"
    )


_PARTS = (
    _part("expired", "e.amount", "0", "0", "0", f" AND {_NEVER_TAKEN}"),
    _part("lost", "0", "e.amount", "0", "0"),
    _part("disputed", "0", "0", "e.amount", "0"),
    _part("refused", "0", "0", "0", "1"),
)
_SUMS = ", ".join(
    f"CAST(SUM({name}) AS BIGINT) AS {name}" for name in ("expired", "lost", "disputed", "refused")
)
_WORST_SQL = (
    f"SELECT payment, {_SUMS} FROM ({' UNION ALL '.join(_PARTS)}) happened GROUP BY payment"  # noqa: S608
    " ORDER BY SUM(expired) + SUM(lost) DESC, SUM(disputed) DESC, SUM(refused) DESC, payment"
    f" LIMIT {MOST}"
)


@dataclass(frozen=True, slots=True)
class Worst:
    """One hold with what happened to it in these days. Amounts in minor units."""

    hold: Hold
    expired: int
    lost: int
    disputed: int
    refused: int

    @property
    def cost(self) -> int:
        """The money that it lost."""
        return self.expired + self.lost


async def worst(first: date, last: date, currency: str) -> list[Worst]:
    """The worst twenty of these days in one currency, the costliest first; fewer, if fewer were."""
    start, end = span(first, last, settings.current().zone)
    rows = await PaymentEvent.raw(_WORST_SQL, *([start, end, currency] * len(_PARTS)))
    found = {one.payment.id: one for one in await holds([row["payment"] for row in rows])}
    return [
        Worst(found[row["payment"]], row["expired"], row["lost"], row["disputed"], row["refused"])
        for row in rows
        if row["payment"] in found
    ]
