"""Money that goes back: partial, repeated, too much, late and failed."""

import pytest

from tests.sandbox.direct import Direct


def test_several_partial_refunds_add_up(core: Direct) -> None:
    paid = core.paid()
    first = core.post("refunds", payment_intent=paid["id"], amount=300, metadata={"a": "b"})
    assert (first["status"], first["amount"], first["metadata"]) == ("succeeded", 300, {"a": "b"})
    charge = core.get(f"charges/{paid['latest_charge']}")
    assert (charge["amount_refunded"], charge["refunded"]) == (300, False)
    rest = core.post("refunds", charge=paid["latest_charge"], reason="requested_by_customer")
    assert rest["amount"] == 700
    charge = core.get(f"charges/{paid['latest_charge']}", expand=["refunds"])
    assert (charge["amount_refunded"], charge["refunded"]) == (1000, True)
    assert [refund["id"] for refund in charge["refunds"]["data"]] == [rest["id"], first["id"]]


def test_a_refund_is_booked_without_a_fee(core: Direct) -> None:
    paid = core.paid()
    refund = core.post("refunds", payment_intent=paid["id"], expand=["balance_transaction"])
    entry = refund["balance_transaction"]
    assert (entry["amount"], entry["fee"], entry["net"]) == (-1000, 0, -1000)


def test_more_than_what_is_left_is_refused_without_a_code(core: Direct) -> None:
    paid = core.paid()
    core.post("refunds", payment_intent=paid["id"], amount=900)
    error = core.refused("refunds", payment_intent=paid["id"], amount=101)
    assert error["param"] == "amount"
    assert "code" not in error


def test_of_a_partial_capture_only_the_captured_part_is_refunded(core: Direct) -> None:
    hold = core.intent()
    core.post(f"payment_intents/{hold['id']}/capture", amount_to_capture=400)
    assert core.refused("refunds", payment_intent=hold["id"], amount=401)["param"] == "amount"
    assert core.post("refunds", payment_intent=hold["id"])["amount"] == 400


def test_a_full_refund_cannot_be_repeated(core: Direct) -> None:
    paid = core.paid()
    core.post("refunds", payment_intent=paid["id"])
    assert core.refused("refunds", payment_intent=paid["id"])["code"] == "charge_already_refunded"


@pytest.mark.parametrize("cancelled", [False, True])
def test_what_was_never_captured_cannot_be_refunded(core: Direct, cancelled: bool) -> None:
    hold = core.intent()
    if cancelled:
        core.post(f"payment_intents/{hold['id']}/cancel")
    error = core.refused("refunds", payment_intent=hold["id"])
    assert "does not have a successful charge to refund" in error["message"]


@pytest.mark.parametrize("reason", ["expired_uncaptured_charge", "because"])
def test_only_stripes_three_reasons_may_be_given(core: Direct, reason: str) -> None:
    paid = core.paid()
    assert core.refused("refunds", payment_intent=paid["id"], reason=reason)["param"] == "reason"


def test_a_refund_needs_to_know_what_to_refund(core: Direct) -> None:
    assert core.refused("refunds", amount=100)["code"] == "parameter_missing"
    assert core.refused("refunds", 404, payment_intent="pi_no")["code"] == "resource_missing"


def test_a_refund_that_succeeded_can_fail_later(core: Direct) -> None:
    paid = core.paid("pm_card_refundFail")
    refund = core.post("refunds", payment_intent=paid["id"])
    assert refund["status"] == "succeeded"
    core.advance(61)
    failed = core.get(f"refunds/{refund['id']}", expand=["failure_balance_transaction"])
    assert (failed["status"], failed["failure_reason"]) == ("failed", "expired_or_canceled_card")
    assert failed["failure_balance_transaction"]["amount"] == 1000
    charge = core.get(f"charges/{paid['latest_charge']}")
    assert (charge["amount_refunded"], charge["refunded"]) == (0, False)
    assert core.event_types()[-2:] == ["refund.updated", "refund.failed"]


def test_a_pending_refund_succeeds_later(core: Direct) -> None:
    paid = core.paid("pm_card_pendingRefund")
    refund = core.post("refunds", payment_intent=paid["id"])
    assert (refund["status"], refund["balance_transaction"]) == ("pending", None)
    assert core.get(f"charges/{paid['latest_charge']}")["refunded"] is True
    core.advance(61)
    assert core.get(f"refunds/{refund['id']}")["status"] == "succeeded"
    assert core.event_types()[-1] == "refund.updated"


def test_refunds_are_listed_by_intent_and_by_charge(core: Direct) -> None:
    paid, other = core.paid(), core.paid()
    mine = core.post("refunds", payment_intent=paid["id"], amount=100)
    core.post("refunds", payment_intent=other["id"], amount=100)
    for filters in ({"payment_intent": paid["id"]}, {"charge": paid["latest_charge"]}):
        assert [r["id"] for r in core.get("refunds", **filters)["data"]] == [mine["id"]]


def test_the_metadata_of_a_refund_can_be_changed(core: Direct) -> None:
    refund = core.post("refunds", payment_intent=core.paid()["id"])
    changed = core.post(f"refunds/{refund['id']}", metadata={"note": "late"})
    assert changed["metadata"] == {"note": "late"}
