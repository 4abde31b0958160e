"""What is owed when a lesson ends, however it ends. Pure: the whole policy is on this page.

Instants are compared in UTC and to the second, so that a change of clocks moves no deadline.
Amounts are integers in the currency's minor unit.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal

from dashboard import money

Canceller = Literal["student", "instructor", "staff"]
Absentee = Literal["student", "instructor"]


@dataclass(frozen=True, slots=True)
class Terms:
    """The lesson and the rules it was booked under. `price` is in minor units of `currency`."""

    price: int
    currency: str
    starts_at: datetime
    free_hours: int = 6
    late_percent: int = 50
    of_package: bool = False


@dataclass(frozen=True, slots=True)
class Decision:
    """What follows. `clause` names the rule, `sentence` says it to the student.

    `owed` is in minor units; for a lesson of a package it is None, since no money moves, and
    `lesson_used` tells whether the lesson is used up or goes back to the package.
    """

    owed: int | None
    clause: str
    sentence: str
    lesson_used: bool


def lesson_price(rate: int, minutes: int, currency: str) -> int:
    """The price of a lesson at `rate` an hour: floored to the currency's step, and chargeable.

    It is never below the smallest amount that Stripe takes.
    """
    raw = rate * minutes // 60
    return max(raw - raw % money.step(currency), money.minimum(currency))


def complete(terms: Terms) -> Decision:
    """The lesson took place: its price is owed in full."""
    return _used(terms, "completed", "The lesson took place.")


def cancel(by: Canceller, terms: Terms, received_at: datetime) -> Decision:
    """The lesson was called off: free in time or when it was our side, else a late fee."""
    if by != "student":
        who = "The instructor" if by == "instructor" else "We"
        return _free(terms, f"{by}_cancelled", f"{who} cancelled.")
    if is_free(terms, received_at):
        return _free(terms, "student_free", f"Cancelled {terms.free_hours} h or more ahead.")
    return _late(terms)


def no_show(who: Absentee, terms: Terms) -> Decision:
    """Somebody did not come: an absent student owes the price, an absent instructor nothing."""
    if who == "student":
        return _used(terms, "student_no_show", "The student did not come.")
    return _free(terms, "instructor_no_show", "The instructor did not come.")


def unconfirmed(terms: Terms) -> Decision:
    """Called off before its payment came about: there was no booking yet that could cost a fee."""
    return _free(terms, "unconfirmed", "Cancelled before it was paid.")


def is_free(terms: Terms, received_at: datetime) -> bool:
    """Whether a cancellation received then is free: at the deadline's own second it still is."""
    # Aware datetimes of one zone are subtracted by their wall clocks; in UTC they are not.
    deadline = terms.starts_at.astimezone(UTC) - timedelta(hours=terms.free_hours)
    return received_at.astimezone(UTC).replace(microsecond=0) <= deadline


def package_keeps(captured: int, used: int, count: int, currency: str) -> int:
    """The worth of the used lessons: captured × used / count, rounded half up to the step."""
    if count <= 0 or not 0 <= used <= count:
        raise ValueError(f"{used} of {count} lessons")
    step = money.step(currency)
    steps = captured // step
    return (2 * steps * used + count) // (2 * count) * step


def package_refund(
    captured: int, used: int, count: int, refunded: int, pending: int, currency: str
) -> int:
    """What can be given back for unused lessons, less what went back or is on its way; never < 0.

    Raises ValueError when more lessons were used than there are.
    """
    return max(0, captured - package_keeps(captured, used, count, currency) - refunded - pending)


def _free(terms: Terms, clause: str, why: str) -> Decision:
    if terms.of_package:
        return Decision(None, clause, f"{why} The lesson goes back to the package.", False)
    return Decision(0, clause, f"{why} Nothing is charged.", False)


def _used(terms: Terms, clause: str, why: str) -> Decision:
    if terms.of_package:
        return Decision(None, clause, f"{why} It counts as one lesson of the package.", True)
    return Decision(terms.price, clause, f"{why} {_said(terms.price, terms)} is owed.", True)


def _late(terms: Terms) -> Decision:
    why = f"Cancelled less than {terms.free_hours} h ahead."
    if terms.of_package:
        return _used(terms, "student_late", why)
    fee = money.share(terms.price, terms.late_percent, terms.currency)
    if terms.late_percent and fee < money.minimum(terms.currency):
        waived = f"The late fee of {_said(fee, terms)} is too small to be charged and is waived."
        return Decision(0, "late_fee_waived", f"{why} {waived}", False)
    return Decision(
        fee,
        "student_late",
        f"{why} The late fee is {terms.late_percent} %: {_said(fee, terms)}.",
        True,
    )


def _said(amount: int, terms: Terms) -> str:
    return f"{money.plain(amount, terms.currency)} {terms.currency.upper()}"
