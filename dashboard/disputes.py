"""A dispute in words: what the bank wants and why, whose turn it is, how it ended."""

from datetime import datetime

from dashboard import formats
from dashboard.payments.tables import Payment

# Stripe's reasons, as the cardholder told the bank.
_REASONS = {
    "bank_cannot_process": "the bank can't process it",
    "credit_not_processed": "a promised refund did not come",
    "customer_initiated": "the cardholder asked for it",
    "duplicate": "charged twice",
    "fraudulent": "the cardholder says it wasn't them",
    "general": "no particular reason",
    "incorrect_account_details": "wrong account details",
    "insufficient_funds": "not enough money",
    "noncompliant": "against the card network's rules",
    "product_not_received": "the lesson did not take place",
    "product_unacceptable": "the lesson was not as promised",
    "subscription_canceled": "it had been cancelled",
    "unrecognized": "the cardholder doesn't recognise it",
}
_ENDINGS = {
    "won": "Won: the money is ours again",
    "lost": "Lost: the bank keeps the money",
    "warning_closed": "The bank asks no further",
    "prevented": "Settled before it became a dispute",
}


def open_now(payment: Payment) -> bool:
    return bool(payment.disputed_amount > 0)


def inquiry(payment: Payment) -> bool:
    """The bank only asks and has taken nothing back yet."""
    return open_now(payment) and str(payment.dispute_status).startswith("warning_")


def our_turn(payment: Payment) -> bool:
    """An answer is awaited from us; else the bank decides."""
    return open_now(payment) and str(payment.dispute_status).endswith("needs_response")


def reason(code: str) -> str:
    """Why the payment is disputed; a code that is not known yet stays readable."""
    return _REASONS.get(code, code.replace("_", " "))


def ending(code: str) -> str:
    """How a dispute ended."""
    return _ENDINGS.get(code, code.replace("_", " "))


def left(payment: Payment, now: datetime) -> str:
    """How long there is for an answer, rounded down; nothing while the bank is at it."""
    if not our_turn(payment) or payment.dispute_due_at is None:
        return ""
    if payment.dispute_due_at <= now:
        return "the time to answer is over"
    return f"{formats.countdown(payment.dispute_due_at, now)} left"


def state(payment: Payment) -> str:
    """How the dispute stands."""
    if not open_now(payment):
        return ending(payment.dispute_status)
    if inquiry(payment):
        return "Inquiry: nothing is taken yet" if our_turn(payment) else "Inquiry: answered"
    return "The bank waits for our answer" if our_turn(payment) else "The bank decides"
