"""The reconciliation, by the clock and on demand. A run is a row; both only go on with it."""

from dashboard.payments.reconcile import runs

# A page takes some time beyond it, and the tick of the next minute goes on.
BUDGET = 25.0
AT_ONCE = 90.0


async def reconcile() -> int:
    """Compare our rows with Stripe's lists, once a day and when asked; answers the pages done."""
    await runs.ask_nightly()
    return await runs.work(BUDGET)


async def reconcile_at_once(_run: int) -> None:
    """What a nudge asks for: begin, or go on with, the run that is due."""
    await runs.work(AT_ONCE)
