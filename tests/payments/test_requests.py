"""Every request that the product sends fits the SDK's own parameter types, to the last key."""

import importlib
import json
import types
import typing
from datetime import UTC, datetime
from typing import Any, get_args, get_origin

import pytest
import typing_extensions
from typing_extensions import get_type_hints, is_typeddict

from dashboard.payments.facts import Verb
from dashboard.payments.sending import STRIPE_REASONS, body_of
from dashboard.payments.tables import Payment, Purchase

WRAPPERS = (typing_extensions.NotRequired, typing_extensions.Required)
LITERALS = (typing.Literal, typing_extensions.Literal)
PARAMS = {
    "create": "PaymentIntentCreateParams",
    "capture": "PaymentIntentCaptureParams",
    "cancel": "PaymentIntentCancelParams",
    "refund": "RefundCreateParams",
}


def module_of(name: str) -> types.ModuleType:
    for kind in ("payment_intent_create", "payment_intent_capture", "payment_intent_cancel"):
        if name.lower().startswith(kind.replace("_", "")):
            return importlib.import_module(f"stripe.params._{kind}_params")
    return importlib.import_module("stripe.params._refund_create_params")


def misfits(value: Any, hint: Any, where: str) -> list[str]:
    """What of `value` the type does not allow; an empty list when all of it fits."""
    origin = get_origin(hint)
    if origin in WRAPPERS:
        return misfits(value, get_args(hint)[0], where)
    if origin in (typing.Union, types.UnionType):
        tried = [misfits(value, option, where) for option in get_args(hint)]
        return min(tried, key=len)
    if origin in LITERALS:
        return [] if value in get_args(hint) else [f"{where}: {value!r} is not {hint}"]
    if is_typeddict(hint):
        return _misfits_of_mapping(value, hint, where)
    if origin is dict and isinstance(value, dict):
        text = get_args(hint)[1]
        return [row for key, item in value.items() for row in misfits(item, text, f"{where}.{key}")]
    return [] if type(value) is (origin or hint) else [f"{where}: {value!r} is no {hint}"]


def _misfits_of_mapping(value: Any, hint: Any, where: str) -> list[str]:
    if not isinstance(value, dict):
        return [f"{where}: not a mapping"]
    # The options inherit names from another module, one of them for type checkers alone.
    known = get_type_hints(
        hint, localns=vars(typing) | {"StripeContext": object}, include_extras=True
    )
    found = [f"{where}.{key}: unknown" for key in value if key not in known]
    for key in value.keys() & known.keys():
        found += misfits(value[key], known[key], f"{where}.{key}")
    return found


PURCHASE = Purchase(
    id=1,
    currency="usd",
    price=9600,
    customer="cus_1",
    payment_method="pm_card_visa",
    description="Piano lesson",
    created_at=datetime(2026, 11, 23, tzinfo=UTC),
    metadata=json.dumps({"booking_id": "1042", "package_id": "3", "lessons_count": "5"}),
)
PAYMENT = Payment(
    id=1, purchase=1, currency="usd", stripe_intent_id="pi_1", created_at=PURCHASE.created_at
)


@pytest.mark.parametrize("verb", list(Verb))
@pytest.mark.parametrize("reason", ["", "other", *STRIPE_REASONS])
def test_a_request_of_ours_fits_the_sdks_types(verb: Verb, reason: str):
    body = body_of(verb, "op-1", PURCHASE, PAYMENT, 6000, reason)
    name = PARAMS[body["kind"]]
    module = module_of(name)
    assert misfits(body["params"], getattr(module, name), name) == []


def test_the_check_sees_an_unknown_key_and_a_wrong_type():
    name = PARAMS["create"]
    module = module_of(name)
    wrong = {"amount": "9600", "payment_method_types": ["card"], "colour": "red"}
    found = misfits(wrong, getattr(module, name), name)
    assert any("colour: unknown" in row for row in found)
    assert any("amount" in row for row in found)
