"""How a lesson ends, whether it may end so at a given time, and what follows by the policy.

Reads no rows and no clock: `actions` performs what is found here, and the page that asks "what if"
shows it.
"""

from dataclasses import dataclass
from datetime import datetime

from dashboard import settings
from dashboard.bookings import policy, queries
from dashboard.bookings.errors import Conflict
from dashboard.bookings.tables import Booking
from dashboard.payments.queries import Books

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


def is_repeat(row: Booking, ending: Ending) -> bool:
    """Whether the lesson has ended in just this way already."""
    if row.status != ending.status:
        return False
    return ending.status == "completed" or bool(row.ended_by == ending.by)


def require_possible(row: Booking, ending: Ending, now: datetime) -> None:
    """Raise Conflict, in words for a person, when the lesson can't end so at `now`."""
    if ending.status == "no_show" and now < row.starts_at:
        raise Conflict("This lesson has not begun: it can be cancelled.", row.id)
    if row.status in queries.ALIVE:
        return
    # Completed by the clock is only an assumption, and what goes back can go back later, too.
    assumed = row.ended_by == queries.BY_THE_CLOCK and ending.status == "no_show"
    if row.status == "completed" and (ending.gives_back or assumed):
        return
    by = f" by the {row.ended_by}" if row.ended_by in ("student", "instructor") else ""
    raise Conflict(_ENDED[row.status].format(by=by), row.id)


def judged(row: Booking, books: Books, ending: Ending, received_at: datetime) -> policy.Decision:
    """What the policy says; `owed` is None where nothing about the money is decided."""
    decision = _by_policy(row, books, ending, received_at)
    if decision.owed is None and not books.ever_stood and ending.status == "cancelled":
        # A package whose only lesson is called off before it was paid is let go as a whole.
        return policy.Decision(0, decision.clause, decision.sentence, decision.lesson_used)
    return decision


def _by_policy(
    row: Booking, books: Books, ending: Ending, received_at: datetime
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
    if ending.by == "student" and not books.ever_stood:
        return policy.unconfirmed(terms)
    by: policy.Canceller = "instructor" if ending.by == "instructor" else "staff"
    return policy.cancel("student" if ending.by == "student" else by, terms, received_at)


def ended(
    row: Booking, ending: Ending, decision: policy.Decision, now: datetime
) -> dict[str, object]:
    """The columns of a booking that ends so, by name."""
    values: dict[str, object] = {
        "status": ending.status,
        "ended_by": ending.by,
        "end_reason": ending.reason[:500] or decision.sentence,
        "clause": decision.clause,
        "completed_at": now if ending.status == "completed" else row.completed_at,
    }
    if ending.status == "cancelled":
        values |= {"received_at": now.replace(microsecond=0), "slot": None}
    return values
