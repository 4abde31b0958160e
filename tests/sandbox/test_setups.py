"""SetupIntents and charging a saved card while its holder is away."""

import pytest

from tests.sandbox.direct import NEVER_REDIRECTS, Direct

Json = dict[str, object]
OFF: Json = {"off_session": True, "confirm": True, **NEVER_REDIRECTS}


def customer(core: Direct) -> str:
    return str(core.post("customers", email="a@example.org")["id"])


def setup(core: Direct, card: str, owner: str, **more: object) -> Json:
    params = {"customer": owner, "payment_method": card, "confirm": True, **NEVER_REDIRECTS}
    return core.post("setup_intents", **(params | more))


def kinds(core: Direct) -> list[str]:
    found = core.get("events", limit=100)["data"]
    return [event["type"] for event in reversed(found) if event["type"].startswith("setup_intent")]


def test_a_saved_card_is_attached_and_can_be_held_without_its_holder(core: Direct):
    owner = customer(core)
    saved = setup(core, "pm_card_visa", owner)
    assert (saved["status"], saved["usage"]) == ("succeeded", "off_session")
    method = core.get(f"payment_methods/{saved['payment_method']}")
    assert method["customer"] == owner
    assert kinds(core) == ["setup_intent.created", "setup_intent.succeeded"]
    hold = core.intent(method["id"], customer=owner, off_session=True)
    assert hold["status"] == "requires_capture"


def test_a_card_that_was_never_saved_is_not_charged_without_its_holder(core: Direct):
    params = {"amount": 1000, "currency": "usd", "customer": customer(core), **OFF}
    answer = core.ask("POST", "payment_intents", params | {"payment_method": "pm_card_visa"})
    assert (answer.status, answer.json()["error"]["param"]) == (400, "payment_method")


def test_a_card_is_not_saved_by_a_payment_that_its_holder_does_not_see(core: Direct):
    owner = customer(core)
    saved = setup(core, "pm_card_visa", owner)
    params = {"amount": 1000, "currency": "usd", "customer": owner, **OFF}
    params |= {"payment_method": saved["payment_method"], "setup_future_usage": "off_session"}
    answer = core.ask("POST", "payment_intents", params)
    assert (answer.status, answer.json()["error"]["param"]) == (400, "setup_future_usage")


def test_a_bank_can_ask_before_a_card_is_saved_and_not_again_afterwards(core: Direct):
    owner = customer(core)
    waiting = setup(core, "pm_card_authenticationRequiredOnSetup", owner)
    assert (waiting["status"], waiting["next_action"]["type"]) == (
        "requires_action",
        "use_stripe_sdk",
    )
    core.control("POST", f"setup_intents/{waiting['id']}/authenticate", {"result": "success"})
    done = core.get(f"setup_intents/{waiting['id']}")
    assert (done["status"], done["next_action"]) == ("succeeded", None)
    hold = core.intent(done["payment_method"], customer=owner, off_session=True)
    assert hold["status"] == "requires_capture"


def test_a_card_that_was_confirmed_on_the_session_is_not_asked_about_afterwards(core: Direct):
    owner = customer(core)
    card = core.ask(
        "POST",
        "payment_methods/pm_card_authenticationRequiredOnSetup/attach",
        {"customer": owner},
    ).json()["id"]
    saving = {"customer": owner, "setup_future_usage": "off_session"}
    asked = core.intent(card, **saving)
    assert asked["status"] == "requires_action"
    core.control("POST", f"intents/{asked['id']}/authenticate", {"result": "success"})
    assert core.intent(card, customer=owner, off_session=True)["status"] == "requires_capture"


def test_a_card_that_always_asks_is_declined_without_its_holder(core: Direct):
    owner = customer(core)
    waiting = setup(core, "pm_card_authenticationRequired", owner)
    core.control("POST", f"setup_intents/{waiting['id']}/authenticate", {"result": "success"})
    method = core.get(f"setup_intents/{waiting['id']}")["payment_method"]
    params = {"amount": 1000, "currency": "usd", "customer": owner, "payment_method": method, **OFF}
    error = core.ask("POST", "payment_intents", params).json()["error"]
    assert (error["code"], error["decline_code"]) == ("authentication_required",) * 2
    assert error["payment_intent"]["status"] == "requires_payment_method"


def test_a_failed_confirmation_leaves_the_setup_open_for_another_card(core: Direct):
    owner = customer(core)
    waiting = setup(core, "pm_card_authenticationRequired", owner)
    core.control("POST", f"setup_intents/{waiting['id']}/authenticate", {"result": "failure"})
    failed = core.get(f"setup_intents/{waiting['id']}")
    assert failed["status"] == "requires_payment_method"
    assert failed["last_setup_error"]["code"] == "setup_intent_authentication_failure"
    again = core.post(f"setup_intents/{failed['id']}/confirm", payment_method="pm_card_mastercard")
    assert (again["status"], again["last_setup_error"]) == ("succeeded", None)


@pytest.mark.parametrize(
    "card", ["pm_card_visa_chargeDeclined", "pm_card_chargeDeclinedInsufficientFunds"]
)
def test_a_card_that_declines_everything_is_not_saved(core: Direct, card: str):
    params = {"customer": customer(core), "payment_method": card, "confirm": True}
    answer = core.ask("POST", "setup_intents", params | NEVER_REDIRECTS, "key")
    error = answer.json()["error"]
    assert (answer.status, error["type"], error["code"]) == (402, "card_error", "card_declined")
    assert error["setup_intent"]["status"] == "requires_payment_method"
    again = core.ask("POST", "setup_intents", params | NEVER_REDIRECTS, "key")
    assert (again.status, again.json()) == (402, answer.json())


def test_a_cancelled_setup_saves_nothing_any_more(core: Direct):
    waiting = setup(core, "pm_card_authenticationRequired", customer(core))
    closed = core.post(
        f"setup_intents/{waiting['id']}/cancel",
        cancellation_reason="abandoned",
        expand=["customer"],
    )
    assert (closed["status"], closed["cancellation_reason"]) == ("canceled", "abandoned")
    answer = core.ask("POST", f"setup_intents/{waiting['id']}/confirm", {})
    assert answer.json()["error"]["code"] == "setup_intent_unexpected_state"


def test_a_setup_needs_a_way_back_or_none_to_go(core: Direct):
    params = {"payment_method": "pm_card_visa", "confirm": True}
    answer = core.ask("POST", "setup_intents", params)
    assert (answer.status, answer.json()["error"]["param"]) == (400, "return_url")
    assert core.ask("POST", "setup_intents", {"colour": "red"}).status == 400


def test_setups_are_listed_by_customer_and_changed_while_they_are_open(core: Direct):
    owner = customer(core)
    bare = core.post("setup_intents", customer=owner)
    core.post(f"setup_intents/{bare['id']}", description="A lesson", metadata={"a": "b"})
    setup(core, "pm_card_visa", customer(core))
    found = core.get("setup_intents", customer=owner, expand=["data.customer"])["data"]
    assert [(one["id"], one["metadata"]) for one in found] == [(bare["id"], {"a": "b"})]
