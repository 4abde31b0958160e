"""Many holds at once: the rows that were confirmed, each taken through the money path."""

import structlog

from dashboard.batches import work
from jobs import mail, sweeps

log = structlog.get_logger()


async def carry_out_batches() -> int:
    """Carry out what is due of every batch; the bookings follow, and the students are told."""
    carried = await sweeps.drain(work.due, carry_out_one)
    if carried:
        await sweeps.follow_payments()
        await mail.mail_at_once()
    return carried


async def carry_out_at_once(_batch: int) -> None:
    """What a nudge asks for: begin with whatever is due, a fresh batch among it."""
    await carry_out_batches()


async def carry_out_one(row_id: int) -> bool:
    """Take one row; false when somebody else has it. Never raises: the rows beside it go on."""
    try:
        return await work.carry_out(row_id)
    except sweeps.PASSING as error:
        log.warning("batch.postponed", row=row_id, error=type(error).__name__)
    except Exception as error:
        # Its lease runs out, and it comes again; an operation that was claimed is found then.
        log.exception("batch.trouble", row=row_id, error=type(error).__name__)
    return False
