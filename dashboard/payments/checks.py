"""What a person may do to a payment now. Pure; the page shows only what passes here."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from dashboard.money import minimum, step
from dashboard.payments.facts import CREATES, CardState, PaymentFacts, PurchaseFacts, Status, Verb


def refusal(
    verb: Verb,
    amount: int,
    purchase: PurchaseFacts,
    payment: PaymentFacts | None,
    now: datetime,
) -> tuple[str, dict[str, Any]] | None:
    """Why `verb` over `amount` minor units is refused, as a code and its values; None when allowed.

    For AUTHORIZE and CHARGE `payment` is the purchase's current one, if there is any.
    """
    if verb in CREATES:
        return _new_attempt(purchase, payment, now)
    if payment is None:
        return "not_held", {}
    if verb is Verb.REFUND:
        return _refund(amount, payment, purchase.currency)
    if not payment.held:
        return _not_held(payment)
    ended = payment.expires_at is not None and payment.expires_at <= now
    if ended and not payment.expires_estimated:
        return "hold_ended", {"at": payment.expires_at}
    if verb is Verb.CAPTURE:
        return _capture(amount, purchase, payment)
    return None


def captured_elsewhere(payment: PaymentFacts, payments: Iterable[PaymentFacts]) -> int:
    """What was captured of another payment of the purchase, in minor units: then no hold is.

    While a renewal stands beside the old hold, either may be captured, and only one of them.
    """
    return max((one.captured for one in payments if one.id != payment.id), default=0)


def decided_since(
    verb: Verb, purchase: PurchaseFacts, undecided: bool, paused_until: datetime | None
) -> str | None:
    """What was decided after somebody had looked at a movement, as a code; None when it stands.

    A lesson that was given meanwhile must not be given away by a release. A capture takes what the
    review said or is refused for its amount; that somebody paused it is for a person to read.
    """
    if purchase.paused_until is not None and purchase.paused_until != paused_until:
        return "paused_since"
    if verb is Verb.RELEASE and undecided and purchase.owed:
        return "decided_since"
    return None


def actions(
    purchase: PurchaseFacts, payment: PaymentFacts | None, now: datetime
) -> tuple[Verb, ...]:
    """The movements that staff may start now, in the order in which the page shows them."""
    if payment is None:
        return ()
    most = {
        Verb.CAPTURE: capturable(purchase, payment),
        Verb.RELEASE: payment.authorized,
        Verb.REFUND: payment.refundable,
    }
    return tuple(
        verb
        for verb, amount in most.items()
        if refusal(verb, amount, purchase, payment, now) is None
    )


def capturable(purchase: PurchaseFacts, payment: PaymentFacts) -> int:
    """The most that may be captured of a hold: what is owed, once that is decided."""
    if purchase.owed is None:
        return payment.authorized
    return min(purchase.owed, payment.authorized)


def _new_attempt(
    purchase: PurchaseFacts, payment: PaymentFacts | None, now: datetime
) -> tuple[str, dict[str, Any]] | None:
    if purchase.owed == 0:
        return "nothing_owed", {}
    if purchase.owed is None and hold_is_planned(purchase, now):
        # A hold that is placed now would end long before the lesson.
        return "already_paid", {"status": Status.PENDING}
    if payment is None or payment.planned or payment.status is Status.FAILED:
        return None
    # A hold that ended by itself took nothing; one that is to be renewed waits for its successor.
    if payment.status is Status.RELEASED and payment.end_reason == "expired":
        return None
    if payment.held and to_be_renewed(purchase, payment):
        return None
    return "already_paid", {"status": payment.status}


def hold_is_planned(purchase: PurchaseFacts, now: datetime) -> bool:
    """Whether the card of a far lesson is saved, and its hold placed later by itself."""
    later = purchase.hold_due_at is not None and purchase.hold_due_at > now
    return later and purchase.card_state is CardState.SAVED


def to_be_renewed(purchase: PurchaseFacts, payment: PaymentFacts) -> bool:
    """Whether it was decided that a new hold takes the place of this one before it ends."""
    return purchase.expiry_decided_for == payment.id and purchase.expiry_decision == "renew"


def _not_held(payment: PaymentFacts) -> tuple[str, dict[str, Any]]:
    if payment.status in (Status.CAPTURED, Status.REFUNDED):
        return "already_captured", {"amount": payment.captured}
    if payment.status is Status.RELEASED:
        code = "hold_ended" if payment.end_reason == "expired" else "already_released"
        return code, {"at": payment.expires_at}
    return "not_held", {}


def _capture(
    amount: int, purchase: PurchaseFacts, payment: PaymentFacts
) -> tuple[str, dict[str, Any]] | None:
    most = capturable(purchase, payment)
    if most == 0:
        return "nothing_owed", {}
    return _amount(amount, most, purchase.currency, minimum(purchase.currency))


def _refund(amount: int, payment: PaymentFacts, currency: str) -> tuple[str, dict[str, Any]] | None:
    if payment.disputed and not payment.inquiry:
        return "disputed", {}
    if payment.captured == 0:
        return "nothing_captured", {}
    if payment.refundable == 0:
        return "already_refunded", {}
    return _amount(amount, payment.refundable, currency, step(currency))


def _amount(amount: int, most: int, currency: str, least: int) -> tuple[str, dict[str, Any]] | None:
    if amount > most:
        return "too_much", {"most": most}
    if amount < min(least, most):
        return "too_little", {"least": min(least, most)}
    if amount % step(currency):
        return "wrong_step", {"step": step(currency)}
    return None
