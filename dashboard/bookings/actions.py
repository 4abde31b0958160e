"""What happens to a booking after it was placed: paid again, completed, called off, missed.

A decision commits the booking's status and what is owed for it in one transaction, whatever is
under way at Stripe; making Stripe agree comes afterwards and can't undo it.
"""

from datetime import datetime
from typing import Any

from dashboard import clock, db
from dashboard.bookings import endings, packages, policy, queries, settling
from dashboard.bookings.endings import Ending
from dashboard.bookings.errors import Conflict
from dashboard.bookings.tables import Booking
from dashboard.payments import queries as payments
from dashboard.payments import settle, turning
from dashboard.payments.actors import Actor

# A sweep that follows the payments takes no lock: it confirms a booking, and completes it, once.
MOST_TRIES = 3


class _Moved(Exception):
    """The booking is no longer as it was read: nothing of the decision may be committed."""


async def complete(booking_id: int, actor: Actor) -> None:
    """The lesson took place: its price is due now. Raises NoSuchBooking and Conflict."""
    await _end(booking_id, Ending("completed", "staff"), actor)


async def cancel(booking_id: int, by: policy.Canceller, reason: str, actor: Actor) -> None:
    """Call a lesson off, by the policy. Raises NoSuchBooking and Conflict."""
    await _end(booking_id, Ending("cancelled", by, reason), actor)


async def no_show(booking_id: int, who: policy.Absentee, actor: Actor) -> None:
    """Somebody did not come. Raises NoSuchBooking, and Conflict also before the start."""
    await _end(booking_id, Ending("no_show", who), actor)


async def _end(booking_id: int, ending: Ending, actor: Actor) -> None:
    """Decide once, then settle; a repeat decides nothing and settles what is left."""
    purchase_id = (await queries.booking(booking_id)).purchase
    # Read once: to be decided again must not make a cancellation late that came in time.
    now = clock.now()
    for _ in range(MOST_TRIES):
        try:
            await _decided(booking_id, purchase_id, ending, actor, now)
        except _Moved:
            continue
        break
    else:
        raise Conflict("This booking changed at the same moment. Please try again.", booking_id)
    await db.shielded(settling.bring_about(purchase_id))


async def _decided(
    booking_id: int, purchase_id: int, ending: Ending, actor: Actor, now: datetime
) -> None:
    async with db.transaction():
        # Every decision about a purchase waits here for the one before it.
        await turning.touch(purchase_id)
        row = await queries.booking(booking_id)
        if not endings.is_repeat(row, ending):
            endings.require_possible(row, ending, now)
            await _decide(row, ending, actor, now)


async def _decide(row: Booking, ending: Ending, actor: Actor, now: datetime) -> None:
    books = await payments.books(row.purchase)
    assert books is not None
    decision = endings.judged(row, books, ending, now.replace(microsecond=0))
    values: dict[Any, Any] = {**endings.ended(row, ending, decision, now)}
    as_read = (Booking.id == row.id) & (Booking.status == row.status)
    if not await Booking.update(values).where(as_read).returning(Booking.id):
        raise _Moved
    if row.package is not None and not decision.lesson_used:
        await packages.give_back(row.id)
    if decision.owed is not None:
        due_at = now if decision.owed else None
        chosen = settle.Decision(decision.owed, decision.sentence, actor.name, due_at)
        await settle.decide(row.purchase, chosen)
