"""`expand[]`: ids become the objects they name, along paths that Stripe allows."""

from collections.abc import Iterable
from typing import Any

from dashboard.sandbox.answers import Json, invalid, public
from dashboard.sandbox.store import Store

# What a property expands to; an empty text is a property that is always null in the sandbox.
_EXPANDABLE: dict[str, dict[str, str]] = {
    "payment_intent": {
        "application": "",
        "customer": "customer",
        "latest_charge": "charge",
        "on_behalf_of": "",
        "payment_method": "payment_method",
        "payment_record": "",
        "review": "",
        "source": "",
    },
    "setup_intent": {
        "application": "",
        "customer": "customer",
        "latest_attempt": "",
        "mandate": "",
        "on_behalf_of": "",
        "payment_method": "payment_method",
        "single_use_mandate": "",
    },
    "charge": {
        "application": "",
        "application_fee": "",
        "balance_transaction": "balance_transaction",
        "customer": "customer",
        "failure_balance_transaction": "balance_transaction",
        "on_behalf_of": "",
        "payment_intent": "payment_intent",
        "refunds": "list:refund",
        "review": "",
        "source_transfer": "",
        "transfer": "",
    },
    "refund": {
        "balance_transaction": "balance_transaction",
        "charge": "charge",
        "customer": "customer",
        "failure_balance_transaction": "balance_transaction",
        "payment_intent": "payment_intent",
        "payment_method": "payment_method",
        "source_transfer_reversal": "",
        "transfer_reversal": "",
    },
    "dispute": {"charge": "charge", "payment_intent": "payment_intent"},
    "payment_method": {"customer": "customer"},
    "customer": {"default_source": "", "test_clock": ""},
    "balance_transaction": {"source": "any"},
    "event": {},
}
_DEEPEST = 4
_SOURCES = {"ch": "charge", "du": "dispute", "re": "refund"}


def check(kind: str, paths: Iterable[str]) -> list[list[str]]:
    """The paths, split; raises Stripe's refusal for one that can't be expanded."""
    return [_checked(kind, path) for path in paths]


def _checked(kind: str, path: str) -> list[str]:
    steps = path.split(".")
    if len(steps) > _DEEPEST:
        message = f"You cannot expand more than {_DEEPEST} levels of a property ({path})."
        raise invalid(message, "expand")
    for step in steps:
        below = _below(kind, step)
        if below is None:
            raise invalid(f"This property cannot be expanded ({path}).", "expand")
        kind = below
    return steps


def _below(kind: str, step: str) -> str | None:
    if kind.startswith("list:"):
        return kind.removeprefix("list:") if step == "data" else None
    if kind == "any":
        return "any"
    return _EXPANDABLE.get(kind, {}).get(step)


def expand(store: Store, thing: Json, paths: Iterable[list[str]]) -> Json:
    """The object as Stripe shows it, with everything expanded that the paths name."""
    shown = public(thing)
    for path in paths:
        _open(store, shown, path)
    return shown


def _open(store: Store, shown: Any, steps: list[str]) -> None:
    if not steps or not isinstance(shown, dict):
        return
    if shown.get("object") == "list":
        for item in shown["data"]:
            _open(store, item, steps[1:])
        return
    head, rest = steps[0], steps[1:]
    if shown.get("object") == "charge" and head == "refunds":
        shown.setdefault("refunds", _refunds(store, shown["id"]))
    elif isinstance(shown.get(head), str):
        shown[head] = _named(store, shown["object"], head, shown[head])
    _open(store, shown.get(head), rest)


def _named(store: Store, kind: str, property_name: str, name: str) -> Any:
    target = _EXPANDABLE.get(kind, {}).get(property_name, "")
    if target == "any":
        target = _SOURCES.get(name.partition("_")[0], "")
    found = store.get(target, name) if target else None
    return name if found is None else public(found)


def _refunds(store: Store, charge: str) -> Json:
    found = store.find("refund", {"charge = ?": charge}, 11)
    return {
        "object": "list",
        "data": [public(refund) for refund in found[:10]],
        "has_more": len(found) > 10,
        "url": f"/v1/charges/{charge}/refunds",
    }
