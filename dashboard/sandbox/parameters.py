"""Which parameters each endpoint takes, and how their text becomes values.

Stripe refuses what it does not know, and so does this. The tables are the whole list: a parameter
that Stripe knows and the sandbox does not act on is refused too, rather than silently ignored.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any

from dashboard.sandbox.answers import Json, invalid

_INTEGER = re.compile(r"-?[0-9]{1,15}")
Reader = Callable[[str, Any], Any]


def text(name: str, value: Any) -> Any:
    """Any text; Stripe takes an empty one as "unset this"."""
    if not isinstance(value, str):
        raise invalid(f"Invalid string: {name}", name)
    return value or None


def integer(name: str, value: Any) -> int:
    """A whole number in plain digits, short enough for every place where one is kept."""
    if not isinstance(value, str) or not _INTEGER.fullmatch(value):
        raise invalid(f"Invalid integer: {value}", name, "parameter_invalid_integer")
    return int(value)


def positive(name: str, value: Any) -> int:
    number = integer(name, value)
    if number < 1:
        message = "This value must be greater than or equal to 1."
        raise invalid(message, name, "parameter_invalid_integer")
    return number


def boolean(name: str, value: Any) -> bool:
    if value not in ("true", "false"):
        raise invalid(f"Invalid boolean: {value}", name)
    return bool(value == "true")


def one_of(*allowed: str) -> Reader:
    def read(name: str, value: Any) -> str:
        if value not in allowed:
            raise invalid(f"Invalid {name}: must be one of {', '.join(allowed)}", name)
        return str(value)

    return read


def texts(name: str, value: Any) -> list[str]:
    """An array of texts, which arrives as a hash of its numbers."""
    if not isinstance(value, dict) or not all(
        number.isdecimal() and isinstance(item, str) for number, item in value.items()
    ):
        raise invalid(f"Invalid array: {name}", name)
    return [value[number] for number in sorted(value, key=int)]


def off_session(name: str, value: Any) -> bool:
    """`true`, or Stripe's older words `one_off` and `recurring`, which mean the same."""
    return True if value in ("one_off", "recurring") else boolean(name, value)


def metadata(name: str, value: Any) -> Json:
    """Stripe's limits: 50 keys, names up to 40 characters, values up to 500."""
    if value == "":
        return {"": ""}
    if not isinstance(value, dict) or not all(isinstance(v, str) for v in value.values()):
        raise invalid("Invalid hash: metadata must be a set of key-value pairs", name)
    if len(value) > 50:
        raise invalid("You can only specify up to 50 metadata keys.", name)
    for key, item in value.items():
        if len(key) > 40:
            raise invalid(f"Metadata keys can be at most 40 characters: {key}", name)
        if len(item) > 500:
            raise invalid("Metadata values can be at most 500 characters.", f"{name}[{key}]")
    return value


def merged(before: Mapping[str, str], changes: Mapping[str, str]) -> dict[str, str]:
    """Metadata after an update: an empty value removes its key, an empty hash removes all."""
    if "" in changes:
        return {}
    after = {**before, **changes}
    return {key: value for key, value in after.items() if value != ""}


def nested(fields: Mapping[str, Reader]) -> Reader:
    def read(name: str, value: Any) -> Json:
        if not isinstance(value, dict):
            raise invalid(f"Invalid object: {name}", name)
        return {key: _read(fields, key, value[key], f"{name}[{key}]") for key in value}

    return read


def created(name: str, value: Any) -> Json:
    """An instant, or bounds `gt`, `gte`, `lt`, `lte`."""
    if isinstance(value, str):
        return {"eq": integer(name, value)}
    bounds: Json = nested(dict.fromkeys(("gt", "gte", "lt", "lte"), integer))(name, value)
    return bounds


def limit(name: str, value: Any) -> int:
    number = integer(name, value)
    if not 1 <= number <= 100:
        message = "This value must be between 1 and 100 (inclusive)."
        raise invalid(message, name, "parameter_invalid_integer")
    return number


def read(fields: Mapping[str, Reader], given: Json) -> Json:
    """Validated values; raises parameter_unknown and its like. Nothing has run before this."""
    return {name: _read(fields, name, value, name) for name, value in given.items()}


def _read(fields: Mapping[str, Reader], key: str, value: Any, name: str) -> Any:
    if key not in fields:
        raise invalid(_unknown(key, name), name, "parameter_unknown")
    return fields[key](name, value)


