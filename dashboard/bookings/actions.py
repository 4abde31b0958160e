"""What happens to a booking after it was placed: paid again, completed, called off, missed.

A decision commits the booking's status and what is owed for it in one transaction, whatever is
under way at Stripe; making Stripe agree comes afterwards and can't undo it.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from dashboard import clock, db, settings
from dashboard.bookings import packages, policy, queries, settling
from dashboard.bookings.errors import Conflict
from dashboard.bookings.tables import Booking
from dashboard.payments import queries as payments
from dashboard.payments import settle, turning
from dashboard.payments.actions import Actor
from dashboard.payments.facts import Status

_ENDED = {
    "completed": "This lesson was completed already.",
    "cancelled": "This lesson was cancelled already{by}.",
    "no_show": "This lesson was recorded as a no-show{by} already.",
}


@dataclass(frozen=True, slots=True)
class Ending:
    """How a lesson ends: the status, through whom (student, instructor, staff), and why."""

    status: str
    by: str
    reason: str = ""

    @property
    def gives_back(self) -> bool:
        """Our side is the cause: everything goes back, also after the lesson was paid."""
        return (self.status == "cancelled" and self.by != "student") or (
            self.status == "no_show" and self.by == "instructor"
        )


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
    async with db.transaction():
        # Every decision about a purchase waits here for the one before it.
        await turning.touch(purchase_id)
        row = await queries.booking(booking_id)
        if not _is_repeat(row, ending):
            _require_possible(row, ending)
            await _decide(row, ending, actor)
    await db.shielded(settling.bring_about(purchase_id))


def _is_repeat(row: Booking, ending: Ending) -> bool:
    if row.status != ending.status:
        return False
    return ending.status == "completed" or row.ended_by == ending.by


def _require_possible(row: Booking, ending: Ending) -> None:
    if ending.status == "no_show" and clock.now() < row.starts_at:
        raise Conflict("This lesson has not begun: it can be cancelled.", row.id)
    if row.status in queries.ALIVE:
        return
    # Completed by the clock is only an assumption, and what goes back can go back later, too.
    assumed = row.ended_by == queries.BY_THE_CLOCK and ending.status == "no_show"
    if row.status == "completed" and (ending.gives_back or assumed):
        return
    by = f" by the {row.ended_by}" if row.ended_by in ("student", "instructor") else ""
    raise Conflict(_ENDED[row.status].format(by=by), row.id)


async def _decide(row: Booking, ending: Ending, actor: Actor) -> None:
    now = clock.now()
    received_at = now.replace(microsecond=0)
    books = await payments.books(row.purchase)
    assert books is not None
    decision = _by_policy(row, books, ending, received_at)
    values: dict[Any, Any] = {
        "status": ending.status,
        "ended_by": ending.by,
        "end_reason": ending.reason[:500] or decision.sentence,
        "clause": decision.clause,
        "completed_at": now if ending.status == "completed" else row.completed_at,
    }
    if ending.status == "cancelled":
        values |= {"received_at": received_at, "slot": None}
    await Booking.update(values).where((Booking.id == row.id) & (Booking.status == row.status))
    if row.package is not None and not decision.lesson_used:
        await packages.give_back(row.id)
    owed = decision.owed
    if owed is None and not _paid(books):
        # A package whose only lesson is called off before it was paid is let go as a whole.
        owed = 0 if ending.status == "cancelled" else None
    if owed is not None:
        due_at = now if owed else None
        chosen = settle.Decision(owed, decision.sentence, actor.name, due_at)
        await settle.decide(row.purchase, chosen)


def _by_policy(
    row: Booking, books: payments.Books, ending: Ending, received_at: datetime
) -> policy.Decision:
    chosen = settings.current()
    terms = policy.Terms(
        price=books.purchase.price,
        currency=books.purchase.currency,
        starts_at=row.starts_at,
        free_hours=chosen.cancel_free_hours,
        late_percent=chosen.cancel_late_percent,
        of_package=row.package is not None,
    )
    if ending.status == "completed":
        return policy.complete(terms)
    if ending.status == "no_show":
        return policy.no_show("student" if ending.by == "student" else "instructor", terms)
    if ending.by == "student" and not _paid(books):
        return policy.unconfirmed(terms)
    by: policy.Canceller = "instructor" if ending.by == "instructor" else "staff"
    return policy.cancel("student" if ending.by == "student" else by, terms, received_at)


def _paid(books: payments.Books) -> bool:
    """Whether a payment ever stood: a hold was placed, or money was taken."""
    current = books.current_facts
    return current is not None and current.status not in (Status.PENDING, Status.FAILED)
