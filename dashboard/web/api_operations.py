"""Every address that students' apps, programs and Stripe may call, and what it answers."""

from dataclasses import dataclass, field
from typing import Any

from dashboard.web.api_examples import (
    ASKED,
    BOOKED,
    EVENT,
    ORDER,
    PACKAGE,
    PAUSED_UNTIL,
    TICKET,
    UNKNOWN,
)

Answers = dict[int, tuple[str, str, dict[str, Any]]]
_STANDS = ("BookingAnswer", "The booking and its payment as they stand.", BOOKED)
_ATTEMPT = ("BookingAnswer", "Stripe has not answered; the same key asks again.", BOOKED)
_UNKNOWN = ("OutcomeUnknown", "Stripe has not answered; it is being found out.", UNKNOWN)
# What every address with a right and a booking may answer.
_USUAL = (401, 403, 404, 409, 413, 422, 503)


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One address. `answers` has a shape, words and an example for each status that is no problem;
    `sent` has examples of the body by name."""

    path: str
    name: str
    summary: str
    description: str
    answers: Answers
    problems: tuple[int, ...] = _USUAL
    method: str = "post"
    tag: str = "Bookings"
    scope: str = "bookings"
    role: str = "support"
    body: str | None = None
    optional: bool = False
    sent: dict[str, Any] = field(default_factory=dict)
    open: bool = False
    keyed: bool = False
    limited: bool = False
    signed: bool = False


OPERATIONS = (
    Endpoint(
        "/bookings",
        "placeBooking",
        "Book a lesson or a package",
        """A lesson's price is held on the card and captured after the lesson; a package is charged
        at once, with its first lesson. Open to everybody, except that a lesson out of a package
        that was paid for before (`package_id` without `is_package`) needs a right. Without an
        Idempotency-Key, a student's second order for the same time is a 409 that names the
        first.""",
        {
            201: ("BookingAnswer", "Booked: the money is held, paid, or to be confirmed.", BOOKED),
            202: _ATTEMPT,
        },
        (401, 402, 403, 409, 413, 422, 429, 503),
        body="BookingForm",
        sent={
            "A lesson": ORDER,
            "A package": {**ORDER, "is_package": True, "package_id": 1},
        },
        open=True,
        keyed=True,
        limited=True,
    ),
    Endpoint(
        "/bookings/{booking_id}",
        "showBooking",
        "Look a booking up",
        "The booking and its payment as they stand.",
        {200: _STANDS},
        (401, 403, 404, 503),
        method="get",
        role="viewer",
    ),
    Endpoint(
        "/bookings/{booking_id}/pay",
        "payAgain",
        "Pay again after a decline",
        "On the same card, or on another one if it is given.",
        {200: _STANDS, 202: _ATTEMPT},
        (402, *_USUAL),
        body="PayForm",
        optional=True,
        sent={"Another card": {"payment_method": "pm_card_visa"}},
        keyed=True,
    ),
    Endpoint(
        "/bookings/{booking_id}/complete",
        "completeLesson",
        "The lesson took place",
        "Its price is captured. A repeat changes nothing.",
        {200: _STANDS, 202: _UNKNOWN},
        body="EmptyForm",
        optional=True,
        sent={"Nothing more to say": {}},
    ),
    Endpoint(
        "/bookings/{booking_id}/cancel",
        "cancelBooking",
        "Call a lesson off",
        """What is owed follows the cancellation policy: a student pays nothing until some hours
        before the start, then a late fee; when the instructor or staff cancel, everything goes
        back.""",
        {200: _STANDS, 202: _UNKNOWN},
        body="CancelForm",
        sent={"By the student": {"by": "student", "reason": "Ill"}},
    ),
    Endpoint(
        "/bookings/{booking_id}/no-show",
        "reportNoShow",
        "Somebody did not come",
        """After the start of the lesson. If the student stayed away, the price is captured in
        full; if the instructor did, everything goes back.""",
        {200: _STANDS, 202: _UNKNOWN},
        body="NoShowForm",
        sent={"The instructor": {"who": "instructor"}},
    ),
    Endpoint(
        "/bookings/{booking_id}/capture-payment",
        "capturePayment",
        "Capture the hold",
        """All of it, or a part (in minor units), whose rest goes back to the card at once. A
        repeat answers the same and captures nothing.""",
        {
            200: ("Captured", "It is captured.", {"status": "captured", "amount": 9600}),
            202: _UNKNOWN,
        },
        (402, *_USUAL),
        tag="Payments",
        scope="payments",
        body="CaptureForm",
        optional=True,
        sent={"A part": {"amount": 4800}, "All of it": {}},
        keyed=True,
    ),
    Endpoint(
        "/bookings/{booking_id}/waive",
        "waiveFee",
        "Waive a fee",
        """The fee of a late cancellation or of a student's no-show, all of it or a part (in minor
        units). A fee that was captured is refunded, and above support's limit refused. A repeat
        changes nothing.""",
        {200: _STANDS, 202: _UNKNOWN},
        tag="Payments",
        scope="payments",
        body="WaiveForm",
        sent={"All of it": {"reason": "The train was late"}},
        keyed=True,
    ),
    Endpoint(
        "/packages/{package_id}",
        "showPackage",
        "Look a package up",
        "Each lesson, and what a refund of the unused ones would give and why.",
        {200: ("PackageAnswer", "The package as it stands.", {"package": PACKAGE})},
        (401, 403, 404, 503),
        method="get",
        tag="Payments",
        scope="payments",
        role="viewer",
    ),
    Endpoint(
        "/packages/{package_id}/refund",
        "refundPackage",
        "Refund the unused lessons",
        """What was paid, less the worth of the used lessons and less what went back before. The
        lessons can't be taken any more. Above support's limit it is refused.""",
        {
            200: ("PackageRefund", "It went out.", {"package": PACKAGE, "amount": 25200}),
            202: ("PackageRefund", "It is under way.", {"package": PACKAGE, "amount": 25200}),
        },
        tag="Payments",
        scope="payments",
        body="ReasonForm",
        sent={"Moved away": {"reason": "The student moved away"}},
        keyed=True,
    ),
    Endpoint(
        "/tickets",
        "openTicket",
        "Open a ticket",
        """Somebody waits for an answer: about one payment, one booking, or one student by e-mail.
        Staff answer it at the desk, where it stands beside the hold. With `pause` the automatic
        capture waits until a given time; a pause that can't be had opens no ticket either.""",
        {201: ("TicketAnswer", "It is open.", {"ticket": TICKET})},
        (401, 403, 409, 413, 422, 429, 503),
        tag="Tickets",
        scope="tickets",
        body="TicketForm",
        sent={
            "About a booking": {**ASKED, "booking_id": 41},
            "About a booking whose capture shall wait": {
                **ASKED,
                "booking_id": 41,
                "pause": {"until": PAUSED_UNTIL, "reason": "The student disputes it."},
            },
            "About a student": {**ASKED, "student_email": "maya@example.test"},
        },
        keyed=True,
        limited=True,
    ),
    Endpoint(
        "/webhooks/stripe",
        "receiveEvent",
        "An event of Stripe's",
        """Stripe calls this. The signature over the raw body is checked first; then the event is
        kept durably and answered, and handled afterwards. Events may come twice and in any
        order. Register `payment_intent.*`, `charge.*` and `refund.*`.""",
        {200: ("Received", "It is kept.", {"received": True, "new": True})},
        (400, 413, 429, 503),
        tag="Webhook",
        scope="",
        body="StripeEvent",
        sent={"A hold stands": EVENT},
        open=True,
        limited=True,
        signed=True,
    ),
)