def _unknown(key: str, name: str) -> str:
    if key == "payment_method_types":
        return (
            "The parameter `payment_method_types` is not supported in this API version. Use"
            " `allowed_payment_method_types` or `automatic_payment_methods` instead."
        )
    return f"Received unknown parameter: {name}"


def required(values: Json, *names: str) -> None:
    """Raises parameter_missing for the first one that is not there."""
    for name in names:
        if values.get(name) is None:
            raise invalid(f"Missing required param: {name}.", name, "parameter_missing")


_LIST: dict[str, Reader] = {
    "created": created,
    "ending_before": text,
    "expand": texts,
    "limit": limit,
    "starting_after": text,
}
RETRIEVE: dict[str, Reader] = {"expand": texts}
LISTS: dict[str, dict[str, Reader]] = {
    "customer": _LIST | {"email": text},
    "payment_intent": _LIST | {"customer": text},
    "setup_intent": _LIST | {"customer": text, "payment_method": text},
    "charge": _LIST | {"customer": text, "payment_intent": text},
    "refund": _LIST | {"charge": text, "payment_intent": text},
    "dispute": _LIST | {"charge": text, "payment_intent": text},
    "event": _LIST | {"type": text, "types": texts},
}
_PERSON: dict[str, Reader] = dict.fromkeys(("description", "email", "name", "phone"), text)
CUSTOMER: dict[str, Reader] = _PERSON | {"expand": texts, "metadata": metadata}
ATTACH: dict[str, Reader] = {"customer": text, "expand": texts}

_HOW: dict[str, Reader] = {
    "capture_method": one_of("automatic", "automatic_async", "manual"),
    "error_on_requires_action": boolean,
    "expand": texts,
    "off_session": off_session,
    "payment_method": text,
    "receipt_email": text,
    "return_url": text,
    "setup_future_usage": one_of("off_session", "on_session"),
    "use_stripe_sdk": boolean,
}
CONFIRM: dict[str, Reader] = _HOW | {"allowed_payment_method_types": texts}
_ABOUT: dict[str, Reader] = {
    "allowed_payment_method_types": texts,
    "amount": integer,
    "currency": text,
    "customer": text,
    "description": text,
    "metadata": metadata,
    "statement_descriptor": text,
    "statement_descriptor_suffix": text,
    "transfer_group": text,
}
INTENT_CREATE: dict[str, Reader] = (
    _HOW
    | _ABOUT
    | {
        "automatic_payment_methods": nested(
            {"enabled": boolean, "allow_redirects": one_of("always", "never")}
        ),
        "confirm": boolean,
        "confirmation_method": one_of("automatic", "manual"),
    }
)
_SETUP: dict[str, Reader] = {
    "customer": text,
    "description": text,
    "expand": texts,
    "metadata": metadata,
    "payment_method": text,
}
SETUP_CREATE: dict[str, Reader] = _SETUP | {
    "allowed_payment_method_types": texts,
    "automatic_payment_methods": INTENT_CREATE["automatic_payment_methods"],
    "confirm": boolean,
    "return_url": text,
    "usage": one_of("off_session", "on_session"),
    "use_stripe_sdk": boolean,
}
SETUP_UPDATE = _SETUP
SETUP_CONFIRM: dict[str, Reader] = {
    name: SETUP_CREATE[name] for name in ("expand", "payment_method", "return_url")
}
SETUP_CANCEL: dict[str, Reader] = {
    "cancellation_reason": one_of("abandoned", "duplicate", "requested_by_customer"),
    "expand": texts,
}
_UPDATED = ("capture_method", "expand", "payment_method", "receipt_email", "setup_future_usage")
INTENT_UPDATE: dict[str, Reader] = _ABOUT | {name: _HOW[name] for name in _UPDATED}
CAPTURE: dict[str, Reader] = {
    "amount_to_capture": positive,
    "expand": texts,
    "final_capture": boolean,
    "metadata": metadata,
    "statement_descriptor": text,
    "statement_descriptor_suffix": text,
}
CANCEL: dict[str, Reader] = {
    "cancellation_reason": one_of("duplicate", "fraudulent", "requested_by_customer", "abandoned"),
    "expand": texts,
}
REFUND: dict[str, Reader] = {
    "amount": positive,
    "charge": text,
    "expand": texts,
    "metadata": metadata,
    "payment_intent": text,
    "reason": one_of("duplicate", "fraudulent", "requested_by_customer"),
}
METADATA: dict[str, Reader] = {"expand": texts, "metadata": metadata}
