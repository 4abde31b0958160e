"""What programs send us: checked strictly, so that nothing is guessed and nothing half stored."""

import re
from datetime import datetime
from typing import Annotated, Any, Literal, TypeVar

import msgspec

from dashboard.bookings.errors import BadOrder
from dashboard.bookings.orders import Order

T = TypeVar("T")
Id = Annotated[int, msgspec.Meta(ge=1, le=2**63 - 1)]
Amount = Annotated[int, msgspec.Meta(ge=1, le=99_999_999)]
Line = Annotated[str, msgspec.Meta(max_length=500)]
_PLACE = re.compile(r"^(?P<what>.*?)(?: - at `(?:key in )?\$\.?(?P<field>[^`]*)`)?$", re.DOTALL)
_UNPRINTABLE = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\u202a-\u202e\u2066-\u2069]")
_NAMED = re.compile(r"field `([^`]+)`")


class Form(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A JSON object that has these fields and no others."""


class StudentForm(Form, frozen=True):
    name: Annotated[str, msgspec.Meta(max_length=400)]
    email: Annotated[str, msgspec.Meta(max_length=400)]
    time_zone: Annotated[str, msgspec.Meta(max_length=100)] = "UTC"


class BookingForm(Form, frozen=True):
    """`POST /bookings`. `package_id` is a package of the catalogue when `is_package`, and a package
    that the student owns when not."""

    student: StudentForm
    instructor_id: Id
    starts_at: Annotated[datetime, msgspec.Meta(tz=True)]
    minutes: Annotated[int, msgspec.Meta(ge=15, le=480)]
    payment_method: Line = ""
    is_package: bool = False
    package_id: Id | None = None

    def order(self) -> Order:
        """The same in the words of bookings."""
        return Order(
            name=self.student.name,
            email=self.student.email,
            time_zone=self.student.time_zone,
            instructor_id=self.instructor_id,
            starts_at=self.starts_at,
            minutes=self.minutes,
            payment_method=self.payment_method,
            is_package=self.is_package,
            package_id=self.package_id,
        )


class PayForm(Form, frozen=True):
    payment_method: Annotated[str, msgspec.Meta(pattern="^[A-Za-z0-9_]{1,255}$")] | None = None


class CancelForm(Form, frozen=True):
    by: Literal["student", "instructor", "staff"]
    reason: Line = ""


class NoShowForm(Form, frozen=True):
    who: Literal["student", "instructor"]


class CaptureForm(Form, frozen=True):
    amount: Amount | None = None


class ReasonForm(Form, frozen=True):
    reason: Annotated[str, msgspec.Meta(max_length=400, pattern=r"\S")]


class WaiveForm(ReasonForm, frozen=True):
    amount: Amount | None = None


class PauseForm(ReasonForm, frozen=True):
    """Capture nothing by itself before `until`; `policy` says what happens to a hold that would end
    before that."""

    until: Annotated[datetime, msgspec.Meta(tz=True)]
    policy: Literal["capture", "renew", "release", "alert"] | None = None


class TicketForm(Form, frozen=True):
    """`POST /tickets`, about one of the three: a payment, a booking, or a student by e-mail."""

    topic: Literal["hold", "charge", "refund", "other"]
    subject: Annotated[str, msgspec.Meta(max_length=200, pattern=r"\S")]
    body: Annotated[str, msgspec.Meta(max_length=10_000, pattern=r"\S")]
    payment_id: Id | None = None
    booking_id: Id | None = None
    student_email: Annotated[str, msgspec.Meta(max_length=254)] | None = None
    pause: PauseForm | None = None


class EmptyForm(Form, frozen=True):
    """Nothing is asked beyond the address itself."""


def read(form: type[T], body: bytes, *, optional: bool = False) -> T:
    """The body as `form`; BadOrder names the field that is wrong. `optional`: it may be empty."""
    try:
        found = msgspec.json.decode(body or b"{}" if optional else body, type=form)
        _refuse_unprintable(msgspec.to_builtins(found), "")
    except msgspec.ValidationError as error:
        raise BadOrder(_fault(str(error))) from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise BadOrder(("body", "The body is no valid JSON in UTF-8.")) from error
    return found


def key_of(header: str | None) -> str | None:
    """The Idempotency-Key of a request; None without one. BadOrder for one that can't be."""
    if header is None:
        return None
    if not 1 <= len(header) <= 255 or not header.isascii() or not header.isprintable():
        raise BadOrder(("Idempotency-Key", "Give 1 to 255 printable ASCII characters."))
    return header


def _fault(text: str) -> tuple[str, str]:
    match = _PLACE.match(text)
    what, field = (match["what"], match["field"] or "") if match else (text, "")
    named = _NAMED.search(what)
    if named:
        field = f"{field}.{named[1]}".strip(".")
    return field or "body", f"{what}."


def _refuse_unprintable(value: Any, field: str) -> None:
    # No database of ours stores a NUL alike, and no text of these forms has control characters; one
    # that turns the text after it around would let an amount beside it be misread.
    if isinstance(value, dict):
        for name, inner in value.items():
            _refuse_unprintable(inner, f"{field}.{name}".strip("."))
    if isinstance(value, str) and _UNPRINTABLE.search(value):
        raise BadOrder((field, "This has characters that can't be shown."))
