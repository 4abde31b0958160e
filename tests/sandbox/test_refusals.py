"""What Stripe refuses, the sandbox refuses in the same words."""

from typing import Any

import pytest

from tests.sandbox.direct import NEVER_REDIRECTS, Direct
from tests.sandbox.server import API_KEY

Json = dict[str, Any]
CHARGE: Json = {"amount": 1000, "currency": "usd", "payment_method": "pm_card_visa"}


def test_payment_method_types_are_a_thing_of_the_past(core: Direct) -> None:
    error = core.refused("payment_intents", **CHARGE, payment_method_types=["card"])
    assert error["param"] == "payment_method_types"
    assert "allowed_payment_method_types" in error["message"]


@pytest.mark.parametrize(
    ("path", "params", "param"),
    [
        ("payment_intents", CHARGE | {"colour": "red"}, "colour"),
        (
            "payment_intents",
            CHARGE | {"automatic_payment_methods": {"enabled": True, "colour": "red"}},
            "automatic_payment_methods[colour]",
        ),
        ("customers", {"surname": "L"}, "surname"),
        ("refunds", {"payment_intent": "pi_1", "note": "x"}, "note"),
    ],
)
def test_unknown_parameters_are_refused(core: Direct, path: str, params: Json, param: str) -> None:
    error = core.refused(path, **params)
    assert (error["code"], error["param"]) == ("parameter_unknown", param)


def test_a_filter_that_a_list_does_not_know_is_refused(core: Direct) -> None:
    answer = core.ask("GET", "payment_intents", {"status": "succeeded"})
    assert answer.json()["error"]["code"] == "parameter_unknown"


def test_a_confirmation_that_may_redirect_needs_a_return_url(core: Direct) -> None:
    assert core.refused("payment_intents", **CHARGE, confirm=True)["param"] == "return_url"
    bare = core.post("payment_intents", **CHARGE)
    assert core.refused(f"payment_intents/{bare['id']}/confirm")["param"] == "return_url"


@pytest.mark.parametrize(
    "params",
    [
        {"return_url": "https://example.org/back"},
        NEVER_REDIRECTS,
        {"allowed_payment_method_types": ["card"]},
    ],
)
def test_a_confirmation_that_cannot_redirect_needs_no_return_url(
    core: Direct, params: Json
) -> None:
    assert core.post("payment_intents", **CHARGE, confirm=True, **params)["status"] == "succeeded"


def test_the_two_ways_to_choose_payment_methods_exclude_each_other(core: Direct) -> None:
    core.refused(
        "payment_intents", **CHARGE, **NEVER_REDIRECTS, allowed_payment_method_types=["card"]
    )


@pytest.mark.parametrize(
    "params", [{"off_session": True}, {"return_url": "https://e.org"}, {"confirm": "yes"}]
)
def test_parameters_of_a_confirmation_need_one(core: Direct, params: Json) -> None:
    core.refused("payment_intents", **CHARGE, **params)


@pytest.mark.parametrize(
    ("amount", "currency", "code"),
    [
        (49, "usd", "amount_too_small"),
        (29, "gbp", "amount_too_small"),
        (49, "jpy", "amount_too_small"),
        (140, "kwd", "amount_too_small"),
        (100_000_000, "usd", "amount_too_large"),
        (1001, "kwd", "parameter_invalid_integer"),
        (0, "usd", "parameter_invalid_integer"),
        (-100, "usd", "parameter_invalid_integer"),
        ("1_000", "usd", "parameter_invalid_integer"),
        ("9" * 400, "usd", "parameter_invalid_integer"),
        ("10.5", "usd", "parameter_invalid_integer"),
        ("", "usd", "parameter_invalid_integer"),
    ],
)
def test_amounts_that_cannot_be_charged_are_refused(
    core: Direct, amount: int | str, currency: str, code: str
) -> None:
    error = core.refused("payment_intents", amount=amount, currency=currency)
    assert (error["code"], error["param"]) == (code, "amount")


