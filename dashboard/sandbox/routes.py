"""Every address of the API: which parameters it takes and what answers it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

from dashboard.sandbox import intents, listing, parameters, people, refunds, setups
from dashboard.sandbox.answers import Json, StripeError
from dashboard.sandbox.parameters import Reader
from dashboard.sandbox.turn import Turn

Action = Callable[[Turn, str, Json], Json]


@dataclass(frozen=True, slots=True)
class Route:
    """One operation: `kind` is what it answers with, `list:` before it for a collection."""

    kind: str
    fields: Mapping[str, Reader]
    act: Action


_COLLECTIONS = {
    "customers": "customer",
    "payment_methods": "payment_method",
    "payment_intents": "payment_intent",
    "setup_intents": "setup_intent",
    "charges": "charge",
    "refunds": "refund",
    "balance_transactions": "balance_transaction",
    "events": "event",
    "disputes": "dispute",
}


def _retrieve(turn: Turn, name: str, _: Json, kind: str) -> Json:
    # Stripe calls the path's parameter `intent` in the errors of PaymentIntents.
    return turn.get(kind, name, "intent" if kind.endswith("_intent") else "id", 404)


def _page(turn: Turn, _: str, given: Json, kind: str, url: str) -> Json:
    return listing.page(turn, kind, url, given)


_ROUTES: dict[tuple[str, str], Route] = {
    ("POST", "customers"): Route("customer", parameters.CUSTOMER, people.create_customer),
    ("POST", "customers/*"): Route("customer", parameters.CUSTOMER, people.update_customer),
    ("POST", "payment_methods/*/attach"): Route("payment_method", parameters.ATTACH, people.attach),
    ("POST", "payment_intents"): Route("payment_intent", parameters.INTENT_CREATE, intents.create),
    ("POST", "payment_intents/*"): Route(
        "payment_intent", parameters.INTENT_UPDATE, intents.update
    ),
    ("POST", "payment_intents/*/confirm"): Route(
        "payment_intent", parameters.CONFIRM, intents.confirm
    ),
    ("POST", "payment_intents/*/capture"): Route(
        "payment_intent", parameters.CAPTURE, intents.capture
    ),
    ("POST", "payment_intents/*/cancel"): Route(
        "payment_intent", parameters.CANCEL, intents.cancel
    ),
    ("POST", "setup_intents"): Route("setup_intent", parameters.SETUP_CREATE, setups.create),
    ("POST", "setup_intents/*"): Route("setup_intent", parameters.SETUP_UPDATE, setups.update),
    ("POST", "setup_intents/*/confirm"): Route(
        "setup_intent", parameters.SETUP_CONFIRM, setups.confirm
    ),
    ("POST", "setup_intents/*/cancel"): Route(
        "setup_intent", parameters.SETUP_CANCEL, setups.cancel
    ),
    ("POST", "refunds"): Route("refund", parameters.REFUND, refunds.create),
    ("POST", "refunds/*"): Route("refund", parameters.METADATA, refunds.update),
}
for _name, _kind in _COLLECTIONS.items():
    _ROUTES["GET", f"{_name}/*"] = Route(_kind, parameters.RETRIEVE, partial(_retrieve, kind=_kind))
    if _kind in parameters.LISTS:
        _ROUTES["GET", _name] = Route(
            f"list:{_kind}",
            parameters.LISTS[_kind],
            partial(_page, kind=_kind, url=f"/v1/{_name}"),
        )
_ROUTES["GET", "events/*"] = Route("event", parameters.RETRIEVE, listing.retrieve_event)
_ROUTES["GET", "payment_methods/*"] = Route(
    "payment_method", parameters.RETRIEVE, people.retrieve_method
)


def find(method: str, path: str) -> tuple[Route, str]:
    """The operation at an address and the id in it; raises Stripe's 404."""
    parts = path.removeprefix("/v1/").rstrip("/").split("/")
    name = parts[1] if len(parts) > 1 else ""
    pattern = "/".join([parts[0], "*", *parts[2:]]) if len(parts) > 1 else parts[0]
    route = _ROUTES.get((method, pattern)) if path.startswith("/v1/") else None
    if route is None:
        message = f"Unrecognized request URL ({method}: {path})."
        raise StripeError(message, status=404, executed=False)
    return route, name
