"""What happens at the card networks: authorization, decline, capture, and the money after."""

from typing import Any

from dashboard.sandbox import amounts, shapes
from dashboard.sandbox.answers import Json, StripeError, public
from dashboard.sandbox.cards import card_of, decline_message
from dashboard.sandbox.turn import Turn

DAY = 86_400
CUSTOMER_INITIATED = 7 * DAY
# Visa gives a merchant-initiated authorization 4 days and 18 hours.
MERCHANT_INITIATED_VISA = 4 * DAY + 18 * 3600
# The balance transaction of an automatic capture comes shortly after the answer.
SETTLED_AFTER = 2.0


def authorize(turn: Turn, intent: Json, method: Json, authenticated: bool = False) -> None:
    """Charge the card: a hold with manual capture, the money otherwise. Saves and tells."""
    charge = shapes.charge(turn, intent, method)
    if authenticated:
        charge["payment_method_details"]["card"]["three_d_secure"] = _three_d_secure()
    _keep_card(turn, intent, method, authenticated)
    intent |= {
        "last_payment_error": None,
        "latest_charge": charge["id"],
        "next_action": None,
    }
    if intent["capture_method"] == "manual":
        _hold(turn, intent, charge, method)
    else:
        _take(turn, intent, charge)


def _hold(turn: Turn, intent: Json, charge: Json, method: Json) -> None:
    shown, ends_at = _capture_before(turn, intent, method)
    charge["payment_method_details"]["card"]["capture_before"] = shown
    intent |= {"amount_capturable": intent["amount"], "status": "requires_capture"}
    turn.store.save(charge)
    turn.store.save(intent)
    turn.later(ends_at, "expire", intent["id"])
    turn.emit("charge.succeeded", charge)
    turn.emit("payment_intent.amount_capturable_updated", intent)


def _take(turn: Turn, intent: Json, charge: Json) -> None:
    charge |= {"amount_captured": charge["amount"], "captured": True}
    intent |= {"amount_received": intent["amount"], "status": "succeeded"}
    turn.store.save(charge)
    turn.store.save(intent)
    turn.later(turn.now + SETTLED_AFTER, "settle", charge["id"])
    turn.emit("charge.succeeded", charge)
    turn.emit("payment_intent.succeeded", intent)


def _capture_before(turn: Turn, intent: Json, method: Json) -> tuple[int | None, int]:
    """The instant that is shown and the instant when the hold ends: a control may set both."""
    visa = method["card"]["brand"] == "visa"
    life = MERCHANT_INITIATED_VISA if intent["_off_session"] and visa else CUSTOMER_INITIATED
    ordered: Json | None = turn.store.note("next_authorization")
    if ordered is None:
        return turn.second + life, turn.second + life
    turn.store.remember("next_authorization", None)
    seconds = ordered["capture_before"]
    if seconds is None:
        return None, turn.second + life
    ends_at = int(turn.now + seconds)
    return ends_at, ends_at


def _keep_card(turn: Turn, intent: Json, method: Json, authenticated: bool) -> None:
    """Attach the card where it was asked for; otherwise it can't be used a second time."""
    if method["customer"] is not None:
        if authenticated and intent["setup_future_usage"] == "off_session":
            # The bank has heard its customer agree: later uses without them need no asking.
            method["_set_up"] = True
            turn.store.save(method)
        return
    if intent["setup_future_usage"] and intent["customer"]:
        method |= {"customer": intent["customer"], "_set_up": True}
        turn.store.save(method)
        turn.emit("payment_method.attached", method)
    else:
        method["_spent"] = True
        turn.store.save(method)


def ordered_refusal(turn: Turn, intent: Json) -> tuple[str, str] | None:
    """The code and decline code with which a control has the bank refuse the next off-session uses
    of a card; each refusal is one less."""
    ordered = turn.store.note("next_off_session") if intent["_off_session"] else None
    if not ordered or not ordered["times"]:
        return None
    turn.store.remember("next_off_session", ordered | {"times": ordered["times"] - 1})
    decline_code = ordered["decline_code"]
    asks = decline_code == "authentication_required"
    return (decline_code if asks else "card_declined"), decline_code


def _three_d_secure() -> Json:
    return {
        "authentication_flow": "challenge",
        "electronic_commerce_indicator": "05",
        "exemption_indicator": None,
        "exemption_indicator_applied": None,
        "result": "authenticated",
        "result_reason": None,
        "transaction_id": "8f2a3c1e-0000-4000-8000-000000000001",
        "version": "2.2.0",
    }


def decline(turn: Turn, intent: Json, method: Json, code: str, decline_code: str) -> StripeError:
    """The bank says no: a failed charge, an intent without a card, and the error to raise."""
    message = decline_message(decline_code)
    charge = shapes.charge(turn, intent, method)
    shapes.declined(charge, code, decline_code, message)
    error: dict[str, Any] = {
        "charge": charge["id"],
        "decline_code": decline_code,
        "payment_method": public(method),
    }
    refusal = StripeError(message, status=402, kind="card_error", code=code, **error)
    intent |= {
        "last_payment_error": refusal.envelope()["error"],
        "latest_charge": charge["id"],
        "next_action": None,
        "payment_method": None,
        "status": "requires_payment_method",
    }
    refusal.details["payment_intent"] = public(intent)
    turn.store.save(charge)
    turn.store.save(intent)
    turn.emit("charge.failed", charge)
    turn.emit("payment_intent.payment_failed", intent)
    return refusal


def capture(turn: Turn, intent: Json, amount: int) -> None:
    """Take `amount` of the hold; the rest goes back to the card, without a Refund."""
    charge = turn.get("charge", intent["latest_charge"])
    charge |= {"amount_captured": amount, "captured": True}
    book(turn, charge)
    intent |= {"amount_capturable": 0, "amount_received": amount, "status": "succeeded"}
    turn.store.save(charge)
    turn.store.save(intent)
    turn.emit("charge.captured", charge)
    turn.emit("payment_intent.succeeded", intent)


def book(turn: Turn, charge: Json) -> None:
    """Give the captured charge its balance transaction."""
    amount = charge["amount_captured"]
    kept = amounts.fee(amount)
    entry = shapes.balance_transaction(turn, "charge", charge, amount, kept, charge["description"])
    turn.store.save(entry)
    charge["balance_transaction"] = entry["id"]


def method_of(turn: Turn, charge: Json) -> Json:
    """The stored payment method that was charged."""
    return turn.get("payment_method", charge["payment_method"])


def behaviour_of(turn: Turn, charge: Json) -> str:
    """How the charged test card behaves later on, in refunds and disputes."""
    return card_of(method_of(turn, charge)).behaviour
