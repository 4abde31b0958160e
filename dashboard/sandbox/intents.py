"""PaymentIntents: Stripe's state machine and its refusals."""

from dashboard.sandbox import amounts, charging, parameters, people, shapes
from dashboard.sandbox.answers import Json, StripeError, invalid, public, unexpected_state
from dashboard.sandbox.cards import TestCard, card_of
from dashboard.sandbox.turn import Turn

OPEN = ("requires_payment_method", "requires_confirmation", "requires_action")
CANCELABLE = (*OPEN, "requires_capture")
_PLAIN = """allowed_payment_method_types automatic_payment_methods capture_method
    confirmation_method customer description receipt_email setup_future_usage statement_descriptor
    statement_descriptor_suffix transfer_group""".split()
_CONFIRM_ONLY = ("error_on_requires_action", "off_session", "return_url")
NO_RETURN_URL = (
    "This PaymentIntent is configured to accept payment methods enabled in your Dashboard. Because"
    " some of these payment methods might redirect your customer off of your page, you must provide"
    " a `return_url`. If you don't want to accept redirect-based payment methods, set"
    " `automatic_payment_methods[enabled]` to `true` and"
    " `automatic_payment_methods[allow_redirects]` to `never`."
)
_NO_METHOD = "You cannot confirm this PaymentIntent because it's missing a payment method."


def create(turn: Turn, _: str, given: Json) -> Json:
    """A new intent, confirmed at once with `confirm=true`; a decline raises and is kept."""
    parameters.required(given, "amount", "currency")
    amounts.check(given["amount"], given["currency"])
    _check_together(given)
    if given.get("customer"):
        turn.get("customer", given["customer"], "customer")
    intent = shapes.intent(turn, given["amount"], given["currency"].lower())
    _fill(intent, given)
    if intent["allowed_payment_method_types"] is None:
        automatic = {"allow_redirects": "always", "enabled": True}
        intent["automatic_payment_methods"] = automatic | (
            given.get("automatic_payment_methods") or {}
        )
    if given.get("confirm"):
        _check_confirmable(intent, given)
    _choose_method(turn, intent, given)
    turn.store.save(intent)
    turn.emit("payment_intent.created", intent)
    if given.get("confirm"):
        _run(turn, intent, given)
    return intent


def _check_together(given: Json) -> None:
    """Parameters that exclude or need each other."""
    if "allowed_payment_method_types" in given and "automatic_payment_methods" in given:
        message = (
            "You may only specify one of these parameters: allowed_payment_method_types,"
            " automatic_payment_methods."
        )
        raise invalid(message, "allowed_payment_method_types")
    if "automatic_payment_methods" in given:
        parameters.required(given["automatic_payment_methods"], "enabled")
    for name in _CONFIRM_ONLY:
        if name in given and not given.get("confirm"):
            raise invalid(f"The parameter `{name}` can only be used with `confirm=true`.", name)
    _check_types(given)
    if given.get("confirm") and not given.get("payment_method"):
        raise invalid(_NO_METHOD, "payment_method", "parameter_missing")


def _check_types(given: Json) -> None:
    if set(given.get("allowed_payment_method_types", ["card"])) != {"card"}:
        message = "Only the payment method type `card` is activated in this account."
        raise invalid(message, "allowed_payment_method_types")


def _fill(intent: Json, given: Json) -> None:
    intent["metadata"] = parameters.merged(intent["metadata"], given.get("metadata", {}))
    intent |= {name: given[name] for name in _PLAIN if name in given}


def _check_confirmable(intent: Json, given: Json) -> None:
    """Cards alone never redirect; anything else needs to know where to send the customer back."""
    intent["_return_url"] = given.get("return_url") or intent["_return_url"]
    intent["_off_session"] = given.get("off_session", False)
    if intent["_off_session"] and intent["setup_future_usage"]:
        message = "You may not use `setup_future_usage` together with `off_session=true`."
        raise invalid(message, "setup_future_usage")
    if not stays_here(intent):
        raise invalid(NO_RETURN_URL, "return_url")


def stays_here(intent: Json) -> bool:
    """Whether the customer is never sent away, or it is known where to send them back."""
    automatic = intent["automatic_payment_methods"] or {}
    cards_only = intent["allowed_payment_method_types"] == ["card"]
    stays = automatic.get("enabled") and automatic.get("allow_redirects") == "never"
    return bool(cards_only or stays or intent["_return_url"])


def _choose_method(turn: Turn, intent: Json, given: Json) -> None:
    if given.get("payment_method"):
        method = people.method_for(turn, given["payment_method"], intent["customer"])
        if intent["_off_session"]:
            people.require_saved(method, intent["customer"])
        intent |= {"payment_method": method["id"], "status": "requires_confirmation"}


