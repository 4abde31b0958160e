"""Customers and their payment methods."""

from dashboard.sandbox import parameters, shapes
from dashboard.sandbox.answers import Json, StripeError, invalid, public
from dashboard.sandbox.cards import TEST_CARDS, card_of, decline_message
from dashboard.sandbox.turn import Turn


def create_customer(turn: Turn, _: str, given: Json) -> Json:
    customer = shapes.customer(turn)
    _fill(customer, given)
    turn.store.save(customer)
    turn.emit("customer.created", customer)
    return customer


def update_customer(turn: Turn, name: str, given: Json) -> Json:
    customer = turn.get("customer", name, status=404)
    before = dict(customer)
    _fill(customer, given)
    changed = {key: before[key] for key in customer if customer[key] != before[key]}
    if changed:
        turn.store.save(customer)
        turn.emit("customer.updated", customer, changed)
    return customer


def _fill(customer: Json, given: Json) -> None:
    customer["metadata"] = parameters.merged(customer["metadata"], given.pop("metadata", {}))
    customer |= given


def find_method(turn: Turn, name: str, param: str = "payment_method", status: int = 400) -> Json:
    """The stored payment method; a test name makes a fresh one each time, as at Stripe."""
    if name not in TEST_CARDS:
        return turn.get("payment_method", name, param, status)
    method = shapes.payment_method(turn, name, TEST_CARDS[name])
    turn.store.save(method)
    return method


def method_for(turn: Turn, name: str, customer: str | None) -> Json:
    """A payment method that may be charged for this customer."""
    method = find_method(turn, name)
    if method["customer"] not in (None, customer):
        message = (
            "The payment method you provided is attached to a customer, so that customer must be"
            " given in the request."
        )
        raise invalid(message, "payment_method")
    if method["_spent"] and method["customer"] is None:
        message = (
            "The provided PaymentMethod was previously used with a PaymentIntent without Customer"
            " attachment. It may not be used again."
        )
        raise invalid(message, "payment_method", "payment_method_unexpected_state")
    return method


def require_saved(method: Json, customer: str | None) -> None:
    """Without its holder a customer's card can be charged only where it was saved for them."""
    if customer is not None and method["customer"] != customer:
        message = (
            "The PaymentMethod must be attached to the customer of the PaymentIntent before it can"
            " be used with `off_session=true`."
        )
        raise invalid(message, "payment_method", "payment_method_unexpected_state")


def retrieve_method(turn: Turn, name: str, _: Json) -> Json:
    return find_method(turn, name, "id", 404)


def attach(turn: Turn, name: str, given: Json) -> Json:
    """Save a card for its customer. A card that declines everything is refused right here."""
    parameters.required(given, "customer")
    method = find_method(turn, name, "id", 404)
    turn.get("customer", given["customer"], "customer")
    card = card_of(method)
    if card.behaviour == "decline" and not card.attachable:
        raise StripeError(
            decline_message(card.decline_code),
            status=402,
            kind="card_error",
            code=card.code,
            decline_code=card.decline_code,
            payment_method=public(method),
        )
    if method["customer"] not in (None, given["customer"]):
        message = "The payment method you provided has already been attached to a customer."
        raise invalid(message, "customer", "payment_method_unexpected_state")
    if method["customer"] is None:
        method["customer"] = given["customer"]
        turn.store.save(method)
        turn.emit("payment_method.attached", method)
    return method
