"""`reconcile`: compare our rows with Stripe's now, to the end, and tell what differs.

Exit codes: 0 nothing differs that nobody has acknowledged, 1 something does, 2 it can't be done.
"""

import asyncio
import json
import sys

from dashboard import db
from dashboard.commands import BadInput
from dashboard.payments.reconcile import differences, runs
from dashboard.payments.reconcile.tables import ReconcileDifference, ReconcileRun
from dashboard.settings import Settings

BUDGET = 60.0
# How often to look whether a worker that has the run already is done with it.
LOOK_EVERY = 0.5
MOST = 1000


def reconcile(settings: Settings) -> int:
    """Compare and tell; answers the exit code."""
    try:
        run, found = asyncio.run(_compare(settings))
    except db.CONNECTION_ERRORS as error:
        raise BadInput(f"The database can't be reached: {error}") from error
    payments = "1 payment" if run.compared == 1 else f"{run.compared} payments"
    sys.stdout.write(f"{payments} compared, {run.converged} brought in line.\n")
    for row in found:
        _tell(row)
    if run.found > len(found):
        sys.stdout.write(f"... and {run.found - len(found)} more: see /reconcile.\n")
    return 1 if found else 0


async def _compare(settings: Settings) -> tuple[ReconcileRun, list[ReconcileDifference]]:
    from jobs.bridge import opened_gateway

    async with opened_gateway(settings), db.lifespan():
        asked = await runs.ask("the command line")
        while (run := await runs.unfinished()) is not None and run.id == asked.id:
            if not await runs.work(BUDGET):
                run = await runs.unfinished()
                if run is not None and run.error:
                    raise BadInput(f"Stripe can't be read ({run.error}). It is tried again.")
                await asyncio.sleep(LOOK_EVERY)
        done = await runs.latest()
        assert done is not None
        return done, await differences.listed("open", MOST)


def _tell(row: ReconcileDifference) -> None:
    about = f"payment {row.payment}" if row.payment else row.intent_id
    sys.stdout.write(f"\n{about} ({row.intent_id or 'no intent'}): {row.cause}\n")
    for name, ours, theirs in json.loads(row.fields):
        sys.stdout.write(f"    {name}: ours {_said(ours)}, Stripe's {_said(theirs)}\n")


def _said(value: object) -> str:
    return "nothing" if value is None else str(value)
