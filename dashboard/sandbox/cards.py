"""Stripe's test payment methods, under Stripe's own names, and what each one does."""

from dataclasses import dataclass
from typing import Literal

from dashboard.sandbox.answers import Json

Behaviour = Literal[
    "ok",
    "decline",
    "authenticate",
    "authenticate_once",
    "refund_pending",
    "refund_fail",
    "dispute",
]


@dataclass(frozen=True, slots=True)
class TestCard:
    """One test card: what it looks like and how it behaves when it is charged."""

    last4: str
    brand: str = "visa"
    funding: str = "credit"
    behaviour: Behaviour = "ok"
    code: str = "card_declined"
    decline_code: str = "generic_decline"
    attachable: bool = True

    @property
    def authenticates_setup(self) -> bool:
        """Whether the bank wants its customer to confirm that the card is saved."""
        return self.behaviour in ("authenticate", "authenticate_once")


def _decline(last4: str, decline_code: str, code: str = "card_declined") -> TestCard:
    return TestCard(
        last4,
        behaviour="decline",
        code=code,
        decline_code=decline_code,
        # A card that declines every charge can't be attached either: Stripe checks it first.
        attachable=False,
    )


_DECLINES = {
    "chargeDeclined": _decline("0002", "generic_decline"),
    "chargeDeclinedInsufficientFunds": _decline("9995", "insufficient_funds"),
    "chargeDeclinedLostCard": _decline("9987", "lost_card"),
    "chargeDeclinedStolenCard": _decline("9979", "stolen_card"),
    "chargeDeclinedExpiredCard": _decline("0069", "expired_card", "expired_card"),
    "chargeDeclinedIncorrectCvc": _decline("0127", "incorrect_cvc", "incorrect_cvc"),
    "chargeDeclinedProcessingError": _decline("0119", "processing_error", "processing_error"),
    "chargeDeclinedFraudulent": _decline("0019", "fraudulent"),
}

TEST_CARDS: dict[str, TestCard] = {
    "pm_card_visa": TestCard("4242"),
    "pm_card_visa_debit": TestCard("5556", funding="debit"),
    "pm_card_us": TestCard("4242"),
    "pm_card_bypassPending": TestCard("0077"),
    "pm_card_mastercard": TestCard("4444", brand="mastercard"),
    "pm_card_mastercard_debit": TestCard("3222", brand="mastercard", funding="debit"),
    "pm_card_amex": TestCard("8431", brand="amex"),
    "pm_card_discover": TestCard("9424", brand="discover"),
    "pm_card_jcb": TestCard("0505", brand="jcb"),
    "pm_card_authenticationRequired": TestCard("3184", behaviour="authenticate"),
    "pm_card_authenticationRequiredOnSetup": TestCard("3155", behaviour="authenticate_once"),
    "pm_card_threeDSecure2Required": TestCard("3220", behaviour="authenticate"),
    "pm_card_chargeCustomerFail": TestCard("0341", behaviour="decline"),
    "pm_card_pendingRefund": TestCard("7726", behaviour="refund_pending"),
    "pm_card_refundFail": TestCard("5126", behaviour="refund_fail"),
    "pm_card_createDispute": TestCard("0259", behaviour="dispute"),
    **{f"pm_card_{name}": card for name, card in _DECLINES.items()},
    **{f"pm_card_visa_{name}": card for name, card in _DECLINES.items()},
}

_MESSAGES = {
    "insufficient_funds": "Your card has insufficient funds.",
    "expired_card": "Your card has expired.",
    "incorrect_cvc": "Your card's security code is incorrect.",
    "processing_error": "An error occurred while processing your card. Try again in a little bit.",
    "authentication_required": "Your card was declined. This transaction requires authentication.",
}


def decline_message(decline_code: str) -> str:
    """Stripe's own sentence for the customer."""
    return _MESSAGES.get(decline_code, "Your card was declined.")


def card_of(payment_method: Json) -> TestCard:
    """How a stored payment method behaves."""
    return TEST_CARDS[payment_method["_test_name"]]
