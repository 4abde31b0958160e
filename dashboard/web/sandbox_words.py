"""What can be played at `/sandbox`, in the words of the page: cards, troubles, states, results."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from dashboard.web.wholes import whole

# Stripe's own names. A test holds them against the cards that the sandbox knows.
CARDS: dict[str, dict[str, str]] = {
    "Pays": {
        "pm_card_visa": "the amount is held at once",
        "pm_card_mastercard": "the same, from another brand",
        "pm_card_amex": "the same, from another brand",
    },
    "The bank says no": {
        "pm_card_chargeDeclined": "declined, no reason given",
        "pm_card_chargeDeclinedInsufficientFunds": "declined, not enough money",
        "pm_card_chargeDeclinedExpiredCard": "declined, the card has expired",
        "pm_card_chargeDeclinedIncorrectCvc": "declined, wrong security code",
        "pm_card_chargeDeclinedProcessingError": "declined, error at the bank",
        "pm_card_chargeDeclinedLostCard": "declined, reported lost",
        "pm_card_chargeDeclinedStolenCard": "declined, reported stolen",
        "pm_card_chargeDeclinedFraudulent": "declined as fraud",
    },
    "The bank asks the student": {
        "pm_card_authenticationRequired": "3-D Secure, every time",
        "pm_card_threeDSecure2Required": "3-D Secure 2, every time",
        "pm_card_authenticationRequiredOnSetup": "3-D Secure once; fine afterwards",
    },
    "Trouble later": {
        "pm_card_chargeCustomerFail": "can be saved, is declined when used",
        "pm_card_pendingRefund": "pays; its refunds take days",
        "pm_card_refundFail": "pays; its refunds fail afterwards",
        "pm_card_createDispute": "pays; the capture is disputed",
    },
}
CARD_NAMES = frozenset(name for group in CARDS.values() for name in group)

# How long the bank keeps the hold, and what the sandbox is told: seconds, or no date at all.
LIVES: dict[str, tuple[str, dict[str, float | None] | None]] = {
    "usual": ("as long as usual, about 7 days", None),
    "2h": ("2 hours only", {"capture_before": 2 * 3600.0}),
    "20h": ("20 hours only", {"capture_before": 20 * 3600.0}),
    "3d": ("3 days only", {"capture_before": 72 * 3600.0}),
    "unsaid": ("without saying how long, so that we estimate", {"capture_before": None}),
}

UNITS = {"hours": timedelta(hours=1), "days": timedelta(days=1)}
LENGTHS = (30, 45, 60, 90)
LEAPS = {
    "1h": ("+ 1 hour", timedelta(hours=1)),
    "6h": ("+ 6 hours", timedelta(hours=6)),
    "1d": ("+ 1 day", timedelta(days=1)),
    "7d": ("+ 7 days", timedelta(days=7)),
}

CALLS = {
    "create": ("Placing a hold", "/v1/payment_intents"),
    "capture": ("Capture", "/v1/payment_intents/*/capture"),
    "cancel": ("Release", "/v1/payment_intents/*/cancel"),
    "refund": ("Refund", "/v1/refunds"),
}
TROUBLES = {
    "hang": "does not answer in time",
    "drop": "loses the connection",
    "500": "answers 500",
    "429": "answers 429, too many requests",
    "409": "answers 409, another request is at it",
    "402": "answers with a decline",
}
MOMENTS = {"before": "before anything has changed", "after": "after Stripe has made the change"}
MOST_TIMES = 100

MODES = {
    "send": "Send at once",
    "hold": "Hold back",
    "drop": "Drop",
}

# What is said after a redirect: with a count of one, and with any other.
DONE: dict[str, tuple[str, str]] = {
    "mode": ("Webhooks are treated so from now on.",) * 2,
    "sent": ("1 webhook was sent.", "{n} webhooks were sent."),
    "refused": (
        "1 webhook went out and was not taken.",
        "{n} webhooks went out and were not taken.",
    ),
    "dropped": ("1 webhook will never arrive.", "{n} webhooks will never arrive."),
    "delayed": ("1 webhook waits.", "{n} webhooks wait."),
    "armed": ("The trouble is armed.",) * 2,
    "disarmed": ("No trouble is armed any more.",) * 2,
    "booked": ("Booked.",) * 2,
    "again": ("That form was sent before: here is what it made.",) * 2,
    "confirmed": ("The student has confirmed with the bank.",) * 2,
    "failed": ("The student has failed the bank’s question.",) * 2,
    "working": ("The bank is working on it; nobody can cancel it meanwhile.",) * 2,
    "away": (
        "The student is gone. After half an hour without an answer nothing is owed: move the clock"
        " by an hour to see it.",
    )
    * 2,
    "disputed": ("The cardholder’s bank has opened a dispute.",) * 2,
    "won": ("The dispute is won: the money comes back.",) * 2,
    "lost": ("The dispute is lost: the money stays away.",) * 2,
    "refund": ("The bank has changed its mind about the refund.",) * 2,
    "captured": ("Captured in Stripe’s dashboard, behind our back.",) * 2,
    "cancelled": ("Cancelled in Stripe’s dashboard, behind our back.",) * 2,
    "refunded": ("Refunded in Stripe’s dashboard, behind our back.",) * 2,
    "asks": ("The bank will ask for a confirmation when the student is away.",) * 2,
    "stopped": ("The clock has stopped on its way.",) * 2,
}


def said(code: str, count: str) -> str:
    """The sentence for what a redirect brought about; nothing for a code that is none."""
    one, many = DONE.get(code, ("", ""))
    number = whole(count, 5)
    return one if number in (None, 1) else many.format(n=number)


def trouble(fault: Mapping[str, Any]) -> str:
    """An armed trouble in a sentence."""
    call = next((name for name, path in CALLS.values() if path == fault["path"]), fault["path"])
    often, what = _often(fault["times"]), TROUBLES[fault["kind"]]
    return f"{call}. {often}, Stripe {what}, {MOMENTS[fault['when']]}."


def asking(times: int) -> str:
    """That the bank will refuse a saved card until the student has confirmed."""
    return f"A saved card. {_often(times)}, the bank wants to ask the student."


def _often(times: int) -> str:
    return "The next time" if times == 1 else f"The next {times:,} times"
