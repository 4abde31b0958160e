"""Cards that say no, and cards that ask their holder first."""

import pytest

from tests.sandbox.direct import NEVER_REDIRECTS, Direct


@pytest.mark.parametrize(
    ("card", "code", "decline_code"),
    [
        ("pm_card_chargeDeclined", "card_declined", "generic_decline"),
        ("pm_card_visa_chargeDeclined", "card_declined", "generic_decline"),
        ("pm_card_chargeDeclinedInsufficientFunds", "card_declined", "insufficient_funds"),
        ("pm_card_visa_chargeDeclinedInsufficientFunds", "card_declined", "insufficient_funds"),
        ("pm_card_visa_chargeDeclinedLostCard", "card_declined", "lost_card"),
        ("pm_card_chargeDeclinedStolenCard", "card_declined", "stolen_card"),
        ("pm_card_chargeDeclinedExpiredCard", "expired_card", "expired_card"),
        ("pm_card_chargeDeclinedIncorrectCvc", "incorrect_cvc", "incorrect_cvc"),
        ("pm_card_chargeDeclinedProcessingError", "processing_error", "processing_error"),
        ("pm_card_chargeCustomerFail", "card_declined", "generic_decline"),
    ],
)
def test_a_decline_says_why_and_leaves_the_intent_open(
    core: Direct, card: str, code: str, decline_code: str
) -> None:
    error = core.declined(card, capture_method="manual")
    assert (error["type"], error["code"]) == ("card_error", code)
    assert error["decline_code"] == decline_code
    intent = core.get(f"payment_intents/{error['payment_intent']['id']}", expand=["latest_charge"])
    assert intent["status"] == "requires_payment_method"
    assert intent["payment_method"] is None
    assert intent["last_payment_error"]["decline_code"] == decline_code
    charge = intent["latest_charge"]
    assert charge["id"] == error["charge"]
    assert (charge["status"], charge["paid"], charge["failure_code"]) == ("failed", False, code)


def test_a_declined_intent_takes_another_card(core: Direct) -> None:
    intent = core.declined("pm_card_chargeDeclined", capture_method="manual")["payment_intent"]
    path = f"payment_intents/{intent['id']}/confirm"
    done = core.post(path, payment_method="pm_card_mastercard")
    assert (done["status"], done["last_payment_error"]) == ("requires_capture", None)
    assert done["latest_charge"] != intent["latest_charge"]
    assert len(core.get("charges", payment_intent=intent["id"])["data"]) == 2


def test_a_decline_at_confirmation_is_kept_too(core: Direct) -> None:
    bare = core.post("payment_intents", amount=1000, currency="usd", **NEVER_REDIRECTS)
    path = f"payment_intents/{bare['id']}/confirm"
    error = core.refused(path, 402, payment_method="pm_card_chargeDeclined")
    assert error["payment_intent"]["id"] == bare["id"]
    assert core.get(f"payment_intents/{bare['id']}")["latest_charge"] == error["charge"]


@pytest.mark.parametrize(
    "card", ["pm_card_authenticationRequired", "pm_card_threeDSecure2Required"]
)
def test_an_authentication_completes_the_hold(core: Direct, card: str) -> None:
    waiting = core.intent(card, return_url="https://example.org/back")
    assert (waiting["status"], waiting["latest_charge"]) == ("requires_action", None)
    assert waiting["next_action"]["redirect_to_url"]["return_url"] == "https://example.org/back"
    core.control("POST", f"intents/{waiting['id']}/authenticate", {"result": "success"})
    held = core.get(f"payment_intents/{waiting['id']}", expand=["latest_charge"])
    assert (held["status"], held["next_action"]) == ("requires_capture", None)
    secure = held["latest_charge"]["payment_method_details"]["card"]["three_d_secure"]
    assert secure["result"] == "authenticated"


def test_a_failed_authentication_asks_for_another_card(core: Direct) -> None:
    waiting = core.intent("pm_card_authenticationRequired")
    assert waiting["next_action"]["type"] == "use_stripe_sdk"
    core.control("POST", f"intents/{waiting['id']}/authenticate", {"result": "failure"})
    failed = core.get(f"payment_intents/{waiting['id']}")
    assert failed["status"] == "requires_payment_method"
    assert failed["last_payment_error"]["code"] == "payment_intent_authentication_failure"
    assert core.event_types()[-1] == "payment_intent.payment_failed"


def test_a_waiting_authentication_can_be_cancelled(core: Direct) -> None:
    waiting = core.intent("pm_card_authenticationRequired")
    assert core.post(f"payment_intents/{waiting['id']}/cancel")["status"] == "canceled"


@pytest.mark.parametrize("params", [{"off_session": True}, {"error_on_requires_action": True}])
def test_without_its_holder_a_card_that_asks_is_declined(
    core: Direct, params: dict[str, bool]
) -> None:
    error = core.declined("pm_card_authenticationRequired", **params)
    assert error["code"] == "authentication_required"
    assert error["payment_intent"]["status"] == "requires_payment_method"


def test_a_card_that_always_declines_cannot_be_attached(core: Direct) -> None:
    customer = core.post("customers")["id"]
    path = "payment_methods/pm_card_chargeDeclined/attach"
    assert core.refused(path, 402, customer=customer)["code"] == "card_declined"


def test_a_card_that_fails_later_is_attached_and_then_declined(core: Direct) -> None:
    customer = core.post("customers")["id"]
    kept = core.post("payment_methods/pm_card_chargeCustomerFail/attach", customer=customer)
    assert kept["customer"] == customer
    error = core.declined(kept["id"], customer=customer)
    assert error["payment_method"]["id"] == kept["id"]


@pytest.mark.parametrize("name", ["pm_card_nonsense", "pm_123", "tok_visa"])
def test_a_card_that_nobody_knows_is_missing(core: Direct, name: str) -> None:
    error = core.refused("payment_intents", amount=1000, currency="usd", payment_method=name)
    assert (error["code"], error["param"]) == ("resource_missing", "payment_method")
