"""The runs: asked for by a person or by the night, taken up by one worker at a time, in pieces.

A run is a row, and a row is the queue: whoever dies in the middle leaves a lease that lapses, and
the next one goes on behind the last page that was done with.
"""

import time
import uuid
from datetime import datetime, timedelta
from typing import Any

import structlog

from dashboard import clock, db
from dashboard.payments import ledger
from dashboard.payments.facts import Status
from dashboard.payments.reconcile import differences, examining, marks, stages
from dashboard.payments.reconcile.finding import Verdict
from dashboard.payments.reconcile.stages import Ran
from dashboard.payments.reconcile.tables import STAGES, ReconcileRun
from dashboard.payments.tables import Payment
from dashboard.stripe_gateway import NotThere, Unreachable

log = structlog.get_logger()
# As long as a hold can live, and a refund mostly takes; what is older and open is added to it.
WINDOW = timedelta(days=35)
# Stripe may have made an intent a moment before we had a row of its payment.
MARGIN = timedelta(hours=1)
NIGHTLY = timedelta(days=1)
# Longer than any page takes; a page renews it.
LEASE = timedelta(minutes=5)
FIRST_RETRY = timedelta(seconds=30)
LONGEST_RETRY = timedelta(minutes=30)
# So many tries at one page, then its stage is begun anew: what was compared is marked.
PATIENCE = 3
NIGHT = "Holdfast"
PASSING: tuple[type[BaseException], ...] = (
    Unreachable,
    NotThere,
    ledger.Contended,
    *db.CONNECTION_ERRORS,
)


async def ask(by: str) -> ReconcileRun:
    """Have everything compared now; answers the run, which may be one that is under way."""
    now = clock.now()
    row = ReconcileRun(
        unfinished=1, asked_by=by[:255], asked_at=now, due_at=now, since=await _since(now)
    )
    await ReconcileRun.insert(row).on_conflict(target=ReconcileRun.unfinished, action="DO NOTHING")
    # One that waits for Stripe to come back is tried again now.
    waits = (ReconcileRun.unfinished == 1) & ReconcileRun.lease.is_null()
    await ReconcileRun.update({ReconcileRun.due_at: now}).where(waits)
    found = await unfinished()
    # It can have been finished in this very moment; then that is the answer.
    answer = found or await latest()
    assert answer is not None
    return answer


async def ask_nightly() -> None:
    """The same, if nobody has finished one for a day."""
    last = await latest()
    if await unfinished() is None and (last is None or last.finished_at <= clock.now() - NIGHTLY):
        await ask(NIGHT)


async def one(payment_id: int) -> Verdict:
    """Compare one payment now, for somebody who looks at it; what differs is kept as by a run.

    Raises Unreachable; nothing is kept then.
    """
    verdict = await examining.payment(payment_id)
    if not verdict.under_way:
        await differences.keep(verdict.findings, 0)
        await differences.settle_payment(payment_id, verdict.findings)
    return verdict


async def _since(now: datetime) -> datetime:
    """35 days back, or since the oldest payment that is held or waits for somebody."""
    open_ones = Payment.payment_status.is_in([Status.PENDING, Status.AUTHORIZED])
    oldest = (
        await Payment.select(Payment.created_at)
        .where(open_ones & Payment.stripe_intent_id.is_not_null())
        .order_by(Payment.created_at)
        .first()
    )
    first = oldest["created_at"] - MARGIN if oldest else now
    return min(first, now - WINDOW)


async def unfinished() -> ReconcileRun | None:
    """The run that is due or under way, if any."""
    return await ReconcileRun.objects().where(ReconcileRun.unfinished == 1).first()


async def latest() -> ReconcileRun | None:
    """The run that was finished last."""
    return (
        await ReconcileRun.objects()
        .where(ReconcileRun.finished_at.is_not_null())
        .order_by(ReconcileRun.finished_at, ascending=False)
        .order_by(ReconcileRun.id, ascending=False)
        .first()
    )


