"""Every message with sample facts, for the page that previews them."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from dashboard.mail.facts import Facts, Lesson, Terms

_STARTS = datetime(2026, 11, 24, 23, tzinfo=UTC)
_LESSON = Lesson("Ben Ode", _STARTS, _STARTS + timedelta(hours=1))
_AFTER = _STARTS + timedelta(hours=2)


def samples(terms: Terms) -> dict[str, tuple[str, Facts]]:
    """By name: what it is called, and the facts that lead to it."""
    held = Facts(
        kind="authorized",
        amount=9600,
        currency="usd",
        occurred_at=_STARTS - timedelta(days=2),
        student="Maya Chen",
        time_zone="America/New_York",
        number="#1042",
        title="piano",
        price=9600,
        lesson=_LESSON,
        captured=9600,
        expires_at=_STARTS + timedelta(days=4),
        capture_due_at=_AFTER,
        terms=terms,
    )
    far = replace(held, expires_at=_STARTS - timedelta(days=3), occurred_at=_STARTS - timedelta(9))
    paid = replace(held, kind="captured", occurred_at=_AFTER)
    package = replace(
        paid, kind="charged", amount=42000, price=42000, number="P7", title="Five lessons"
    )
    return {
        "reserved": ("Reserved", held),
        "reserved-early": ("Reserved, lesson after the reservation’s end", far),
        "paid": ("Paid", paid),
        "paid-part": ("Paid in part", replace(paid, amount=6000, given_back=3600)),
        "paid-late": ("Late fee", _late(paid)),
        "paid-package": ("Package paid", replace(package, lesson=None, lessons=5)),
        "charged-early": ("Charged early", _early(far)),
        "released": ("Released", replace(held, kind="released", given_back=9600)),
        "expired": ("Expired", replace(held, kind="expired", given_back=9600)),
        "refunded": ("Refunded", replace(paid, kind="refund_succeeded", refunded=9600)),
        "refunded-part": ("Refunded in part", _part(paid)),
        "refund-failed": ("Refund came back", _came_back(paid)),
        "declined": ("Card declined", _declined(held)),
        **_later(held),
    }


def _came_back(paid: Facts) -> Facts:
    return replace(paid, kind="refund_failed", amount=4000, corrects=True)


def _later(held: Facts) -> dict[str, tuple[str, Facts]]:
    """Cards that are saved, holds that are placed later, and renewals."""
    planned = replace(
        held,
        kind="card_saved",
        expires_at=None,
        expiry_policy="renew",
        link="https://desk.example/pay/1042-sample",
        hold_due_at=_STARTS - timedelta(days=3, hours=10),
        give_up_at=_STARTS - timedelta(days=1),
        occurred_at=_STARTS - timedelta(days=20),
        confirm_by=_STARTS - timedelta(days=20) + timedelta(minutes=30),
    )
    refused = replace(
        _declined(planned),
        automatic=True,
        occurred_at=_STARTS - timedelta(days=3, hours=10),
        next_try_at=_STARTS - timedelta(days=3, hours=9),
    )
    asked = replace(refused, code="authentication_required")
    ending = replace(
        asked,
        hold_due_at=None,
        renews=True,
        booked=True,
        otherwise="capture",
        expires_at=_STARTS - timedelta(days=1),
    )
    no_card = replace(planned, kind="card_refused", reason="Your card has insufficient funds.")
    return {
        "planned": ("Card saved, hold later", planned),
        "card-refused": ("Card not saved", no_card),
        "confirm-card": ("Card to be confirmed", replace(planned, kind="card_waiting")),
        "hold-refused": ("Hold refused", refused),
        "authenticate": ("Hold to be confirmed", asked),
        "authenticate-renewal": ("Renewal to be confirmed", ending),
        "renewed": ("Hold renewed", replace(held, renews=True, expiry_policy="renew")),
        "called-off": ("Called off", replace(planned, kind="let_go", reason="called_off")),
        "let-go": ("Booking let go", replace(planned, kind="let_go", reason="never_held")),
    }


def _late(paid: Facts) -> Facts:
    lesson = replace(_LESSON, clause="student_late")
    at = _STARTS - timedelta(hours=2)
    return replace(paid, amount=4800, given_back=4800, lesson=lesson, occurred_at=at)


def _early(far: Facts) -> Facts:
    return replace(far, kind="captured", by_policy=True, occurred_at=_STARTS - timedelta(days=4))


def _part(paid: Facts) -> Facts:
    return replace(paid, kind="refund_succeeded", amount=4000, refunded=4000)


def _declined(held: Facts) -> Facts:
    return replace(held, kind="declined", reason="Your card has insufficient funds.")
