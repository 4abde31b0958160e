"""What would follow if a lesson ended in some way at some time. Reads; never writes, asks nobody.

The policy, the rules of the money and the booking's own way of following its payment are the ones
that act when it really happens.
"""

import copy
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from types import MappingProxyType

from dashboard.bookings import endings, queries
from dashboard.bookings.endings import Ending
from dashboard.bookings.errors import Conflict
from dashboard.bookings.policy import Decision
from dashboard.bookings.tables import Booking
from dashboard.payments import foresight
from dashboard.payments.facts import Status
from dashboard.payments.foresight import Turn
from dashboard.payments.queries import Books

NOTHING = "nothing"
ENDINGS = MappingProxyType(
    {
        "student_cancels": Ending("cancelled", "student"),
        "instructor_cancels": Ending("cancelled", "instructor"),
        "staff_cancels": Ending("cancelled", "staff"),
        "student_no_show": Ending("no_show", "student"),
        "instructor_no_show": Ending("no_show", "instructor"),
        "completed": Ending("completed", "staff"),
    }
)
# Beyond the farthest lesson and the longest hold: by then all that can happen has happened.
LONG_AFTER = timedelta(days=1000)


@dataclass(slots=True)
class Outcome:
    """What would follow. `refusal` says why the lesson can't end so then; nothing follows of it.

    `before` is what happens by itself until that time, `after` what happens then and later. The
    rows are copies: `earlier` is the booking as it stands until then, `booking` and `books` show
    how things stand in the end, when nothing happens by itself any more (since `at`).
    """

    earlier: Booking
    booking: Booking
    books: Books
    at: datetime
    decision: Decision | None = None
    owed: int | None = None
    refusal: str = ""
    before: list[Turn] = field(default_factory=list)
    after: list[Turn] = field(default_factory=list)


def ask(row: Booking, books: Books, what: str, at: datetime, now: datetime) -> Outcome:
    """What follows when `what` happens at `at`, which is `now` or later; one of ENDINGS or NOTHING.

    While an operation is open nobody can say: ask when it has ended.
    """
    row, course = copy.copy(row), foresight.begin(books, now)
    foresight.advance(course, at)
    before = list(course.turns)
    course.at = at
    _follow(row, course.books, at)
    found = Outcome(copy.copy(row), row, course.books, at, before=before)
    if what != NOTHING:
        ending = ENDINGS[what]
        try:
            if endings.is_repeat(row, ending):
                raise Conflict("That has happened already.")
            endings.require_possible(row, ending, at)
        except Conflict as conflict:
            found.refusal = str(conflict)
            return found
        found.decision = endings.judged(row, course.books, ending, at.replace(microsecond=0))
        for name, value in endings.ended(row, ending, found.decision, at).items():
            setattr(row, name, value)
        if found.decision.owed is not None:
            foresight.decide(course, found.decision.owed, found.decision.sentence)
    found.owed = course.books.purchase.owed
    foresight.advance(course, at + LONG_AFTER)
    found.after, found.books, found.at = course.turns[len(before) :], course.books, course.at
    _follow(row, course.books, at + LONG_AFTER)
    return found


def _follow(row: Booking, books: Books, at: datetime) -> None:
    """What the booking's status would be by then, as `queries.follow` makes it."""
    current = books.current_facts
    status = current.status if current else Status.PENDING
    if row.status == "pending" and books.purchase.owed == 0:
        row.status, row.ended_by, row.clause = "cancelled", queries.BY_THE_CLOCK, "never_paid"
    if row.status == "pending" and status in (Status.AUTHORIZED, Status.CAPTURED):
        row.status = "confirmed"
    over = row.ends_at + queries.BY_ITSELF_AFTER
    if row.status == "confirmed" and over <= at and status is Status.CAPTURED:
        row.status, row.ended_by, row.clause = "completed", queries.BY_THE_CLOCK, "completed"
        taken = books.current.captured_at if books.current else None
        row.completed_at = max(over, taken) if taken else over
