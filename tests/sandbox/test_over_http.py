"""The real SDK over a real socket: answers, faults, speed, and a restart."""

import socket
import time
from pathlib import Path
from typing import Any

import httpx
import pytest
import stripe

from tests.sandbox.server import RunningSandbox, running_sandbox

HOLD: Any = {
    "amount": 1000,
    "currency": "usd",
    "capture_method": "manual",
    "payment_method": "pm_card_visa",
    "confirm": True,
    "allowed_payment_method_types": ["card"],
    "expand": ["latest_charge"],
}


def test_the_real_sdk_holds_captures_and_refunds(client: stripe.StripeClient) -> None:
    customer = client.v1.customers.create({"email": "ada@example.org"})
    hold = client.v1.payment_intents.create(HOLD | {"customer": customer.id})
    assert hold.status == "requires_capture"
    assert isinstance(hold.latest_charge, stripe.Charge)
    details = hold.latest_charge.payment_method_details
    assert details is not None
    assert details.card is not None
    assert details.card.capture_before is not None
    done = client.v1.payment_intents.capture(hold.id, {"amount_to_capture": 700})
    refund = client.v1.refunds.create({"payment_intent": done.id, "amount": 100})
    assert (done.amount_received, refund.status) == (700, "succeeded")
    kinds = [event.type for event in client.v1.events.list().auto_paging_iter()]
    assert kinds[0] == "charge.refunded"


def test_the_real_sdk_raises_its_own_errors(sandbox: RunningSandbox) -> None:
    client = sandbox.stripe()
    with pytest.raises(stripe.CardError) as declined:
        client.v1.payment_intents.create(HOLD | {"payment_method": "pm_card_chargeDeclined"})
    assert declined.value.error is not None
    assert declined.value.error.decline_code == "generic_decline"
    with pytest.raises(stripe.InvalidRequestError) as missing:
        client.v1.payment_intents.retrieve("pi_nothing")
    assert missing.value.code == "resource_missing"
    stranger = stripe.StripeClient("sk_test_other", base_addresses={"api": sandbox.url})
    with pytest.raises(stripe.AuthenticationError):
        stranger.v1.customers.list()
    options: Any = {"idempotency_key": "one"}
    client.v1.customers.create({"name": "Ada"}, options)
    with pytest.raises(stripe.IdempotencyError):
        client.v1.customers.create({"name": "Bob"}, options)


def _asking(sandbox: RunningSandbox, sent: bytes, key: str) -> socket.socket:
    """A connection on which a customer was asked for, with so much of the body."""
    host, port = sandbox.url.removeprefix("http://").split(":")
    head = [
        "POST /v1/customers HTTP/1.1",
        f"Host: {host}:{port}",
        f"Authorization: Bearer {sandbox.api_key}",
        f"Idempotency-Key: {key}",
        "Content-Type: application/x-www-form-urlencoded",
        "Content-Length: 21",
    ]
    line = socket.create_connection((host, int(port)))
    line.sendall("\r\n".join([*head, "", ""]).encode() + sent)
    return line


@pytest.mark.parametrize("sent", [b"", b"email=ada%40exam"])
def test_of_a_request_that_broke_off_nothing_is_done(sandbox: RunningSandbox, sent: bytes) -> None:
    with _asking(sandbox, sent, key="broken-off"):
        pass
    client = sandbox.stripe()
    options: Any = {"idempotency_key": "broken-off"}
    made = client.v1.customers.create({"email": "ada@example.org"}, options)
    assert [one.id for one in client.v1.customers.list().data] == [made.id]


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize(
    ("kind", "error"),
    [
        ("drop", stripe.APIConnectionError),
        ("hang", stripe.APIConnectionError),
        ("500", stripe.APIError),
        ("429", stripe.RateLimitError),
        ("409", stripe.APIError),
    ],
)
def test_a_fault_strikes_before_or_after_the_change(
    sandbox: RunningSandbox, when: str, kind: str, error: type[Exception]
) -> None:
    client = sandbox.stripe()
    hold = client.v1.payment_intents.create(HOLD)
    sandbox.fault(when, kind, "/v1/payment_intents/*/capture", seconds=0.1)
    with pytest.raises(error):
        client.v1.payment_intents.capture(hold.id)
    status = client.v1.payment_intents.retrieve(hold.id).status
    assert status == ("succeeded" if when == "after" else "requires_capture")
    line = sandbox.requests()[-1]
    assert (line["executed"], line["fault"]) == (when == "after", f"{when} {kind}")
    assert sandbox.control("GET", "faults") == {"faults": []}


def test_a_dropped_connection_is_closed_without_a_byte(sandbox: RunningSandbox) -> None:
    sandbox.fault("before", "drop")
    with pytest.raises(httpx.RemoteProtocolError), httpx.Client(trust_env=False) as http:
        http.post(f"{sandbox.url}/v1/customers", headers={"Authorization": "Bearer x"})


