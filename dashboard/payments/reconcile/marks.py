"""Which payments a run has compared already: one that was interrupted goes on behind them."""

from collections.abc import Collection, Sequence

from dashboard import clock
from dashboard.payments.reconcile.tables import ReconcileMark


async def mark(payment_ids: Sequence[int], run: int) -> None:
    """Note that these were compared now, by this run."""
    if not payment_ids:
        return
    now = clock.now()
    rows = [ReconcileMark(payment=one, run=run, compared_at=now) for one in payment_ids]
    values = [ReconcileMark.run, ReconcileMark.compared_at]
    await ReconcileMark.insert(*rows).on_conflict(
        target=ReconcileMark.payment, action="DO UPDATE", values=values
    )


async def marked(payment_ids: Collection[int], run: int) -> set[int]:
    """Those of them that this run has compared."""
    if not payment_ids:
        return set()
    rows = await ReconcileMark.select(ReconcileMark.payment).where(
        (ReconcileMark.run == run) & ReconcileMark.payment.is_in(list(payment_ids))
    )
    return {row["payment"] for row in rows}


async def count(run: int) -> int:
    """How many payments this run has compared so far."""
    return int(await ReconcileMark.count().where(ReconcileMark.run == run))