async def work(budget: float) -> int:
    """Go on with the run that is due, for about so many seconds; answers how many pages were done.

    Trouble with Stripe or the database leaves it due, later; nothing is lost of what was done.
    """
    run = await _claim()
    if run is None:
        return 0
    ran = Ran(run.id, run.since, time.monotonic() + budget, patient=run.tries < PATIENCE)
    done = 0
    try:
        while await _one_page(run, ran):
            done += 1
            if ran.late:
                await _commit(run, ran, {"lease": None, "due_at": clock.now()})
                break
    except PASSING as error:
        await _postpone(run, ran, error)
    return done


async def _claim() -> ReconcileRun | None:
    """Take the run that is due, unless somebody else has it."""
    now = clock.now()
    free = ReconcileRun.lease.is_null() | (ReconcileRun.lease_until <= now)
    due = (ReconcileRun.unfinished == 1) & (ReconcileRun.due_at <= now)
    found = await ReconcileRun.objects().where(due & free).first()
    if found is None:
        return None
    values: dict[Any, Any] = {
        "lease": str(uuid.uuid4()),
        "lease_until": now + LEASE,
        "started_at": found.started_at or now,
    }
    rows = (
        await ReconcileRun.update(values)
        .where((ReconcileRun.id == found.id) & due & free)
        .returning(*ReconcileRun.all_columns())
    )
    return ReconcileRun(**rows[0]) if rows else None


async def _one_page(run: ReconcileRun, ran: Ran) -> bool:
    """Do the next page; false when nothing is left, or another worker has the run now."""
    cursor = await stages.BY_NAME[run.stage](ran, run.cursor)
    values: dict[str, Any] = {"lease_until": clock.now() + LEASE, "tries": 0, "error": ""}
    if cursor is not None:
        return await _commit(run, ran, {**values, "cursor": cursor})
    following = STAGES[STAGES.index(run.stage) + 1 :]
    if following:
        return await _commit(run, ran, {**values, "stage": following[0], "cursor": ""})
    await _finish(run, ran)
    return False


async def _finish(run: ReconcileRun, ran: Ran) -> None:
    ended: dict[str, Any] = {
        "unfinished": None,
        "due_at": None,
        "lease": None,
        "finished_at": clock.now(),
        "found": await differences.open_count(),
        "tries": 0,
        "error": "",
    }
    if await _commit(run, ran, ended):
        log.info("reconcile.finished", run=run.id, compared=run.compared, found=ended["found"])


async def _commit(run: ReconcileRun, ran: Ran, values: dict[str, Any]) -> bool:
    """Keep how far it has come; false when the lease was lost, so that another one goes on."""
    counts = {
        "compared": await marks.count(run.id),
        "read_wholly": run.read_wholly + ran.read_wholly,
        "under_way": run.under_way + ran.under_way,
        "converged": run.converged + ran.converged,
    }
    changed: dict[Any, Any] = {**values, **counts}
    rows = (
        await ReconcileRun.update(changed)
        .where((ReconcileRun.id == run.id) & (ReconcileRun.lease == run.lease))
        .returning(ReconcileRun.id)
    )
    if not rows:
        log.warning("reconcile.lease_lost", run=run.id)
        return False
    for name, value in changed.items():
        if name != "lease":
            setattr(run, name, value)
    ran.read_wholly = ran.under_way = ran.converged = 0
    return True


async def _postpone(run: ReconcileRun, ran: Ran, error: BaseException) -> None:
    """Leave it due later, where it is; in the end without a cursor, whose object may be gone."""
    delay = min(FIRST_RETRY * 2 ** min(run.tries, 8), LONGEST_RETRY)
    values: dict[str, Any] = {
        "lease": None,
        "due_at": clock.now() + delay,
        "tries": run.tries + 1,
        "error": f"{type(error).__name__}: {error}"[:500],
    }
    if run.tries >= PATIENCE:
        values["cursor"] = ""
    log.warning("reconcile.postponed", run=run.id, error=values["error"])
    try:
        await _commit(run, ran, values)
    except db.CONNECTION_ERRORS:
        # The lease lapses by itself, and somebody goes on then.
        log.warning("reconcile.not_postponed", run=run.id)
