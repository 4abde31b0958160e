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
