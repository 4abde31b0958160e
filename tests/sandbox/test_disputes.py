"""Disputes: opened and decided by a control, told as Stripe tells them."""

from typing import Any

import pytest

from tests.sandbox.direct import Direct

Json = dict[str, Any]


def disputed(core: Direct, **more: Any) -> tuple[Json, Json]:
    paid = core.paid()
    dispute = core.control("POST", f"charges/{paid['latest_charge']}/dispute", more)
    return paid, dispute


def test_nothing_is_disputed_by_itself(core: Direct) -> None:
    core.paid("pm_card_createDispute")
    core.advance(86_400)
    assert core.get("disputes")["data"] == []


def test_a_dispute_takes_the_money_and_a_fee(core: Direct) -> None:
    paid, dispute = disputed(core)
    assert (dispute["status"], dispute["amount"]) == ("needs_response", 1000)
    assert [entry["net"] for entry in dispute["balance_transactions"]] == [-2500]
    assert core.get(f"charges/{paid['latest_charge']}")["disputed"] is True
    assert core.event_types()[-2:] == ["charge.dispute.created", "charge.dispute.funds_withdrawn"]
    for filters in ({"payment_intent": paid["id"]}, {"charge": paid["latest_charge"]}):
        assert core.get("disputes", **filters, expand=["data.charge"])["data"][0]["charge"]
    entry = dispute["balance_transactions"][0]["id"]
    shown = core.get(f"balance_transactions/{entry}", expand=["source"])
    assert shown["source"] == core.get(f"disputes/{dispute['id']}")


@pytest.mark.parametrize("status", [None, "under_review", "lost"])
def test_disputed_money_cannot_be_refunded(core: Direct, status: str | None) -> None:
    paid, dispute = disputed(core)
    if status is not None:
        core.control("POST", f"disputes/{dispute['id']}", {"status": status})
    assert core.refused("refunds", payment_intent=paid["id"])["code"] == "charge_disputed"


def test_a_dispute_that_was_won_brings_the_money_back(core: Direct) -> None:
    paid, dispute = disputed(core, amount=600, reason="product_not_received")
    core.control("POST", f"disputes/{dispute['id']}", {"status": "under_review"})
    won = core.control("POST", f"disputes/{dispute['id']}", {"status": "won"})
    assert [entry["amount"] for entry in won["balance_transactions"]] == [-600, 600]
    assert core.event_types()[-3:] == [
        "charge.dispute.updated",
        "charge.dispute.closed",
        "charge.dispute.funds_reinstated",
    ]
    assert core.post("refunds", payment_intent=paid["id"])["status"] == "succeeded"


def test_only_captured_money_is_disputed_and_only_once(core: Direct) -> None:
    held = core.intent()
    path = "/_sandbox/charges/{}/dispute"
    answer = core.core.handle("POST", path.format(held["latest_charge"]), {}, b"{}")
    assert answer.status == 400
    paid, _ = disputed(core)
    answer = core.core.handle("POST", path.format(paid["latest_charge"]), {}, b"{}")
    assert answer.status == 400
