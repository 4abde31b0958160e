"""What a person orders of the bank: a refund that fails after all, a question with nobody there."""

import httpx
import pytest
import stripe

from tests.sandbox.server import RunningSandbox

CARD = {"currency": "usd", "payment_method": "pm_card_visa", "confirm": True}


def paid(sandbox: RunningSandbox, **more: object) -> stripe.PaymentIntent:
    given = {"amount": 9600, "allowed_payment_method_types": ["card"], **CARD, **more}
    return sandbox.stripe().v1.payment_intents.create(given)  # type: ignore[arg-type]


def test_a_refund_that_had_succeeded_fails_after_all(sandbox: RunningSandbox):
    intent = paid(sandbox)
    refund = sandbox.stripe().v1.refunds.create({"payment_intent": intent.id})
    assert refund.status == "succeeded"
    told = sandbox.control("POST", f"refunds/{refund.id}", {"status": "failed"})
    assert told["status"] == "failed" and told["failure_balance_transaction"]
    charge = sandbox.stripe().v1.charges.retrieve(str(intent.latest_charge))
    assert charge.amount_refunded == 0
    with pytest.raises(httpx.HTTPStatusError):
        sandbox.control("POST", f"refunds/{refund.id}", {"status": "succeeded"})


def test_a_refund_that_is_pending_succeeds_when_told(sandbox: RunningSandbox):
    intent = paid(sandbox, payment_method="pm_card_pendingRefund")
    refund = sandbox.stripe().v1.refunds.create({"payment_intent": intent.id})
    told = sandbox.control("POST", f"refunds/{refund.id}", {"status": "succeeded"})
    assert (refund.status, told["status"]) == ("pending", "succeeded")


def test_the_bank_asks_the_next_time_nobody_is_there_and_not_after(sandbox: RunningSandbox):
    customer = sandbox.stripe().v1.customers.create({"name": "Maya"}).id
    saved = paid(sandbox, customer=customer, setup_future_usage="off_session").payment_method
    body = {"decline_code": "authentication_required", "times": 1}
    assert sandbox.control("POST", "next_off_session", body)["times"] == 1
    # With the customer there, the order waits.
    assert paid(sandbox).status == "succeeded"
    away = {"customer": customer, "payment_method": saved, "off_session": True}
    with pytest.raises(stripe.CardError) as refused:
        paid(sandbox, **away)
    assert refused.value.code == "authentication_required"
    assert sandbox.control("GET", "next_off_session")["times"] == 0
    assert paid(sandbox, **away).status == "succeeded"


@pytest.mark.parametrize("ways", [("requires_action", "failed"), ("canceled",), ("succeeded",)])
def test_a_pending_refund_goes_every_way_and_what_comes_back_can_be_refunded_again(
    sandbox: RunningSandbox, ways: tuple[str, ...]
):
    intent = paid(sandbox, payment_method="pm_card_pendingRefund")
    refund = sandbox.stripe().v1.refunds.create({"payment_intent": intent.id, "amount": 4000})
    for status in ways:
        assert sandbox.control("POST", f"refunds/{refund.id}", {"status": status})["id"]
    assert sandbox.stripe().v1.refunds.retrieve(refund.id).status == ways[-1]
    charge = sandbox.stripe().v1.charges.retrieve(str(intent.latest_charge))
    assert charge.amount_refunded == (4000 if ways[-1] == "succeeded" else 0)
    with pytest.raises(httpx.HTTPStatusError):
        sandbox.control("POST", f"refunds/{refund.id}", {"status": "requires_action"})


def test_an_inquiry_takes_nothing_and_may_be_answered_by_a_refund(sandbox: RunningSandbox):
    intent = paid(sandbox)
    address = f"charges/{intent.latest_charge}/dispute"
    asked = sandbox.control("POST", address, {"inquiry": True})
    assert (asked["status"], asked["balance_transactions"]) == ("warning_needs_response", [])
    with pytest.raises(httpx.HTTPStatusError):
        sandbox.control("POST", f"disputes/{asked['id']}", {"status": "won"})
    sandbox.stripe().v1.refunds.create({"payment_intent": intent.id, "amount": 4000})
    closed = sandbox.control("POST", f"disputes/{asked['id']}", {"status": "warning_closed"})
    assert closed["status"] == "warning_closed"


def test_an_inquiry_that_becomes_a_dispute_takes_the_money(sandbox: RunningSandbox):
    intent = paid(sandbox)
    address = f"charges/{intent.latest_charge}/dispute"
    asked = sandbox.control("POST", address, {"inquiry": True, "amount": 4000})
    taken = sandbox.control("POST", f"disputes/{asked['id']}", {"status": "needs_response"})
    assert [one["amount"] for one in taken["balance_transactions"]] == [-4000]
    with pytest.raises(stripe.InvalidRequestError):
        sandbox.stripe().v1.refunds.create({"payment_intent": intent.id})


def test_a_charge_can_be_disputed_in_parts_up_to_what_was_captured(sandbox: RunningSandbox):
    intent = paid(sandbox)
    address = f"charges/{intent.latest_charge}/dispute"
    sandbox.control("POST", address, {"amount": 4000})
    sandbox.control("POST", address, {"amount": 5600})
    with pytest.raises(httpx.HTTPStatusError):
        sandbox.control("POST", address, {"amount": 1})


def test_what_the_bank_is_working_on_can_not_be_cancelled(sandbox: RunningSandbox):
    asked = paid(sandbox, payment_method="pm_card_authenticationRequired")
    address = f"intents/{asked.id}/authenticate"
    assert sandbox.control("POST", address, {"result": "processing"})["status"] == "processing"
    with pytest.raises(stripe.InvalidRequestError):
        sandbox.stripe().v1.payment_intents.cancel(asked.id)
    assert sandbox.control("POST", address, {"result": "success"})["status"] == "succeeded"
