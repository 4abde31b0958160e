"""What a person does to webhooks on their way, one by one: hold, drop, delay, send after all."""

import pytest

from tests.sandbox.server import RunningSandbox
from tests.sandbox.test_webhooks import Receiver, receiving


@pytest.fixture
def held(sandbox: RunningSandbox) -> list[int]:
    """Two webhooks that nobody has got yet."""
    for name in ("one", "two"):
        sandbox.stripe().v1.payment_intents.create(
            {"amount": 1000, "currency": "usd", "metadata": {"n": name}}
        )
    return [row["id"] for row in sandbox.deliveries("held")]


def send_to(sandbox: RunningSandbox, receiver: Receiver) -> None:
    sandbox.webhooks("send", url=receiver.url)


def test_one_that_is_dropped_never_arrives_and_the_other_does(
    sandbox: RunningSandbox, held: list[int]
):
    with receiving() as receiver:
        send_to(sandbox, receiver)
        first, second = held[:2]
        assert sandbox.control("POST", f"deliveries/{first}", {"state": "dropped"})["changed"] == 1
        sandbox.control("POST", f"deliveries/{second}", {"state": "pending"})
        sandbox.drain()
        assert len(receiver.got) == 1
        states = {row["id"]: row["state"] for row in sandbox.deliveries()}
        assert (states[first], states[second]) == ("dropped", "sent")
        assert sandbox.control("POST", f"deliveries/{second}", {"state": "held"})["changed"] == 0


def test_one_that_is_delayed_is_not_waited_for(sandbox: RunningSandbox, held: list[int]):
    with receiving() as receiver:
        send_to(sandbox, receiver)
        sandbox.control("POST", f"deliveries/{held[0]}", {"state": "pending", "wait": 60})
        assert sandbox.drain()["pending"] == 1
        assert receiver.got == []
        sandbox.control("POST", f"deliveries/{held[0]}", {"state": "pending", "wait": 0})
        sandbox.drain()
        assert len(receiver.got) == 1


def test_all_that_is_held_is_dropped_at_once(sandbox: RunningSandbox, held: list[int]):
    assert sandbox.control("POST", "deliveries", {"state": "dropped"})["changed"] == len(held)
    assert sandbox.deliveries("held") == []


def test_the_last_ones_are_listed_in_their_order(sandbox: RunningSandbox, held: list[int]):
    found = sandbox.control("GET", "deliveries", query={"last": 1})["deliveries"]
    assert [row["id"] for row in found] == held[-1:]
    assert [row["id"] for row in sandbox.deliveries()] == held


def test_one_armed_fault_is_taken_back_and_the_other_stays(sandbox: RunningSandbox):
    sandbox.fault("before", "500")
    sandbox.fault("after", "drop")
    first = sandbox.control("GET", "faults")["faults"][0]["id"]
    left = sandbox.control("DELETE", f"faults/{first}")["faults"]
    assert [one["kind"] for one in left] == ["drop"]
    assert sandbox.control("DELETE", "faults")["faults"] == []
