"""The form of `/sandbox` that books with a test card, through the product's own booking code."""

import re
import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from litestar.datastructures import FormMultiDict

from dashboard import clock, formats, settings
from dashboard.bookings import orders, placing, queries
from dashboard.bookings.errors import BadOrder
from dashboard.bookings.orders import Order
from dashboard.bookings.tables import Instructor, PackageOffer, Student
from dashboard.web import sandbox_controls
from dashboard.web.sandbox_words import CARD_NAMES, LENGTHS, LIVES, UNITS
from dashboard.web.wholes import whole

# A form that is sent twice within so many minutes asks for the same lesson, and books it once.
ROUND_TO = timedelta(minutes=5)
# What the order calls its fields, and what the form does.
_FIELDS = {
    "student.name": "student",
    "student.email": "email",
    "instructor_id": "instructor",
    "package_id": "what",
    "payment_method": "card",
    "starts_at": "at",
}


@dataclass(frozen=True, slots=True)
class Typed:
    """The form as it was typed. `at` is a local date of the desk's zone and wins over `count`."""

    key: str
    student: str = "Maya Chen"
    email: str = ""
    instructor: str = ""
    what: str = "lesson"
    minutes: str = "60"
    count: str = "2"
    unit: str = "days"
    at: str = ""
    card: str = "pm_card_visa"
    life: str = "usual"


def blank() -> Typed:
    """An untouched form, with a key of its own."""
    return Typed(key=str(uuid.uuid4()))


def read(given: FormMultiDict) -> Typed:
    """What was typed; nothing is judged here."""
    names = [name for name in Typed.__slots__ if name in given]
    return Typed(**{"key": "", **{name: str(given[name])[:400].strip() for name in names}})


async def place(typed: Typed) -> int:
    """Book it; answers the payment's id. Raises BadOrder with the form's own fields, and whatever
    `placing.place` and the sandbox's controls raise."""
    try:
        order = await _order(typed)
        # Checked beforehand, so that an order that can't be taken leaves no shortened hold behind.
        await orders.goods(orders.plain(order))
    except BadOrder as error:
        faults = [(_FIELDS.get(field, field), said) for field, said in error.faults]
        raise BadOrder(*faults) from error
    life = LIVES[typed.life][1] if typed.life in LIVES else None
    if life is not None:
        await sandbox_controls.order("POST", "next_authorization", life)
    booking_id = await placing.place(order, typed.key[:100] or None)
    _, books = await queries.view(booking_id)
    payment = books.current or books.payments[-1]
    return int(payment.id)


async def _order(typed: Typed) -> Order:
    given = re.findall(r"[a-z0-9]+", typed.student.lower()) or ["somebody"]
    email = typed.email.lower() or f"{'.'.join(given)}@example.test"
    known = await Student.objects().get(Student.email == email)
    offer = None if typed.what == "lesson" else whole(typed.what, 15) or 0
    if typed.card not in CARD_NAMES:
        raise BadOrder(("card", "Choose a test card."))
    if whole(typed.minutes, 15) not in LENGTHS:
        raise BadOrder(("minutes", "Choose a length."))
    return Order(
        name=typed.student,
        email=email,
        # An order brings a student's zone up to date; this form does not ask for it.
        time_zone=known.time_zone if known else settings.current().time_zone,
        instructor_id=whole(typed.instructor, 15) or 0,
        starts_at=_start(typed),
        minutes=int(typed.minutes),
        payment_method=typed.card,
        is_package=offer is not None,
        package_id=offer,
    )


def _start(typed: Typed) -> datetime:
    if typed.at:
        return local(typed.at, settings.current().zone, "at")
    count = whole(typed.count, 15)
    if count is None or not 0 < count <= 1000 or typed.unit not in UNITS:
        raise BadOrder(("count", "Give a number from 1 to 1,000."))
    start = clock.now() + count * UNITS[typed.unit]
    over = (start - datetime(2000, 1, 1, tzinfo=start.tzinfo)) % ROUND_TO
    return start - over + ROUND_TO


def local(text: str, zone: ZoneInfo, field: str) -> datetime:
    """An instant that was typed as a local date and time; BadOrder for what is none.

    An hour that a zone has twice is taken for the first; one that it leaves out, for the one after.
    """
    try:
        typed = datetime.fromisoformat(text)
        if typed.tzinfo is not None or not 2000 <= typed.year <= 2999:
            raise ValueError(text)
    except ValueError:
        raise BadOrder((field, "Give a date and a time, like 2026-11-24 14:30.")) from None
    return typed.replace(tzinfo=zone)


async def choices() -> dict[str, Any]:
    """What can be chosen: who teaches, and what is for sale."""
    teachers = (
        await Instructor.objects().where(Instructor.active.eq(True)).order_by(Instructor.name)
    )
    offers = (
        await PackageOffer.objects().where(PackageOffer.active.eq(True)).order_by(PackageOffer.name)
    )
    return {
        "teachers": [
            (str(one.id), f"{one.name}, {one.subject} ({formats.money(one.rate, one.currency)} /h)")
            for one in teachers
        ],
        "offers": [
            (str(one.id), f"{one.name} ({formats.money(one.price, one.currency)})")
            for one in offers
        ],
    }
