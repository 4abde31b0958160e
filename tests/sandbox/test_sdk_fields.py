"""Every object in every state, expanded and in lists, against the SDK's own classes."""

import pytest

from tests.sandbox.direct import Direct
from tests.sandbox.sdk_types import problems

DEEP = ["latest_charge.balance_transaction", "latest_charge.refunds", "payment_method", "customer"]


def test_every_state_of_an_intent_fits_the_sdk(core: Direct) -> None:
    customer = core.post("customers", email="a@example.org", name="Ada", metadata={"a": "b"})
    bare = core.post("payment_intents", amount=1000, currency="usd", customer=customer["id"])
    core.post(f"payment_intents/{bare['id']}", description="A lesson", metadata={"a": "b"})
    hold = core.intent(customer=customer["id"], expand=DEEP)
    core.post(f"payment_intents/{hold['id']}/capture", amount_to_capture=600, expand=DEEP)
    core.post("refunds", payment_intent=hold["id"], amount=100, expand=["charge.payment_intent"])
    core.get(f"payment_intents/{hold['id']}", expand=DEEP)
    waiting = core.intent("pm_card_authenticationRequired", return_url="https://example.org/")
    core.control("POST", f"intents/{waiting['id']}/authenticate", {"result": "failure"})
    core.post(f"payment_intents/{core.intent()['id']}/cancel", cancellation_reason="abandoned")
    core.intent(capture_method="automatic")
    core.advance(8 * 86_400)


@pytest.mark.parametrize(
    ("collection", "expand"),
    [
        ("customers", []),
        ("payment_intents", ["data.latest_charge.balance_transaction", "data.payment_method"]),
        ("charges", ["data.balance_transaction.source", "data.refunds", "data.payment_intent"]),
        ("refunds", ["data.charge.balance_transaction", "data.failure_balance_transaction"]),
        ("events", []),
        ("disputes", ["data.charge"]),
    ],
)
def test_every_list_fits_the_sdk(core: Direct, collection: str, expand: list[str]) -> None:
    customer = core.post("customers", email="a@example.org")
    core.paid(customer=customer["id"], setup_future_usage="off_session")
    for card in ("pm_card_visa", "pm_card_refundFail", "pm_card_pendingRefund"):
        core.post("refunds", payment_intent=core.paid(card)["id"], reason="duplicate")
    core.declined("pm_card_chargeDeclined")
    core.advance(8 * 86_400)
    page = core.get(collection, expand=expand, limit=100)
    assert page["object"] == "list"
    assert page["url"] == f"/v1/{collection}"


def test_the_watch_over_the_answers_sees_what_is_wrong(core: Direct) -> None:
    hold = core.intent(expand=["latest_charge"])
    assert problems(hold) == []
    assert problems(hold | {"colour": "red"}) == ["payment_intent.colour: unknown field"]
    assert problems(hold | {"amount": "1000"}) == ["payment_intent.amount: '1000' is no int"]
    assert problems(hold | {"status": "held"})[0].startswith("payment_intent.status: 'held'")
    without = {name: value for name, value in hold.items() if name != "amount"}
    assert "payment_intent.amount: required, and left out" in problems(without)
    bad_charge = hold["latest_charge"] | {"paid": None}
    assert problems(hold | {"latest_charge": bad_charge}) == [
        "payment_intent.latest_charge.paid: None is no bool"
    ]