def test_a_fault_strikes_as_often_as_ordered_and_only_where_ordered(
    sandbox: RunningSandbox,
) -> None:
    client = sandbox.stripe()
    sandbox.fault("before", "429", "/v1/customers", times=2)
    client.v1.payment_intents.create(HOLD)
    for _ in range(2):
        with pytest.raises(stripe.RateLimitError):
            client.v1.customers.create()
    client.v1.customers.create()
    sandbox.fault("before", "500")
    assert sandbox.control("DELETE", "faults") == {"faults": []}
    client.v1.customers.create()


def test_a_request_that_hangs_holds_nobody_up(sandbox: RunningSandbox) -> None:
    client = sandbox.stripe()
    sandbox.fault("before", "hang", seconds=60)
    with _asking(sandbox, b"email=ada%40example.o", key="hangs") as hanging:
        started = time.monotonic()
        while not sandbox.requests() and time.monotonic() < started + 20:
            time.sleep(0.01)
        assert client.v1.customers.create().id.startswith("cus_")
        hanging.setblocking(False)
        # Neither an answer nor the end of the connection.
        with pytest.raises(BlockingIOError):
            hanging.recv(1)


def test_a_restart_forgets_nothing(tmp_path: Path) -> None:
    options: Any = {"idempotency_key": "one"}
    with running_sandbox(tmp_path) as first:
        hold = first.stripe().v1.payment_intents.create(HOLD, options)
        first.fault("before", "429", "/v1/customers")
        first.advance(86_000)
        held = first.deliveries("held")
    with running_sandbox(tmp_path) as second:
        client = second.stripe()
        again = client.v1.payment_intents.create(HOLD, options)
        assert again.id == hold.id
        assert client.v1.payment_intents.retrieve(hold.id).status == "requires_capture"
        with pytest.raises(stripe.RateLimitError):
            client.v1.customers.create()
        assert [d["event"] for d in second.deliveries("held")] == [d["event"] for d in held]
        assert len(second.requests()) == 3
        second.advance(7 * 86_400)
        assert client.v1.payment_intents.retrieve(hold.id).cancellation_reason == "expired"


def test_an_expiry_comes_by_itself_when_somebody_else_moves_the_clock(tmp_path: Path) -> None:
    with running_sandbox(tmp_path) as sandbox:
        sandbox.stripe().v1.payment_intents.create(HOLD)
        (tmp_path / "clock").write_text(str(8 * 86_400))
        ends_at = time.monotonic() + 5
        while time.monotonic() < ends_at:
            if sandbox.deliveries()[-1]["type"] == "payment_intent.canceled":
                break
            time.sleep(0.05)
        assert sandbox.deliveries()[-1]["type"] == "payment_intent.canceled"


def test_a_reset_forgets_everything_but_the_address(sandbox: RunningSandbox) -> None:
    client = sandbox.stripe()
    sandbox.webhooks("hold", url="http://127.0.0.1:9/webhooks")
    client.v1.payment_intents.create(HOLD)
    sandbox.reset()
    assert list(client.v1.payment_intents.list()) == []
    assert sandbox.deliveries() == []
    assert sandbox.requests() == []
    assert sandbox.control("GET", "webhooks")["url"] == "http://127.0.0.1:9/webhooks"


@pytest.mark.parametrize(
    "headers", [{"Origin": "https://example.org"}, {"Host": "sandbox.example.org"}]
)
def test_the_controls_do_not_listen_to_web_pages(
    sandbox: RunningSandbox, headers: dict[str, str]
) -> None:
    answer = sandbox.http.post("/_sandbox/reset", headers=headers)
    assert answer.status_code == 403


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("clock", {}),
        ("clock", {"to": 1, "advance": 1}),
        ("faults", {"when": "never", "kind": "drop"}),
        ("webhooks", {"mode": "loud"}),
        ("deliveries/1/send", {"times": "often"}),
    ],
)
def test_a_control_that_is_not_understood_says_so(
    sandbox: RunningSandbox, path: str, body: dict[str, Any]
) -> None:
    answer = sandbox.http.post(f"/_sandbox/{path}", json=body)
    assert answer.status_code == 400
    assert answer.json()["error"]


def test_hundreds_of_requests_take_no_time(sandbox: RunningSandbox) -> None:
    headers = {"Authorization": f"Bearer {sandbox.api_key}"}
    started = time.monotonic()
    for _ in range(300):
        sandbox.http.get("/v1/customers", headers=headers).raise_for_status()
    # A sandbox that needs 20 ms for a simple answer would spoil every suite that stands on it.
    assert time.monotonic() - started < 6
