"""Holds, captures and cancellations: the states of a PaymentIntent."""

from typing import Any

import pytest

from dashboard.sandbox import amounts
from tests.sandbox.direct import NEVER_REDIRECTS, Direct

Json = dict[str, Any]


def charge_of(core: Direct, intent: Json) -> Json:
    return core.get(f"charges/{intent['latest_charge']}")


def test_a_hold_is_authorized_and_not_captured(core: Direct) -> None:
    hold = core.intent(expand=["latest_charge"])
    assert hold["status"] == "requires_capture"
    assert (hold["amount_capturable"], hold["amount_received"]) == (1000, 0)
    charge = hold["latest_charge"]
    assert (charge["captured"], charge["amount_captured"], charge["paid"]) == (False, 0, True)
    assert charge["balance_transaction"] is None


def test_without_a_card_an_intent_waits_for_one(core: Direct) -> None:
    bare = core.post("payment_intents", amount=1000, currency="USD")
    assert (bare["status"], bare["currency"]) == ("requires_payment_method", "usd")
    chosen = core.post(f"payment_intents/{bare['id']}", payment_method="pm_card_visa")
    assert chosen["status"] == "requires_confirmation"
    assert chosen["payment_method"].startswith("pm_")
    done = core.post(f"payment_intents/{bare['id']}/confirm", return_url="https://example.org/back")
    assert done["status"] == "succeeded"


def test_confirming_without_a_card_is_refused_with_the_intent(core: Direct) -> None:
    bare = core.post("payment_intents", amount=1000, currency="usd", **NEVER_REDIRECTS)
    error = core.refused(f"payment_intents/{bare['id']}/confirm")
    assert error["code"] == "payment_intent_unexpected_state"
    assert error["payment_intent"]["id"] == bare["id"]


def test_a_capture_takes_everything_by_default(core: Direct) -> None:
    hold = core.intent()
    done = core.post(f"payment_intents/{hold['id']}/capture", metadata={"operation_id": "op"})
    assert (done["status"], done["amount_received"]) == ("succeeded", 1000)
    assert done["amount_capturable"] == 0
    assert done["metadata"] == {"operation_id": "op"}


def test_a_partial_capture_gives_the_rest_back_without_a_refund(core: Direct) -> None:
    hold = core.intent()
    done = core.post(f"payment_intents/{hold['id']}/capture", amount_to_capture=400)
    charge = charge_of(core, done)
    assert (done["amount_received"], done["amount_capturable"]) == (400, 0)
    assert (charge["amount"], charge["amount_captured"], charge["amount_refunded"]) == (
        1000,
        400,
        0,
    )
    assert core.get("refunds")["data"] == []


def test_a_capture_is_booked_at_once_less_the_fee(core: Direct) -> None:
    hold = core.intent()
    done = core.post(
        f"payment_intents/{hold['id']}/capture", expand=["latest_charge.balance_transaction"]
    )
    entry = done["latest_charge"]["balance_transaction"]
    assert (entry["amount"], entry["fee"], entry["net"]) == (1000, 59, 941)
    assert entry["fee_details"][0]["amount"] == 59
    assert core.get(f"balance_transactions/{entry['id']}")["source"] == done["latest_charge"]["id"]


@pytest.mark.parametrize(
    ("amount", "fee"), [(50, 31), (60, 32), (500, 45), (99_999_999, 2_900_030)]
)
def test_the_fee_is_rounded_half_up(amount: int, fee: int) -> None:
    assert amounts.fee(amount) == fee


def test_an_automatic_capture_is_booked_shortly_after(core: Direct) -> None:
    paid = core.paid()
    assert (paid["status"], paid["amount_received"]) == ("succeeded", 1000)
    assert charge_of(core, paid)["balance_transaction"] is None
    core.advance(3)
    charge = charge_of(core, paid)
    assert charge["balance_transaction"].startswith("txn_")
    assert core.event_types()[-1] == "charge.updated"