@pytest.mark.parametrize(
    ("amount", "currency"),
    [(50, "usd"), (30, "gbp"), (50, "jpy"), (1010, "kwd"), (99_999_999, "eur")],
)
def test_the_smallest_and_the_largest_amounts_are_taken(
    core: Direct, amount: int, currency: str
) -> None:
    assert core.post("payment_intents", amount=amount, currency=currency)["amount"] == amount


def test_parts_of_a_three_decimal_amount_end_in_zero_as_well(core: Direct) -> None:
    hold = core.intent(amount=5000, currency="kwd")
    path = f"payment_intents/{hold['id']}/capture"
    assert core.refused(path, amount_to_capture=1001)["param"] == "amount_to_capture"
    core.post(path, amount_to_capture=1010)
    assert core.refused("refunds", payment_intent=hold["id"], amount=11)["param"] == "amount"


@pytest.mark.parametrize("missing", ["amount", "currency"])
def test_a_missing_parameter_is_named(core: Direct, missing: str) -> None:
    params = {name: value for name, value in CHARGE.items() if name != missing}
    error = core.refused("payment_intents", **params)
    assert (error["code"], error["param"]) == ("parameter_missing", missing)


@pytest.mark.parametrize(
    "metadata",
    [
        {f"key{n}": "v" for n in range(51)},
        {"k" * 41: "v"},
        {"k": "v" * 501},
        "text",
    ],
)
def test_metadata_has_stripes_limits(core: Direct, metadata: Any) -> None:
    core.refused("customers", metadata=metadata)


def test_metadata_up_to_the_limits_is_taken(core: Direct) -> None:
    full = {f"{n:040d}": "v" * 500 for n in range(50)}
    assert core.post("customers", metadata=full)["metadata"] == full


@pytest.mark.parametrize(
    "kind",
    [
        "customers",
        "payment_intents",
        "charges",
        "refunds",
        "events",
        "payment_methods",
        "balance_transactions",
        "disputes",
    ],
)
def test_what_does_not_exist_is_a_404(core: Direct, kind: str) -> None:
    answer = core.ask("GET", f"{kind}/xx_nothing")
    assert answer.status == 404
    assert answer.json()["error"]["code"] == "resource_missing"


def test_a_customer_that_does_not_exist_is_a_400(core: Direct) -> None:
    error = core.refused("payment_intents", **CHARGE, customer="cus_nothing")
    assert (error["code"], error["param"]) == ("resource_missing", "customer")


@pytest.mark.parametrize(("method", "path"), [("GET", "horses"), ("DELETE", "refunds/re_1")])
def test_an_unknown_address_is_a_404(core: Direct, method: str, path: str) -> None:
    answer = core.ask(method, path)
    assert answer.status == 404
    assert "Unrecognized request URL" in answer.json()["error"]["message"]


@pytest.mark.parametrize(
    "headers", [{}, {"Authorization": "Bearer sk_test_other"}, {"Authorization": "Basic !"}]
)
def test_without_the_key_of_the_account_nothing_is_told(
    core: Direct, headers: dict[str, str]
) -> None:
    answer = core.core.handle("GET", "/v1/customers", headers, b"")
    assert answer.status == 401
    assert answer.headers["Request-Id"].startswith("req_")


def test_another_version_of_the_api_is_not_spoken(core: Direct) -> None:
    headers = {"Authorization": f"Bearer {API_KEY}", "Stripe-Version": "2024-06-20"}
    assert core.core.handle("GET", "/v1/customers", headers, b"").status == 400


@pytest.mark.parametrize("body", [b"\xff=\xfe", b"a[b=1", b"amount=1&amount[x]=2", b"[a]=1"])
def test_a_body_that_is_no_form_is_refused(core: Direct, body: bytes) -> None:
    headers = {"Authorization": f"Bearer {API_KEY}"}
    assert core.core.handle("POST", "/v1/customers", headers, body).status == 400
