"""Which events each movement causes, in which order, and what they carry."""

import pytest

from tests.sandbox.direct import Direct

CREATED_HELD = [
    "payment_intent.created",
    "charge.succeeded",
    "payment_intent.amount_capturable_updated",
]
CREATED_DECLINED = ["payment_intent.created", "charge.failed", "payment_intent.payment_failed"]


def test_a_hold_and_its_capture_are_told_in_order(core: Direct) -> None:
    hold = core.intent()
    assert core.event_types() == CREATED_HELD
    core.post(f"payment_intents/{hold['id']}/capture")
    assert core.event_types()[3:] == ["charge.captured", "payment_intent.succeeded"]


def test_an_authorization_is_no_capture(core: Direct) -> None:
    core.intent()
    event = core.get("events", type="charge.succeeded")["data"][0]
    charge = event["data"]["object"]
    assert (charge["captured"], charge["amount_captured"]) == (False, 0)


def test_a_cancellation_is_one_event(core: Direct) -> None:
    hold = core.intent()
    core.post(f"payment_intents/{hold['id']}/cancel")
    assert core.event_types()[3:] == ["payment_intent.canceled"]


def test_an_automatic_capture_is_told_in_order(core: Direct) -> None:
    core.paid()
    expected = ["payment_intent.created", "charge.succeeded", "payment_intent.succeeded"]
    assert core.event_types() == expected


def test_a_decline_is_told_in_order(core: Direct) -> None:
    core.declined("pm_card_chargeDeclined")
    assert core.event_types() == CREATED_DECLINED


def test_an_authentication_is_asked_for_and_then_told(core: Direct) -> None:
    waiting = core.intent("pm_card_authenticationRequired")
    core.control("POST", f"intents/{waiting['id']}/authenticate", {"result": "success"})
    assert core.event_types() == [
        "payment_intent.created",
        "payment_intent.requires_action",
        "charge.succeeded",
        "payment_intent.amount_capturable_updated",
    ]


@pytest.mark.parametrize("amount", [1, 1000])
def test_partial_and_full_refunds_are_told_alike(core: Direct, amount: int) -> None:
    paid = core.paid()
    core.post("refunds", payment_intent=paid["id"], amount=amount)
    assert core.event_types()[3:] == ["refund.created", "charge.refunded"]
    event = core.get("events", type="charge.refunded")["data"][0]
    assert event["data"]["object"]["amount_refunded"] == amount
    assert event["data"]["previous_attributes"] == {"amount_refunded": 0}


def test_a_customer_is_told_when_made_and_when_changed(core: Direct) -> None:
    customer = core.post("customers", name="Ada")
    core.post(f"customers/{customer['id']}", name="Ada L.")
    assert core.event_types() == ["customer.created", "customer.updated"]


def test_an_event_carries_a_snapshot_and_its_request(core: Direct) -> None:
    answer = core.ask("POST", "payment_intents", {"amount": 1000, "currency": "usd"}, "key-1")
    intent = answer.json()
    core.post(f"payment_intents/{intent['id']}", description="Changed later")
    event = core.get("events")["data"][0]
    assert event["data"]["object"] == intent
    assert event["api_version"] == "2026-10-28.endive"
    request = {"id": answer.headers["Request-Id"], "idempotency_key": "key-1"}
    assert event["request"] == request
    assert event["pending_webhooks"] == 1
    assert core.get(f"events/{event['id']}") == event


def test_a_refused_request_causes_no_event(core: Direct) -> None:
    core.refused("payment_intents", amount=1, currency="usd")
    core.refused("payment_intents", amount=1000, currency="usd", payment_method="pm_no")
    assert core.event_types() == []


def test_events_are_listed_by_type(core: Direct) -> None:
    core.intent()
    one = core.get("events", type="charge.succeeded")["data"]
    assert [event["type"] for event in one] == ["charge.succeeded"]
    many = core.get("events", types=["charge.succeeded", "payment_intent.created"])["data"]
    assert [event["type"] for event in many] == ["charge.succeeded", "payment_intent.created"]
    starred = core.get("events", type="payment_intent.*")["data"]
    assert len(starred) == 2


def test_events_are_kept_for_thirty_days(core: Direct) -> None:
    core.post("customers")
    event = core.get("events")["data"][0]
    core.advance(29 * 86_400)
    assert len(core.get("events")["data"]) == 1
    core.advance(86_400)
    assert core.get("events")["data"] == []
    assert core.ask("GET", f"events/{event['id']}").status == 404
