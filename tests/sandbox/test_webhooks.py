"""Webhooks that arrive: signed, repeated, held, lost and in any order."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest
import stripe

from tests.sandbox.server import WEBHOOK_SECRET, RunningSandbox, running_sandbox


class Receiver:
    """A webhook endpoint that keeps what it gets; `answers` are its next statuses."""

    def __init__(self) -> None:
        self.got: list[tuple[bytes, str]] = []
        self.answers: list[int] = []
        self.url = ""

    def take(self, body: bytes, signature: str) -> int:
        self.got.append((body, signature))
        return self.answers.pop(0) if self.answers else 200

    def events(self) -> list[stripe.Event]:
        """Everything received, verified by the SDK."""
        return [
            stripe.Webhook.construct_event(body, signature, WEBHOOK_SECRET)
            for body, signature in self.got
        ]

    def types(self) -> list[str]:
        return [event.type for event in self.events()]


@contextmanager
def receiving() -> Iterator[Receiver]:
    receiver = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(receiver.take(body, self.headers["Stripe-Signature"]))
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            """Tests print nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    receiver.url = f"http://127.0.0.1:{server.server_port}/webhooks/stripe"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield receiver
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as running:
        yield running


@pytest.fixture
def wired(tmp_path: Path, receiver: Receiver) -> Iterator[RunningSandbox]:
    with running_sandbox(tmp_path, receiver.url) as running:
        yield running


def test_every_event_arrives_signed(wired: RunningSandbox, receiver: Receiver) -> None:
    wired.stripe().v1.customers.create({"name": "Ádám 😀"})
    assert wired.drain() == {"pending": 0, "held": 0, "sent": 1, "dropped": 0}
    event = receiver.events()[0]
    assert event.type == "customer.created"
    assert event.data.object["name"] == "Ádám 😀"
    row = wired.deliveries("sent")[0]
    assert row["event"] == event.id
    assert row["body"].encode() == receiver.got[0][0]
    assert (row["attempts"], row["last_status"]) == (1, 200)
    assert wired.stripe().v1.events.retrieve(event.id).pending_webhooks == 0


def test_signatures_follow_the_wall_clock(wired: RunningSandbox, receiver: Receiver) -> None:
    wired.advance(40 * 86_400)
    wired.stripe().v1.customers.create()
    wired.drain()
    assert receiver.types() == ["customer.created"]
    stamp = int(receiver.got[0][1].partition(",")[0].removeprefix("t="))
    # The SDK takes a stamp from the future, so that only the number itself shows the clock.
    assert stamp == pytest.approx(time.time(), abs=5)


def test_a_refused_delivery_is_tried_again_with_a_fresh_signature(
    wired: RunningSandbox, receiver: Receiver
) -> None:
    receiver.answers = [500]
    wired.stripe().v1.customers.create()
    wired.drain()
    assert receiver.types() == ["customer.created"] * 2
    (first, early), (second, late) = receiver.got
    assert first == second
    assert early != late
    assert wired.deliveries("sent")[0]["attempts"] == 2


def test_a_receiver_that_is_down_gets_its_events_later(tmp_path: Path, receiver: Receiver) -> None:
    with running_sandbox(tmp_path, "http://127.0.0.1:9/nobody") as sandbox:
        sandbox.stripe().v1.customers.create()
        sandbox.webhooks("send", url=receiver.url)
        sandbox.drain()
        assert receiver.types() == ["customer.created"]


def test_events_wait_over_a_restart(tmp_path: Path, receiver: Receiver) -> None:
    with running_sandbox(tmp_path, "http://127.0.0.1:9/nobody") as sandbox:
        sandbox.stripe().v1.customers.create()
        assert [row["state"] for row in sandbox.deliveries()] == ["pending"]
    with running_sandbox(tmp_path, receiver.url) as sandbox:
        sandbox.drain()
        assert receiver.types() == ["customer.created"]


@pytest.mark.parametrize("order", ["created", "reverse"])
def test_held_events_are_released_in_the_order_that_is_asked_for(
    wired: RunningSandbox, receiver: Receiver, order: str
) -> None:
    wired.webhooks("hold")
    client = wired.stripe()
    for _ in range(4):
        client.v1.customers.create()
    assert wired.drain()["held"] == 4
    assert receiver.got == []
    wired.release(order)
    made = [row["event"] for row in wired.deliveries("sent")]
    expected = made if order == "created" else made[::-1]
    assert [event.id for event in receiver.events()] == expected


def test_lost_events_never_arrive_and_are_still_listed(
    wired: RunningSandbox, receiver: Receiver
) -> None:
    wired.webhooks("drop")
    wired.stripe().v1.customers.create()
    assert wired.drain()["dropped"] == 1
    assert receiver.got == []
    assert len(list(wired.stripe().v1.events.list())) == 1


def test_one_event_can_be_sent_as_often_as_asked(wired: RunningSandbox, receiver: Receiver) -> None:
    wired.webhooks("hold")
    wired.stripe().v1.customers.create()
    delivery = wired.deliveries("held")[0]["id"]
    assert wired.deliver(delivery, times=3) == [200, 200, 200]
    assert wired.deliver(delivery) == [200]
    assert len({event.id for event in receiver.events()}) == 1
    assert len(receiver.got) == 4
    assert wired.http.post("/_sandbox/deliveries/999/send").status_code == 404


def test_a_test_can_carry_a_delivery_itself(sandbox: RunningSandbox, receiver: Receiver) -> None:
    sandbox.stripe().v1.customers.create()
    row = sandbox.deliveries("held")[0]
    headers = {"Stripe-Signature": row["signature"]}
    httpx.post(receiver.url, content=row["body"].encode(), headers=headers, trust_env=False)
    assert receiver.types() == ["customer.created"]


def test_during_a_roll_both_secrets_sign(wired: RunningSandbox, receiver: Receiver) -> None:
    wired.webhooks("send", secret=f"whsec_new,{WEBHOOK_SECRET}")
    wired.stripe().v1.customers.create()
    wired.drain()
    assert receiver.types() == ["customer.created"]
    assert receiver.got[0][1].count("v1=") == 2


def test_a_burst_arrives_completely(wired: RunningSandbox, receiver: Receiver) -> None:
    client = wired.stripe()
    for _ in range(30):
        client.v1.customers.create()
    assert wired.drain()["sent"] == 30
    assert len({event.id for event in receiver.events()}) == 30