def confirm(turn: Turn, name: str, given: Json) -> Json:
    intent = turn.get("payment_intent", name, "intent", 404)
    if intent["status"] not in OPEN:
        message = (
            f"You cannot confirm this PaymentIntent because it has a status of {intent['status']}."
        )
        raise unexpected_state(message, public(intent))
    _check_types(given)
    _fill(intent, given)
    _check_confirmable(intent, given)
    _choose_method(turn, intent, given)
    if intent["payment_method"] is None:
        raise unexpected_state(_NO_METHOD, public(intent))
    _run(turn, intent, given)
    return intent


def _run(turn: Turn, intent: Json, given: Json) -> None:
    """Charge the chosen card, or ask its holder to authenticate first."""
    method = turn.get("payment_method", intent["payment_method"])
    card = card_of(method)
    if ordered := charging.ordered_refusal(turn, intent):
        raise charging.decline(turn, intent, method, *ordered)
    if card.behaviour == "decline":
        raise charging.decline(turn, intent, method, card.code, card.decline_code)
    if not _asks(intent, method, card):
        charging.authorize(turn, intent, method)
    elif intent["_off_session"] or given.get("error_on_requires_action"):
        # Nobody is there to authenticate.
        code = "authentication_required"
        raise charging.decline(turn, intent, method, code, code)
    else:
        intent |= {"next_action": next_action(intent), "status": "requires_action"}
        turn.store.save(intent)
        turn.emit("payment_intent.requires_action", intent)


def _asks(intent: Json, method: Json, card: TestCard) -> bool:
    """Whether the bank wants its customer to confirm; some ask only until the card is set up."""
    if card.behaviour == "authenticate_once":
        return not (intent["_off_session"] and method["_set_up"])
    return card.behaviour == "authenticate"


def next_action(intent: Json) -> Json:
    """Where the customer confirms: a page of the bank, or Stripe's script in the shop's page."""
    url = f"https://hooks.stripe.com/3d_secure_2/sandbox/{intent['id']}"
    if intent["_return_url"]:
        back = {"return_url": intent["_return_url"], "url": url}
        return {"type": "redirect_to_url", "redirect_to_url": back}
    return {
        "type": "use_stripe_sdk",
        "use_stripe_sdk": {"type": "three_d_secure_redirect", "stripe_js": url},
    }


def update(turn: Turn, name: str, given: Json) -> Json:
    """Words change at any time; the amount, the customer and the card before confirmation only."""
    intent = turn.get("payment_intent", name, "intent", 404)
    money = set(given) - {"metadata", "description", "receipt_email", "transfer_group", "expand"}
    if money and intent["status"] not in OPEN:
        message = (
            f"This PaymentIntent's {sorted(money)[0]} could not be updated because it has a status"
            f" of {intent['status']}."
        )
        raise unexpected_state(message, public(intent))
    _check_types(given)
    intent |= {key: given[key] for key in ("amount",) if key in given}
    if given.get("currency"):
        intent["currency"] = given["currency"].lower()
    amounts.check(intent["amount"], intent["currency"])
    if given.get("customer"):
        turn.get("customer", given["customer"], "customer")
    _fill(intent, given)
    _choose_method(turn, intent, given)
    turn.store.save(intent)
    return intent


def capture(turn: Turn, name: str, given: Json) -> Json:
    """Take the hold or a part of it, once."""
    intent = turn.get("payment_intent", name, "intent", 404)
    if intent["status"] != "requires_capture":
        message = (
            f"This PaymentIntent could not be captured because it has a status of"
            f" {intent['status']}. Only a PaymentIntent with one of the following statuses may be"
            " captured: requires_capture."
        )
        raise unexpected_state(message, public(intent))
    if given.get("final_capture") is False:
        raise invalid("Multicapture is not available for this PaymentIntent.", "final_capture")
    amount: int = given.get("amount_to_capture") or intent["amount_capturable"]
    amounts.check_step(amount, intent["currency"], "amount_to_capture")
    if amount > intent["amount_capturable"]:
        raise StripeError(
            f"Amount to capture must not be greater than {intent['amount_capturable']}.",
            code="amount_too_large",
            param="amount_to_capture",
            payment_intent=public(intent),
        )
    _fill(intent, given)
    charging.capture(turn, intent, amount)
    return intent


def cancel(turn: Turn, name: str, given: Json) -> Json:
    intent = turn.get("payment_intent", name, "intent", 404)
    if intent["status"] not in CANCELABLE:
        message = (
            f"You cannot cancel this PaymentIntent because it has a status of {intent['status']}."
            f" Only a PaymentIntent with one of the following statuses may be canceled:"
            f" {', '.join(CANCELABLE)}."
        )
        raise unexpected_state(message, public(intent))
    close(turn, intent, given.get("cancellation_reason"))
    return intent


def close(turn: Turn, intent: Json, reason: str | None) -> None:
    """End the intent without money; a hold goes back to the card, and no Refund is made."""
    intent |= {
        "amount_capturable": 0,
        "canceled_at": turn.second,
        "cancellation_reason": reason,
        "next_action": None,
        "status": "canceled",
    }
    turn.store.save(intent)
    turn.emit("payment_intent.canceled", intent)
