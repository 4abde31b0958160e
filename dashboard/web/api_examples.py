"""Examples of requests and answers, as the API's description shows them."""

from datetime import timedelta
from typing import Any

from dashboard import clock

_TODAY = clock.now().replace(hour=17, minute=0, second=0, microsecond=0)


def _at(**later: float) -> str:
    """An instant of the example: whoever sends its order must not book in the past."""
    return f"{_TODAY + timedelta(**later):%Y-%m-%dT%H:%M:%SZ}"


PAYMENT: dict[str, Any] = {
    "id": 7,
    "status": "authorized",
    "message": "$96.00 reserved • Charged after lesson",
    "amount": 9600,
    "currency": "usd",
}
BOOKING: dict[str, Any] = {
    "id": 41,
    "status": "confirmed",
    "payment_status": "authorized",
    "starts_at": _at(days=3),
    "ends_at": _at(days=3, hours=1),
    "minutes": 60,
    "price": 9600,
    "currency": "usd",
    "owed": 9600,
    "student": {"id": 3, "name": "Maya Chen", "time_zone": "Europe/Berlin"},
    "instructor": {"id": 1, "name": "Clara Weiss", "subject": "piano"},
    "package_id": None,
    "purchase_id": 41,
    "payment_id": 7,
    "stripe_intent_id": "pi_3Qx",
    "authorized_amount": 9600,
    "captured_amount": 0,
    "refunded_amount": 0,
    "authorization_expires_at": _at(days=7),
    "ended_by": "",
    "end_reason": "",
    "clause": "",
    "received_at": None,
    "completed_at": None,
    "created_at": _at(),
}
BOOKED: dict[str, Any] = {"booking": BOOKING, "payment": PAYMENT}
PACKAGE: dict[str, Any] = {
    "id": 5,
    "title": "Five lessons",
    "student": {"id": 3, "name": "Maya Chen", "time_zone": "Europe/Berlin"},
    "purchase_id": 40,
    "payment_id": 6,
    "currency": "usd",
    "price": 42000,
    "captured_amount": 42000,
    "used_lessons": 2,
    "used_amount": 16800,
    "refunded_amount": 25200,
    "refundable_amount": 0,
    "why": "No lesson of this package is left to refund.",
    "lessons": [
        {"number": 1, "state": "used", "booking_id": 31},
        {"number": 2, "state": "booked", "booking_id": 37},
        {"number": 3, "state": "refunded", "booking_id": None},
    ],
}
TICKET: dict[str, Any] = {
    "id": 12,
    "status": "open",
    "topic": "hold",
    "subject": "Why is my card still held?",
    "student_id": 3,
    "booking_id": 41,
    "payment_id": 7,
    "opened_by": "help centre",
    "opened_at": _at(days=4),
}
ASKED: dict[str, Any] = {
    "topic": "hold",
    "subject": "Why is my card still held?",
    "body": "The lesson was yesterday and the money is still reserved.",
}
PAUSED_UNTIL = _at(days=6)
UNKNOWN: dict[str, Any] = {
    "status": "unknown",
    "message": "Stripe hasn't answered. We don't know yet how this ended; we are checking.",
    "operation_id": "3a1ff5b8-56a3-4b8f-9f0e-4d8f4a0c1d11",
}
DECLINED: dict[str, Any] = {
    "title": "The card was declined.",
    "detail": "Card not charged: Your card was declined. Nothing was taken.",
    "booking": {**BOOKING, "status": "pending", "payment_status": "failed", "owed": 0}
    | {"authorized_amount": 0, "authorization_expires_at": None},
    "payment": {
        **PAYMENT,
        "status": "failed",
        "message": "Card not charged: Your card was declined. Nothing was taken.",
    },
}
ORDER: dict[str, Any] = {
    "student": {"name": "Maya Chen", "email": "maya@example.test", "time_zone": "Europe/Berlin"},
    "instructor_id": 1,
    "starts_at": _at(days=3),
    "minutes": 60,
    "payment_method": "pm_card_visa",
    "is_package": False,
}
EVENT: dict[str, Any] = {
    "id": "evt_1Qx",
    "object": "event",
    "type": "payment_intent.amount_capturable_updated",
    "created": int(_TODAY.timestamp()),
    "data": {"object": {"id": "pi_3Qx", "object": "payment_intent"}},
}


def _problem(status: int, title: str, detail: str, **members: Any) -> dict[str, Any]:
    return {"type": "about:blank", "title": title, "status": status, "detail": detail} | members


_WRONG = "Expected `int` >= 15."
# What each kind of problem means, and how it reads.
PROBLEMS: dict[int, tuple[str, dict[str, Any]]] = {
    400: (
        "The request is not what it must be: its signature does not match, or it is no event.",
        _problem(400, "Bad Request", "The signature does not match."),
    ),
    401: (
        "No valid token, and nobody signed in.",
        _problem(401, "Unauthorized", "Sign in, or send a valid token."),
    ),
    402: (
        "Stripe refused the card. Nothing was taken.",
        _problem(
            402, "The payment was refused.", "Your card was declined.", code="generic_decline"
        ),
    ),
    403: (
        "The token's scopes or the person's role do not reach this far, or a cookie came without "
        "its proof.",
        _problem(403, "Forbidden", "This token's scopes do not reach this far."),
    ),
    404: (
        "There is no such booking or package.",
        _problem(404, "Not Found", "There is no such booking."),
    ),
    409: (
        "It contradicts how things stand, or another movement is under way.",
        _problem(
            409,
            "That contradicts how things stand.",
            "This lesson is booked already.",
            booking_id=41,
        ),
    ),
    413: (
        "The body is larger than 256 kB.",
        _problem(413, "Request Entity Too Large", "Request Entity Too Large"),
    ),
    422: (
        "A field, the JSON itself or its encoding is wrong, or the Idempotency-Key was used for "
        "another request.",
        _problem(
            422,
            "This can't be taken as it is.",
            f"minutes: {_WRONG}",
            errors=[{"field": "minutes", "message": _WRONG}],
        ),
    ),
    429: (
        "Too many requests from this address; wait for Retry-After.",
        _problem(
            429,
            "Too Many Requests",
            "Too many requests from this address. Try again in 12 s.",
        ),
    ),
    503: (
        "Stripe or the database can't be reached. Sent again, it can't happen twice.",
        _problem(
            503,
            "Try again soon.",
            "Stripe can't be reached right now; it was first missed Wed 25 Nov 01:52 UTC."
            " Nothing was done; try again soon.",
        ),
    ),
}
