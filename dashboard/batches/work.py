"""Takes the holds of a batch through the money path, each as the button would.

A row is claimed by compare-and-set and leased. Its operation's id was fixed when it was confirmed:
whoever comes after a process that died finds the same operation, and sends nothing twice.
"""

import uuid
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import structlog

from dashboard import clock, sentences, settings
from dashboard.batches.review import review
from dashboard.batches.tables import OPEN, Batch, BatchRow, RowState
from dashboard.payments import actions
from dashboard.payments.actions import Shown, Stood, Wish
from dashboard.payments.actors import Actor
from dashboard.payments.errors import Busy, Declined, NotAllowed, OutcomeUnknown
from dashboard.payments.facts import Verb
from dashboard.payments.tables import Operation
from dashboard.staff.tables import Staff, reaches

log = structlog.get_logger()
# Longer than the longest wait for Stripe's answer.
LEASE = timedelta(seconds=60)
LOOK_AGAIN = timedelta(seconds=15)
_open_states = [str(state) for state in OPEN]


@dataclass(frozen=True, slots=True)
class Ending:
    """How one try went, with the words for it."""

    state: RowState
    code: str = ""
    said: str = ""


async def due(limit: int) -> list[int]:
    """The rows that may be taken up now, those that wait longest first."""
    rows = (
        await BatchRow.select(BatchRow.id)
        .where((BatchRow.due_at <= clock.now()) & BatchRow.state.is_in(_open_states))
        .order_by(BatchRow.due_at)
        .order_by(BatchRow.id)
        .limit(limit)
    )
    return [row["id"] for row in rows]


async def carry_out(row_id: int) -> bool:
    """Claim a row and ask for its movement; false when somebody else has it, or it is not due."""
    row = await _claim(row_id)
    if row is None:
        return False
    batch = await Batch.objects().get(Batch.id == row.batch)
    assert batch is not None
    await _finish(row, await _ask(row, batch))
    return True


async def _claim(row_id: int) -> BatchRow | None:
    now = clock.now()
    rows = (
        await BatchRow.update(
            {
                BatchRow.state: RowState.WORKING,
                BatchRow.due_at: now + LEASE,
                BatchRow.lease: str(uuid.uuid4()),
            }
        )
        .where(
            (BatchRow.id == row_id) & (BatchRow.due_at <= now) & BatchRow.state.is_in(_open_states)
        )
        .returning(*BatchRow.all_columns())
    )
    return BatchRow(**rows[0]) if rows else None


async def _ask(row: BatchRow, batch: Batch) -> Ending:
    zone = settings.current().zone
    try:
        await _operation(row, batch)
    except Busy as busy:
        return Ending(RowState.BUSY, "busy", sentences.busy(busy.operation, zone))
    except NotAllowed as refused:
        return Ending(RowState.CHANGED, refused.code, await _changed(row, batch, refused))
    except Declined as declined:
        return Ending(RowState.DECLINED, declined.refusal.code, declined.refusal.message)
    except OutcomeUnknown:
        return Ending(RowState.UNKNOWN)
    return Ending(RowState.DONE)


async def _operation(row: BatchRow, batch: Batch) -> Operation:
    """The operation of this try. One that was claimed before is left to the resume, which asks
    the rules again before anything is sent; here only its outcome is taken over."""
    known = await Operation.objects().get(Operation.id == row.operation)
    if known is not None:
        return actions.answer(known)
    if not await _may(row):
        raise NotAllowed("role_since", who=row.asked_by)
    wish = Wish(
        Verb(batch.verb),
        row.purchase,
        row.operation,
        Actor(row.asked_by, "staff", row.asked_by_staff),
        payment_id=row.payment,
        amount=row.amount,
        reason=batch.reason,
        note=batch.note,
        shown=Shown(row.authorized_amount, row.captured_amount, row.refunded_amount),
        stood=Stood(row.undecided, row.paused_until),
    )
    return await actions.perform(wish)


async def _may(row: BatchRow) -> bool:
    """Whether who asked may still move money: the confirmation can be older than their rights."""
    staff = await Staff.objects().get(Staff.id == row.asked_by_staff)
    return staff is not None and staff.active and reaches(staff, "support")


async def _changed(row: BatchRow, batch: Batch, refused: NotAllowed) -> str:
    """What is different from the review; that the amounts are is told by what made them so."""
    if refused.code != "stale":
        zone = settings.current().zone
        return sentences.not_allowed(refused.code, refused.values, row.currency, zone)
    now = await review(Verb(batch.verb), [row.payment], clock.now())
    return now.left[0].why if now.left else "The amounts are not those that were reviewed."


async def _finish(row: BatchRow, ending: Ending) -> None:
    """Record how the try went, unless the lease was lost to somebody else."""
    now, unknown = clock.now(), ending.state is RowState.UNKNOWN
    values: dict[Any, Any] = {
        "state": ending.state,
        "code": ending.code[:80],
        "said": ending.said[:500],
        "due_at": now + LOOK_AGAIN if unknown else None,
        "finished_at": None if unknown else now,
        "lease": None,
    }
    await BatchRow.update(values).where((BatchRow.id == row.id) & (BatchRow.lease == row.lease))
    log.info("batch.row", batch=row.batch, payment=row.payment, outcome=str(ending.state))
