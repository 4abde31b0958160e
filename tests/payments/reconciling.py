"""Runs of the reconciliation, to their end or a page at a time."""

from dashboard.payments.reconcile import runs
from dashboard.payments.reconcile.tables import ReconcileDifference, ReconcileRun


async def compare(by: str = "Ana") -> ReconcileRun:
    """Compare everything now, to the end."""
    await runs.ask(by)
    while await runs.unfinished():
        assert await runs.work(60.0) > 0
    found = await runs.latest()
    assert found is not None and found.error == ""
    return found


async def page() -> ReconcileRun:
    """Do one page of the run that is due; the run as it stands then."""
    assert await runs.work(0.0) == 1
    return await going()


async def going() -> ReconcileRun:
    run = await runs.unfinished()
    assert run is not None
    return run


async def rows(*states: str) -> list[ReconcileDifference]:
    """What is kept of differences, in these states or in any."""
    kept = ReconcileDifference.objects().order_by(ReconcileDifference.id)
    return await (kept.where(ReconcileDifference.state.is_in(list(states))) if states else kept)


async def kinds(*states: str) -> list[tuple[str, str]]:
    return [(row.kind, row.state) for row in await rows(*states)]