@pytest.mark.parametrize("amount", [1001, 99_999_999])
def test_more_than_the_hold_cannot_be_captured(core: Direct, amount: int) -> None:
    hold = core.intent()
    error = core.refused(f"payment_intents/{hold['id']}/capture", amount_to_capture=amount)
    assert (error["code"], error["param"]) == ("amount_too_large", "amount_to_capture")
    assert core.get(f"payment_intents/{hold['id']}")["status"] == "requires_capture"


@pytest.mark.parametrize("first", ["capture", "cancel"])
@pytest.mark.parametrize("second", ["capture", "cancel", "confirm"])
def test_a_hold_ends_once(core: Direct, first: str, second: str) -> None:
    hold = core.intent()
    ended = core.post(f"payment_intents/{hold['id']}/{first}")
    error = core.refused(f"payment_intents/{hold['id']}/{second}")
    assert error["code"] == "payment_intent_unexpected_state"
    assert error["payment_intent"]["status"] == ended["status"]


def test_a_cancelled_hold_is_given_back_without_a_refund(core: Direct) -> None:
    hold = core.intent()
    path = f"payment_intents/{hold['id']}/cancel"
    done = core.post(path, cancellation_reason="requested_by_customer")
    assert (done["status"], done["cancellation_reason"]) == ("canceled", "requested_by_customer")
    assert done["canceled_at"] >= hold["created"]
    assert done["amount_capturable"] == 0
    charge = charge_of(core, hold)
    assert (charge["refunded"], charge["amount_refunded"], charge["captured"]) == (False, 0, False)
    assert core.get("refunds")["data"] == []


@pytest.mark.parametrize("params", [{}, {"payment_method": "pm_card_visa"}])
def test_an_unconfirmed_intent_can_be_cancelled(core: Direct, params: Json) -> None:
    intent = core.post("payment_intents", amount=1000, currency="usd", **params)
    done = core.post(f"payment_intents/{intent['id']}/cancel")
    assert (done["status"], done["cancellation_reason"]) == ("canceled", None)


def test_stripe_alone_cancels_because_of_expiry(core: Direct) -> None:
    hold = core.intent()
    error = core.refused(f"payment_intents/{hold['id']}/cancel", cancellation_reason="expired")
    assert error["param"] == "cancellation_reason"


def test_metadata_is_merged_and_emptied_key_by_key(core: Direct) -> None:
    hold = core.intent(metadata={"a": "1", "b": "2"})
    path = f"payment_intents/{hold['id']}"
    assert core.post(path, metadata={"b": "", "c": "3"})["metadata"] == {"a": "1", "c": "3"}
    assert core.post(path, metadata="")["metadata"] == {}
    assert core.post(path, description="Late")["description"] == "Late"


def test_an_amount_changes_before_confirmation_only(core: Direct) -> None:
    bare = core.post("payment_intents", amount=1000, currency="usd")
    assert core.post(f"payment_intents/{bare['id']}", amount=1200)["amount"] == 1200
    hold = core.intent()
    error = core.refused(f"payment_intents/{hold['id']}", amount=1200)
    assert error["code"] == "payment_intent_unexpected_state"


def test_a_card_used_once_without_a_customer_cannot_be_used_again(core: Direct) -> None:
    hold = core.intent()
    params = {"amount": 1000, "currency": "usd", "payment_method": hold["payment_method"]}
    error = core.refused("payment_intents", confirm=True, **params, **NEVER_REDIRECTS)
    assert error["code"] == "payment_method_unexpected_state"


def test_a_card_kept_for_later_can_be_charged_off_session(core: Direct) -> None:
    customer = core.post("customers")["id"]
    first = core.intent(customer=customer, setup_future_usage="off_session")
    assert core.get(f"payment_methods/{first['payment_method']}")["customer"] == customer
    again = core.intent(first["payment_method"], customer=customer, off_session=True)
    assert again["status"] == "requires_capture"
    other = core.post("customers")["id"]
    error = core.refused(
        "payment_intents",
        amount=1000,
        currency="usd",
        customer=other,
        payment_method=first["payment_method"],
    )
    assert error["param"] == "payment_method"
