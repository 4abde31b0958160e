"""SetupIntents: a card is saved for later, with the customer's and the bank's consent."""

from dashboard.sandbox import parameters, people
from dashboard.sandbox.answers import Json, StripeError, invalid, public
from dashboard.sandbox.cards import card_of, decline_message
from dashboard.sandbox.intents import NO_RETURN_URL, next_action, stays_here
from dashboard.sandbox.turn import Turn

OPEN = ("requires_payment_method", "requires_confirmation", "requires_action")
_PLAIN = "allowed_payment_method_types customer description".split()
_NULLS = """allowed_payment_method_types application attach_to_self
    automatic_payment_methods cancellation_reason customer customer_account description
    excluded_payment_method_types flow_directions last_setup_error latest_attempt managed_payments
    mandate next_action on_behalf_of payment_method payment_method_configuration_details
    single_use_mandate""".split()
_NO_METHOD = "You cannot confirm this SetupIntent because it's missing a payment method."


def create(turn: Turn, _: str, given: Json) -> Json:
    """A new SetupIntent, confirmed at once with `confirm=true`; a refusal raises and is kept."""
    if given.get("customer"):
        turn.get("customer", given["customer"], "customer")
    if given.get("confirm") and not given.get("payment_method"):
        raise invalid(_NO_METHOD, "payment_method", "parameter_missing")
    if given.get("return_url") and not given.get("confirm"):
        message = "The parameter `return_url` can only be used with `confirm=true`."
        raise invalid(message, "return_url")
    setup = _new(turn, given.get("usage") or "off_session")
    _fill(setup, given)
    if setup["allowed_payment_method_types"] is None:
        automatic = {"allow_redirects": "always", "enabled": True}
        setup["automatic_payment_methods"] = automatic | (
            given.get("automatic_payment_methods") or {}
        )
    if given.get("confirm"):
        _check_confirmable(setup, given)
    _choose_method(turn, setup, given)
    turn.store.save(setup)
    turn.emit("setup_intent.created", setup)
    if given.get("confirm"):
        _run(turn, setup)
    return setup


def _new(turn: Turn, usage: str) -> Json:
    name = turn.new_id("seti")
    return dict.fromkeys(_NULLS) | {
        "id": name,
        "object": "setup_intent",
        "client_secret": f"{name}_secret_{turn.new_id('x')[2:]}",
        "created": turn.second,
        "livemode": False,
        "metadata": {},
        "payment_method_options": {
            "card": {
                "mandate_options": None,
                "network": None,
                "request_three_d_secure": "automatic",
            }
        },
        "payment_method_types": ["card"],
        "status": "requires_payment_method",
        "usage": usage,
        "_return_url": None,
    }


def update(turn: Turn, name: str, given: Json) -> Json:
    """Words, the customer and the card change while it is open."""
    setup = _open(turn, name, "update")
    if given.get("customer"):
        turn.get("customer", given["customer"], "customer")
    _fill(setup, given)
    _choose_method(turn, setup, given)
    turn.store.save(setup)
    return setup


def confirm(turn: Turn, name: str, given: Json) -> Json:
    setup = _open(turn, name, "confirm")
    _fill(setup, given)
    _check_confirmable(setup, given)
    _choose_method(turn, setup, given)
    if setup["payment_method"] is None:
        raise _unexpected(_NO_METHOD, setup)
    _run(turn, setup)
    return setup


def cancel(turn: Turn, name: str, given: Json) -> Json:
    setup = _open(turn, name, "cancel")
    setup |= {
        "cancellation_reason": given.get("cancellation_reason"),
        "next_action": None,
        "status": "canceled",
    }
    turn.store.save(setup)
    turn.emit("setup_intent.canceled", setup)
    return setup


def authenticate(turn: Turn, name: str, success: bool) -> Json:
    """The customer completes or fails the authentication; a control of the sandbox."""
    setup = turn.get("setup_intent", name, "intent", 404)
    if setup["status"] != "requires_action":
        raise _unexpected("This SetupIntent waits for no authentication.", setup)
    method = turn.get("payment_method", setup["payment_method"])
    if success:
        _succeed(turn, setup, method)
        return setup
    failure = StripeError(
        "We are unable to authenticate your payment method. Please choose a different payment"
        " method and try again.",
        kind="invalid_request_error",
        code="setup_intent_authentication_failure",
        payment_method=public(method),
    )
    _fail(turn, setup, failure)
    return setup


def _open(turn: Turn, name: str, verb: str) -> Json:
    setup = turn.get("setup_intent", name, "intent", 404)
    if setup["status"] not in OPEN:
        message = f"You cannot {verb} this SetupIntent because it has a status of {setup['status']}"
        raise _unexpected(f"{message}.", setup)
    return setup


def _unexpected(message: str, setup: Json) -> StripeError:
    code = "setup_intent_unexpected_state"
    return StripeError(message, code=code, setup_intent=public(setup))


def _fill(setup: Json, given: Json) -> None:
    setup["metadata"] = parameters.merged(setup["metadata"], given.get("metadata", {}))
    setup |= {name: given[name] for name in _PLAIN if name in given}


def _check_confirmable(setup: Json, given: Json) -> None:
    setup["_return_url"] = given.get("return_url") or setup["_return_url"]
    if not stays_here(setup):
        raise invalid(NO_RETURN_URL.replace("PaymentIntent", "SetupIntent"), "return_url")


def _choose_method(turn: Turn, setup: Json, given: Json) -> None:
    if given.get("payment_method"):
        method = people.method_for(turn, given["payment_method"], setup["customer"])
        setup |= {"payment_method": method["id"], "status": "requires_confirmation"}


def _run(turn: Turn, setup: Json) -> None:
    """Save the chosen card, or ask its holder to authenticate first."""
    method = turn.get("payment_method", setup["payment_method"])
    card = card_of(method)
    if card.behaviour == "decline" and not card.attachable:
        refusal = StripeError(
            decline_message(card.decline_code),
            status=402,
            kind="card_error",
            code=card.code,
            decline_code=card.decline_code,
            payment_method=public(method),
        )
        _fail(turn, setup, refusal)
        refusal.details["setup_intent"] = public(setup)
        raise refusal
    if not card.authenticates_setup:
        _succeed(turn, setup, method)
        return
    setup |= {"next_action": next_action(setup), "status": "requires_action"}
    turn.store.save(setup)
    turn.emit("setup_intent.requires_action", setup)


def _succeed(turn: Turn, setup: Json, method: Json) -> None:
    method["_set_up"] = True
    attached = method["customer"] is None and setup["customer"] is not None
    if attached:
        method["customer"] = setup["customer"]
    turn.store.save(method)
    if attached:
        turn.emit("payment_method.attached", method)
    setup |= {"last_setup_error": None, "next_action": None, "status": "succeeded"}
    turn.store.save(setup)
    turn.emit("setup_intent.succeeded", setup)


def _fail(turn: Turn, setup: Json, failure: StripeError) -> None:
    setup |= {
        "last_setup_error": failure.envelope()["error"],
        "next_action": None,
        "payment_method": None,
        "status": "requires_payment_method",
    }
    turn.store.save(setup)
    turn.emit("setup_intent.setup_failed", setup)
