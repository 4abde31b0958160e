"""Finding payments by what people type: a number, an amount, an intent, a name, an e-mail."""

import re
from typing import Any

from piccolo.columns import Varchar
from piccolo.columns.combination import And, Or, Where, WhereRaw

from dashboard.bookings.tables import Booking, Package, Student
from dashboard.money import SUPPORTED, WrongAmount, parse
from dashboard.payments.tables import Payment

# So many students are looked up one by one.
MANY = 300
Condition = And | Or | Where | WhereRaw
_NUMBER = re.compile(r"#?(\d{1,15})")
_PACKAGE = re.compile(r"[pP](\d{1,15})")
_AMOUNT = re.compile(r"\D{0,4}\d[\d,]*(\.\d+)?")
# What LIKE would take for a pattern; any one character stands in for it.
_PATTERN = re.compile(r"[%_\\]")


async def matching(q: str) -> Condition:
    """Where number, amount, intent, name or e-mail match, wherever in the list that is."""
    if match := _NUMBER.fullmatch(q):
        found = _of(Booking, Booking.id == int(match[1]))
        amount = _amounts(q)
        return found | amount if amount is not None and "#" not in q else found
    if match := _PACKAGE.fullmatch(q):
        return _of(Package, Package.id == int(match[1]))
    if _AMOUNT.fullmatch(q) and (amount := _amounts(q)) is not None:
        return amount
    return Payment.stripe_intent_id == q if q.startswith("pi_") else await _of_people(q)


async def _of_people(q: str) -> Condition:
    """What students with this in their name or e-mail pay.

    A few are looked up, and theirs with them. Where they are many, nearly every row is one of
    theirs: the list is walked in its order, and each row asked, until the page is full.
    """
    who = contains(Student.name, q) | contains(Student.email, q)
    rows = await Student.select(Student.id).where(who).limit(MANY + 1)
    if len(rows) <= MANY:
        # Never an empty list, which no database knows.
        ids = [0, *(row["id"] for row in rows)]
        return _of(Booking, Booking.student.is_in(ids)) | _of(Package, Package.student.is_in(ids))
    asked = (
        "EXISTS (SELECT 1 FROM {0} JOIN student ON student.id = {0}.student"
        ' WHERE {0}.purchase = "payment"."purchase" AND {1})'
    )
    either = f"({asked.format('booking', '{}')} OR {asked.format('package', '{}')})"
    return WhereRaw(either, who.querystring, who.querystring)


def contains(column: Varchar, text: str) -> Where:
    """Without regard to case. SQLite's LIKE has none anyway, and it knows no ILIKE."""
    pattern = f"%{_PATTERN.sub('_', text)}%"
    sqlite = column._meta.engine_type == "sqlite"
    return column.like(pattern) if sqlite else column.ilike(pattern)


def _of(table: Any, where: Condition) -> Condition:
    """Payments of the purchases that these bookings or packages point to."""
    found: Condition = Payment.purchase.is_in(table.select(table.purchase).where(where))
    return found


def _amounts(q: str) -> Condition | None:
    found: Condition | None = None
    for currency in sorted(SUPPORTED):
        try:
            amount = parse(q, currency)
        except WrongAmount:
            continue
        same = (Payment.currency == currency) & (Payment.authorized_amount == amount)
        found = same if found is None else found | same
    return found


async def exact(q: str) -> int | None:
    """The one payment that a booking number, e-mail or intent names; None when none or several."""
    where: Condition
    if match := _NUMBER.fullmatch(q):
        where = _of(Booking, Booking.id == int(match[1]))
    elif match := _PACKAGE.fullmatch(q):
        where = _of(Package, Package.id == int(match[1]))
    elif q.startswith("pi_"):
        rows = await Payment.select(Payment.id).where(Payment.stripe_intent_id == q).limit(2)
        return rows[0]["id"] if rows else None
    elif "@" in q:
        person = Student.email == q.lower()
        ids = [row["id"] for row in await Student.select(Student.id).where(person)]
        if not ids:
            return None
        where = _of(Booking, Booking.student.is_in(ids)) | _of(Package, Package.student.is_in(ids))
    else:
        return None
    rows = await Payment.select(Payment.id).where(Payment.current.eq(True) & where).limit(2)
    return rows[0]["id"] if len(rows) == 1 else None
