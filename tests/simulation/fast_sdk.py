"""Stripe's SDK with less work for what it does to every single value of an answer."""

from typing import Any

import stripe
from stripe import _api_requestor, _http_client

_plain_object = stripe._util._convert_to_stripe_object
_plain_refresh = stripe.StripeObject._refresh_from
VALUES = frozenset((str, int, bool, float, type(None)))


def _object(*, resp: Any, **more: Any) -> Any:
    return resp if type(resp) in VALUES else _plain_object(resp=resp, **more)


class _Unread:
    """In the place of a type that is built for every value and read by nobody."""

    def __getitem__(self, _of: Any) -> None:
        return None


def _refresh(
    self: Any,
    *,
    values: Any,
    partial: bool | None = False,
    last_response: Any = None,
    requestor: Any = None,
    api_mode: Any,
) -> None:
    """What a new object is filled with, where all its values mean what they say."""
    if partial or self._field_encodings or self._transient_values or not isinstance(values, dict):
        more = {"partial": partial, "last_response": last_response, "requestor": requestor}
        _plain_refresh(self, values=values, api_mode=api_mode, **more)
        return
    own, data = self.__dict__, self._data
    own["_requestor"] = requestor = requestor or self._requestor
    own["_last_response"], own["_previous"] = last_response, values
    own["_transient_values"] = data.keys() - values.keys()
    own["_unsaved_values"] = set()
    data.clear()
    for name, value in values.items():
        if type(value) in VALUES:
            data[name] = value
        elif self._get_inner_class_is_beneath_dict(name):
            _plain_refresh(self, values=values, requestor=requestor, api_mode=api_mode)
            return
        else:
            kind = self._get_union_variant_class(name, value) or self._get_inner_class_type(name)
            data[name] = _plain_object(
                resp=value, params=None, klass_=kind, requestor=requestor, api_mode=api_mode
            )


def _unheard(_message: str, **_params: Any) -> None:
    """In the place of a line of the log that nobody reads, and that is written out all the same."""


def hurry() -> None:
    """Use the quick forms in this process, which is to live for simulated schedules alone."""
    stripe._util._convert_to_stripe_object = _object
    for name in ("Union", "List"):
        setattr(stripe._stripe_object, name, _Unread())
    stripe.StripeObject._refresh_from = _refresh  # type: ignore[method-assign]
    for module in (_api_requestor, _http_client):
        for name in ("log_info", "log_debug"):
            setattr(module, name, _unheard)
