"""What the sandbox is told of a past looks like what it has lived through."""

import json
import re
from pathlib import Path
from typing import Any

import msgspec
import pytest
import time_machine

from dashboard.sandbox.core import Sandbox
from tests.sandbox.direct import NEVER_REDIRECTS, Direct, direct_sandbox
from tests.sandbox.server import API_KEY

Json = dict[str, Any]
START = 1_770_000_000
DAY = 86_400
_ID = re.compile(r"\b(?:cus|pi|ch|pm|re|txn|du|seti)_\w+")


@pytest.fixture
def other(tmp_path: Path) -> Direct:
    """A second sandbox beside `core`, on the same clock."""
    return Direct(Sandbox(tmp_path / "other.sqlite", api_key=API_KEY))


def things(core: Direct) -> list[Json]:
    """All objects as they are kept, with their ids numbered in the order of their making."""
    found = core.core.store.run("SELECT body FROM objects WHERE kind <> 'event' ORDER BY seq")
    text = json.dumps([msgspec.json.decode(row["body"]) for row in found])
    names: dict[str, str] = {}
    numbered = _ID.sub(lambda match: names.setdefault(match[0], f"{len(names)}"), text)
    objects: list[Json] = json.loads(numbered)
    for one in objects:
        # Made of the random part of an id.
        one.pop("invoice_prefix", None)
    return sorted(objects, key=lambda one: int(one["id"]))


def due(core: Direct) -> list[tuple[float, str]]:
    rows = core.core.store.run("SELECT at, action FROM due ORDER BY at, seq")
    return [(row["at"], row["action"]) for row in rows]


def tell(core: Direct, acts: list[Json], until: float, seed: str = "one") -> list[Json]:
    told: list[Json] = core.control(
        "POST", "history", {"seed": seed, "until": until, "stories": [acts]}
    )["stories"][0]
    return told


def hold(at: float, card: str = "pm_card_visa", **more: Any) -> Json:
    params = {
        "amount": 9600,
        "currency": "usd",
        "capture_method": "manual",
        "payment_method": card,
        "confirm": True,
        **NEVER_REDIRECTS,
        "metadata": {"operation_id": "first"},
    }
    return {"at": at, "do": "create", "given": params, **more}


def test_what_is_told_is_what_would_have_been_lived(core: Direct, other: Direct):
    capture = {"amount_to_capture": 6000, "metadata": {"operation_id": "second"}}
    refund = {"amount": 1000, "reason": "requested_by_customer"}
    acts = [
        hold(START),
        {"at": START + DAY, "do": "capture", "given": capture},
        {"at": START + 2 * DAY, "do": "refund", "given": refund},
        {"at": START + 9 * DAY, "do": "dispute", "given": {"reason": "duplicate"}},
        {"at": START + 30 * DAY, "do": "settle_dispute", "given": {"status": "won"}},
    ]
    with time_machine.travel(START, tick=False) as traveller:
        intent = core.intent(**acts[0]["given"] | {"card": "pm_card_visa"})["id"]
        traveller.move_to(START + DAY)
        core.post(f"payment_intents/{intent}/capture", **capture)
        traveller.move_to(START + 2 * DAY)
        core.post("refunds", payment_intent=intent, **refund)
        traveller.move_to(START + 9 * DAY)
        charge = core.get(f"payment_intents/{intent}")["latest_charge"]
        opened = core.control("POST", f"charges/{charge}/dispute", {"reason": "duplicate"})
        traveller.move_to(START + 30 * DAY)
        core.control("POST", f"disputes/{opened['id']}", {"status": "won"})
        shown = tell(other, acts, START + 31 * DAY)
    assert things(other) == things(core)
    assert [one["intent"]["status"] for one in shown] == ["requires_capture", *["succeeded"] * 4]
    assert [one["status"] for step in shown for one in step["disputes"]] == [
        "needs_response",
        "won",
    ]


def test_a_hold_that_nobody_took_has_expired_at_its_own_instant(core: Direct):
    acts = [hold(START, life=3600), {"at": START + 7200, "do": "look"}]
    held, looked = tell(core, acts, START + DAY)
    assert held["intent"]["status"] == "requires_capture"
    assert (looked["intent"]["canceled_at"], looked["intent"]["cancellation_reason"]) == (
        START + 3600,
        "expired",
    )


def test_what_is_still_to_come_comes_by_itself(core: Direct):
    with time_machine.travel(START + DAY, tick=False) as traveller:
        tell(core, [hold(START)], START + DAY)
        assert due(core) == [(START + 7 * DAY, "expire")]
        traveller.move_to(START + 7 * DAY)
        core.core.tick()
        assert core.get("payment_intents")["data"][0]["status"] == "canceled"


def test_a_declined_card_is_a_part_of_a_past(core: Direct):
    (shown,) = tell(core, [hold(START, "pm_card_chargeDeclinedExpiredCard")], START + DAY)
    assert shown["intent"]["status"] == "requires_payment_method"
    assert shown["intent"]["last_payment_error"]["decline_code"] == "expired_card"


def test_a_past_that_stripe_would_refuse_is_refused_and_leaves_nothing(core: Direct):
    capture = {"at": START + 9 * DAY, "do": "capture", "given": {"amount_to_capture": 9600}}
    body = {
        "seed": "one",
        "until": START + 10 * DAY,
        "stories": [[hold(START)], [hold(START), capture]],
    }
    answer = core.core.handle("POST", "/_sandbox/history", {}, msgspec.json.encode(body))
    assert answer.status == 400
    assert "Story 1, capture" in answer.json()["error"]
    assert things(core) == [] and due(core) == []


def test_a_past_is_told_to_nobody_and_the_present_is(core: Direct):
    tell(core, [hold(START)], START + DAY)
    assert core.control("GET", "deliveries")["deliveries"] == []
    core.intent()
    assert core.control("GET", "deliveries")["deliveries"]


def test_the_same_seed_gives_the_same_ids(core: Direct, other: Direct, tmp_path: Path):
    first = tell(core, [hold(START)], START + DAY)
    assert tell(other, [hold(START)], START + DAY) == first
    (tmp_path / "third").mkdir()
    with direct_sandbox(tmp_path / "third") as third:
        assert tell(third, [hold(START)], START + DAY, seed="two") != first
