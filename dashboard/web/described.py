"""What the API's answers look like, and every shape of it as JSON schema."""

from datetime import datetime
from typing import Annotated, Any, Literal

import msgspec

from dashboard.bookings.queries import BookingView
from dashboard.bookings.tables import BOOKING_STATUSES
from dashboard.payments.facts import Status
from dashboard.support.tables import STATUSES, TOPICS
from dashboard.web import inputs
from dashboard.web.package_answer import PackageView
from dashboard.web.ticket_answer import TicketView

REFERENCE = "#/components/schemas/{name}"


class Answer(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True):
    """An object that has these members and no others."""


class PaymentView(Answer):
    """The current payment. `message` is a sentence for the student. While the bank wants something
    to be confirmed, `confirm` says what and `client_secret` is for Stripe.js. `pay_url` is the
    student's own page, while there is something to do there."""

    status: Status
    message: str
    id: int = 0
    amount: int = 0
    currency: str = ""
    hold_due_at: datetime | None = None
    confirm: Literal["payment", "renewal", "card"] | None = None
    client_secret: str | None = None
    pay_url: str | None = None


class BookingAnswer(Answer):
    """A booking and its payment as they stand."""

    booking: BookingView
    payment: PaymentView


class PackageAnswer(Answer):
    """A package as it stands."""

    package: PackageView


class PackageRefund(Answer):
    """What the unused lessons gave, in minor units, and the package as it stands."""

    package: PackageView
    amount: Annotated[int, msgspec.Meta(ge=0)]


class TicketAnswer(Answer):
    """A ticket as it stands."""

    ticket: TicketView


class Captured(Answer):
    """What was captured, in minor units."""

    status: Literal["captured"]
    amount: Annotated[int, msgspec.Meta(ge=1)]


class OutcomeUnknown(Answer):
    """Stripe has not answered. The same request under the same key asks again."""

    status: Literal["unknown"]
    message: str
    operation_id: str


class Received(Answer):
    """The event is kept. `new` is false for one that was kept before."""

    received: bool
    new: bool


class Fault(Answer):
    """A field, with dots between the names, and what is wrong with it."""

    field: str
    message: str


class OpenOperation(Answer):
    """The movement that is in the way."""

    by: str
    verb: str
    since: datetime


class Problem(Answer):
    """RFC 9457. `errors` names fields, `code` a rule or Stripe's decline code, `booking_id` the
    booking in the way, `operation` the movement in the way; a declined card brings the booking."""

    type: Literal["about:blank"]
    title: str
    status: Annotated[int, msgspec.Meta(ge=400, le=599)]
    detail: str
    errors: list[Fault] = []
    code: str | None = None
    booking_id: int = 0
    operation: OpenOperation | None = None
    booking: BookingView | None = None
    payment: PaymentView | None = None


FORMS = (
    inputs.BookingForm,
    inputs.PayForm,
    inputs.EmptyForm,
    inputs.CancelForm,
    inputs.NoShowForm,
    inputs.CaptureForm,
    inputs.ReasonForm,
    inputs.WaiveForm,
    inputs.TicketForm,
)
ANSWERS = (
    BookingAnswer,
    PackageAnswer,
    PackageRefund,
    TicketAnswer,
    Captured,
    OutcomeUnknown,
    Received,
    Problem,
)


def schemas() -> dict[str, Any]:
    """Every shape by its name, for `components/schemas`."""
    _, found = msgspec.json.schema_components([*FORMS, *ANSWERS], ref_template=REFERENCE)
    for name, schema in found.items():
        schema.pop("title", None)
        if "description" in schema:
            schema["description"] = " ".join(schema["description"].split())
        if name in ("BookingView", "Fault") or schema.get("type") == "object":
            schema["additionalProperties"] = False
    booking = found["BookingView"]["properties"]
    booking["status"] = {"enum": list(BOOKING_STATUSES)}
    booking["payment_status"] = {"$ref": REFERENCE.format(name="Status")}
    booking["student"] = _strings("name", "time_zone")
    booking["instructor"] = _strings("name", "subject")
    ticket = found["TicketView"]["properties"]
    ticket["status"], ticket["topic"] = {"enum": list(STATUSES)}, {"enum": list(TOPICS)}
    found["PackageView"]["properties"]["student"] = _strings("name", "time_zone")
    # Stripe's own object: what matters here is that it has an id and a type.
    found["StripeEvent"] = {"type": "object", "description": "An event as Stripe describes it."}
    return found


def _strings(*names: str) -> dict[str, Any]:
    properties = {"id": {"type": "integer"}, **{name: {"type": "string"} for name in names}}
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }
