"""Compares JSON with the SDK's own classes: fields, types and the values of enumerations."""

import inspect
import sys
import types
from functools import cache
from typing import Any, ClassVar, Literal, Union, get_args, get_origin, get_type_hints

import stripe
from stripe._error_object import ErrorObject
from stripe._expandable_field import ExpandableField
from stripe._list_object import ListObject
from stripe._stripe_object import StripeObject, UntypedStripeObject

OBJECTS: dict[str, type] = {
    "balance_transaction": stripe.BalanceTransaction,
    "charge": stripe.Charge,
    "customer": stripe.Customer,
    "dispute": stripe.Dispute,
    "event": stripe.Event,
    "payment_intent": stripe.PaymentIntent,
    "payment_method": stripe.PaymentMethod,
    "refund": stripe.Refund,
    "setup_intent": stripe.SetupIntent,
}
# Properties that Stripe leaves out unless they are expanded, or shows for other payment methods.
_INCLUDED_ON_REQUEST = {
    "charge": {"refunds"},
    "customer": {"cash_balance", "deleted", "sources", "subscriptions", "tax", "tax_ids"},
}
# The SDK gives some classes another name where a property of the same name is in the way.
_ALIASES = {
    "ApplicationFeeRefund": "ApplicationFeeRefund",
    "CardResource": "Card",
    "DisputeResource": "Dispute",
    "IssuingDisputeResource": "Dispute",
}


def problems(thing: Any) -> list[str]:
    """Everything in which a decoded answer differs from what the SDK's classes promise."""
    if "error" in thing and "object" not in thing:
        return list(_object(thing["error"], ErrorObject, "error"))
    if thing.get("object") == "list":
        found = list(_list(thing, Any, "list"))
        for number, item in enumerate(thing["data"]):
            found += _named(item, f"list.data[{number}]")
        return found
    return _named(thing, str(thing.get("object")))


def _named(thing: dict[str, Any], path: str) -> list[str]:
    kind = thing.get("object", "?")
    if kind not in OBJECTS:
        return [f"{path}: unknown object {kind}"]
    found = list(_object(thing, OBJECTS[kind], path))
    if kind == "event":
        found += _named(thing["data"]["object"], f"{path}.data.object")
    return found + _absent(thing, kind, path)


def _absent(thing: dict[str, Any], kind: str, path: str) -> list[str]:
    """Nullable properties must be there, as null; only hashes of other methods may be missing."""
    optional = _INCLUDED_ON_REQUEST.get(kind, set())
    return [
        f"{path}.{name}: nullable, and left out"
        for name, hint in fields(OBJECTS[kind]).items()
        if name not in thing and name not in optional and not _for_other_methods(kind, name, hint)
    ]


def _for_other_methods(kind: str, name: str, hint: Any) -> bool:
    classes = [part for part in get_args(hint) if isinstance(part, type)]
    return kind == "payment_method" and any(
        issubclass(part, StripeObject) and part.__name__.lower() == name.replace("_", "")
        for part in classes
    )


@cache
def fields(cls: type) -> dict[str, Any]:
    """The annotated properties of one SDK class, resolved."""
    outer = {name: getattr(stripe, name) for name in dir(stripe) if name[0].isupper()}
    outer |= {alias: getattr(stripe, name) for alias, name in _ALIASES.items()}
    outer |= vars(sys.modules[cls.__module__])
    for missing in _forward_names(cls, outer):
        outer[missing] = type(missing, (StripeObject,), {})
    hints = get_type_hints(cls, outer, dict(vars(cls)))
    return {
        name: hint
        for name, hint in hints.items()
        if name in inspect.get_annotations(cls)
        and get_origin(hint) is not ClassVar
        and not name.startswith("_")
    }


def _forward_names(cls: type, known: dict[str, Any]) -> set[str]:
    """Names of resources that the SDK imports for type checkers only and does not export."""
    names = set()
    for hint in inspect.get_annotations(cls).values():
        names |= set(_texts(hint))
    return {name for name in names if name.isidentifier() and name not in known}


def _texts(hint: Any) -> list[str]:
    if isinstance(hint, str):
        return [hint]
    if hasattr(hint, "__forward_arg__"):
        return [hint.__forward_arg__]
    return [name for part in get_args(hint) for name in _texts(part)]


def _object(thing: Any, cls: type, path: str) -> list[str]:
    if not isinstance(thing, dict):
        return [f"{path}: {thing!r} is no {cls.__name__}"]
    known = fields(cls)
    found = [f"{path}.{name}: unknown field" for name in thing if name not in _allowed(cls, known)]
    for name, hint in known.items():
        if name in thing:
            found += _value(thing[name], hint, f"{path}.{name}")
        elif type(None) not in get_args(hint):
            found.append(f"{path}.{name}: required, and left out")
    return found


def _allowed(cls: type, known: dict[str, Any]) -> set[str]:
    # ErrorObject leaves its type to the exception classes.
    return set(known) | ({"type"} if cls is ErrorObject else set())


def _value(value: Any, hint: Any, path: str) -> list[str]:
    origin, parts = get_origin(hint), get_args(hint)
    if hint is Any:
        return []
    if origin in (Union, types.UnionType, ExpandableField):
        return _one_of(value, parts, path)
    if origin is Literal:
        return [] if value in parts else [f"{path}: {value!r} is none of {parts[:8]}"]
    if origin is list:
        return _items(value, parts[0], path)
    if origin is ListObject:
        return _list(value, parts[0], path)
    if hint is UntypedStripeObject or origin is UntypedStripeObject:
        return [] if isinstance(value, dict) else [f"{path}: {value!r} is no hash"]
    if isinstance(hint, type) and issubclass(hint, StripeObject):
        return _resource(value, hint, path)
    right = type(value) is hint or (hint is float and type(value) is int)
    return [] if right else [f"{path}: {value!r} is no {hint.__name__}"]


def _resource(value: Any, cls: type, path: str) -> list[str]:
    kind = value.get("object") if isinstance(value, dict) else None
    if isinstance(kind, str) and kind in OBJECTS:
        return _named(value, path)
    return _object(value, cls, path)


def _one_of(value: Any, parts: tuple[Any, ...], path: str) -> list[str]:
    if value is None:
        return [] if type(None) in parts else [f"{path}: null, and must not be"]
    choices = [part for part in parts if part is not type(None)]
    if any(get_origin(part) is Literal for part in choices):
        # `Union[Literal[…], str]`: the SDK leaves room for the future, the sandbox takes none.
        choices = [part for part in choices if part is not str]
    if isinstance(value, dict):
        # An expanded object is judged as such, not as the id that could stand in its place.
        choices = [part for part in choices if part is not str] or choices
    attempts = [_value(value, part, path) for part in choices]
    return min(attempts, key=len) if attempts else []


def _items(value: Any, hint: Any, path: str) -> list[str]:
    if not isinstance(value, list):
        return [f"{path}: {value!r} is no list"]
    return [p for n, item in enumerate(value) for p in _value(item, hint, f"{path}[{n}]")]


def _list(value: Any, hint: Any, path: str) -> list[str]:
    if not isinstance(value, dict) or set(value) != {"object", "data", "has_more", "url"}:
        return [f"{path}: no list"]
    right = value["object"] == "list" and isinstance(value["has_more"], bool)
    found = [] if right and isinstance(value["url"], str) else [f"{path}: a list of wrong types"]
    return found + _items(value["data"], hint, f"{path}.data")
