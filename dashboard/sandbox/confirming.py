"""What customer and bank do about a payment that waits for them: controls of the sandbox."""

from dashboard.sandbox import charging
from dashboard.sandbox.answers import Json, StripeError, public, unexpected_state
from dashboard.sandbox.turn import Turn


def authenticate(turn: Turn, name: str, success: bool) -> Json:
    """The customer completes or fails the authentication; a control of the sandbox."""
    intent = turn.get("payment_intent", name, "intent", 404)
    if intent["status"] not in ("requires_action", "processing"):
        raise unexpected_state("This PaymentIntent waits for no authentication.", public(intent))
    method = turn.get("payment_method", intent["payment_method"])
    if success:
        charging.authorize(turn, intent, method, authenticated=True)
        return intent
    failure = StripeError(
        "We are unable to authenticate your payment method. Please choose a different payment"
        " method and try again.",
        kind="invalid_request_error",
        code="payment_intent_authentication_failure",
        payment_method=public(method),
    )
    intent |= {
        "last_payment_error": failure.envelope()["error"],
        "next_action": None,
        "payment_method": None,
        "status": "requires_payment_method",
    }
    turn.store.save(intent)
    turn.emit("payment_intent.payment_failed", intent)
    return intent


def process(turn: Turn, name: str) -> Json:
    """The bank takes its time over an intent, which can't be cancelled meanwhile; a control."""
    intent = turn.get("payment_intent", name, "intent", 404)
    if intent["status"] != "requires_action":
        raise unexpected_state("This PaymentIntent waits for no authentication.", public(intent))
    intent |= {"next_action": None, "status": "processing"}
    turn.store.save(intent)
    turn.emit("payment_intent.processing", intent)
    return intent
