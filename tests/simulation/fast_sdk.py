"""Stripe's SDK with less work for what it does to every single value of an answer."""

from typing import Any

import stripe

_plain_object = stripe._util._convert_to_stripe_object
VALUES = frozenset((str, int, bool, float, type(None)))


def _object(*, resp: Any, **more: Any) -> Any:
    return resp if type(resp) in VALUES else _plain_object(resp=resp, **more)


class _Unread:
    """In the place of a type that is built for every value and read by nobody."""

    def __getitem__(self, _of: Any) -> None:
        return None


def hurry() -> None:
    """Use the quick forms in this process, which is to live for simulated schedules alone."""
    stripe._util._convert_to_stripe_object = _object
    for name in ("Union", "List"):
        setattr(stripe._stripe_object, name, _Unread())
