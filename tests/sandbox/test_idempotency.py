"""One key, one operation: what is replayed, what is refused, and what is forgotten."""

import pytest

from tests.sandbox.direct import NEVER_REDIRECTS, Direct

HOLD = {
    "amount": 1000,
    "currency": "usd",
    "capture_method": "manual",
    "payment_method": "pm_card_visa",
    "confirm": True,
} | NEVER_REDIRECTS


def count(core: Direct) -> int:
    return len(core.get("payment_intents", limit=100)["data"])


def test_the_same_request_is_answered_again_and_not_repeated(core: Direct) -> None:
    first = core.ask("POST", "payment_intents", HOLD, "key")
    second = core.ask("POST", "payment_intents", HOLD, "key")
    assert "Idempotent-Replayed" not in first.headers
    assert second.headers["Idempotent-Replayed"] == "true"
    assert second.headers["Original-Request"] == first.headers["Request-Id"]
    assert (second.status, second.body) == (first.status, first.body)
    assert count(core) == 1


def test_a_replay_tells_the_past(core: Direct) -> None:
    first = core.ask("POST", "payment_intents", HOLD, "key").json()
    core.post(f"payment_intents/{first['id']}/capture")
    again = core.ask("POST", "payment_intents", HOLD, "key").json()
    assert again["status"] == "requires_capture"


def test_other_parameters_under_the_same_key_are_refused(core: Direct) -> None:
    core.ask("POST", "payment_intents", HOLD, "key")
    answer = core.ask("POST", "payment_intents", HOLD | {"amount": 1001}, "key")
    assert answer.status == 400
    assert answer.json()["error"]["type"] == "idempotency_error"
    assert core.ask("POST", "customers", {}, "key").status == 400
    assert core.ask("POST", "payment_intents", HOLD, "key").status == 200


def test_a_decline_is_replayed(core: Direct) -> None:
    params = HOLD | {"payment_method": "pm_card_chargeDeclined"}
    first = core.ask("POST", "payment_intents", params, "key")
    second = core.ask("POST", "payment_intents", params, "key")
    assert first.status == second.status == 402
    assert first.body == second.body
    assert count(core) == 1


def test_a_refusal_by_state_is_replayed(core: Direct) -> None:
    hold = core.intent()
    core.post(f"payment_intents/{hold['id']}/cancel")
    path = f"payment_intents/{hold['id']}/capture"
    core.ask("POST", path, {}, "key")
    assert core.ask("POST", path, {}, "key").headers["Idempotent-Replayed"] == "true"


@pytest.mark.parametrize(
    "wrong", [{"amount": 10}, {"amount": "ten"}, {"colour": "red"}, {"currency": "xyz"}]
)
def test_a_validation_failure_does_not_use_the_key_up(
    core: Direct, wrong: dict[str, object]
) -> None:
    assert core.ask("POST", "payment_intents", HOLD | wrong, "key").status == 400
    good = core.ask("POST", "payment_intents", HOLD, "key")
    assert good.status == 200
    assert "Idempotent-Replayed" not in good.headers


@pytest.mark.parametrize("kind", ["429", "409", "500"])
def test_an_error_before_anything_was_done_does_not_use_the_key_up(core: Direct, kind: str) -> None:
    core.control("POST", "faults", {"when": "before", "kind": kind})
    assert core.ask("POST", "payment_intents", HOLD, "key").status == int(kind)
    good = core.ask("POST", "payment_intents", HOLD, "key")
    assert good.status == 200
    assert "Idempotent-Replayed" not in good.headers


def test_a_refusal_by_the_bank_on_order_is_kept_like_any_other(core: Direct) -> None:
    core.control("POST", "faults", {"when": "before", "kind": "402"})
    assert core.ask("POST", "payment_intents", HOLD, "key").status == 402
    again = core.ask("POST", "payment_intents", HOLD, "key")
    assert (again.status, again.headers["Idempotent-Replayed"]) == (402, "true")
    assert count(core) == 0


def test_no_refusal_on_order_takes_the_place_of_an_earlier_answer(core: Direct) -> None:
    assert core.ask("POST", "payment_intents", HOLD, "key").status == 200
    core.control("POST", "faults", {"when": "before", "kind": "402"})
    assert core.ask("POST", "payment_intents", HOLD, "key").status == 200
    assert count(core) == 1


def test_a_wrong_api_key_does_not_use_the_key_up(core: Direct) -> None:
    headers = {"Authorization": "Bearer sk_test_other", "Idempotency-Key": "key"}
    assert core.core.handle("POST", "/v1/customers", headers, b"").status == 401
    assert "Idempotent-Replayed" not in core.ask("POST", "customers", {}, "key").headers


def test_a_500_after_the_change_is_replayed_as_that_500(core: Direct) -> None:
    core.control("POST", "faults", {"when": "after", "kind": "500"})
    first = core.ask("POST", "payment_intents", HOLD, "key")
    second = core.ask("POST", "payment_intents", HOLD, "key")
    assert first.status == second.status == 500
    assert first.body == second.body
    assert second.headers["Idempotent-Replayed"] == "true"
    assert count(core) == 1


@pytest.mark.parametrize("kind", ["drop", "hang", "429"])
def test_after_a_lost_answer_the_true_one_is_replayed(core: Direct, kind: str) -> None:
    core.control("POST", "faults", {"when": "after", "kind": kind})
    core.ask("POST", "payment_intents", HOLD, "key")
    second = core.ask("POST", "payment_intents", HOLD, "key")
    assert second.status == 200
    assert second.headers["Idempotent-Replayed"] == "true"
    assert count(core) == 1


def test_a_key_in_flight_is_a_conflict(core: Direct) -> None:
    core.control("POST", "faults", {"when": "before", "kind": "hang", "seconds": 30})
    assert core.ask("POST", "payment_intents", HOLD, "key").broken == "hang"
    busy = core.ask("POST", "payment_intents", HOLD, "key")
    assert busy.status == 409
    assert busy.json()["error"]["code"] == "idempotency_key_in_use"
    assert core.ask("POST", "payment_intents", HOLD, "other").status == 200
    core.advance(31)
    assert core.ask("POST", "payment_intents", HOLD, "key").status == 200


def test_keys_are_forgotten_after_a_day_and_not_before(core: Direct) -> None:
    core.ask("POST", "payment_intents", HOLD, "key")
    core.advance(86_400 - 5)
    assert core.ask("POST", "payment_intents", HOLD, "key").headers["Idempotent-Replayed"]
    core.advance(10)
    assert "Idempotent-Replayed" not in core.ask("POST", "payment_intents", HOLD, "key").headers
    assert count(core) == 2


def test_a_key_has_at_most_255_characters(core: Direct) -> None:
    assert core.ask("POST", "customers", {}, "k" * 255).status == 200
    assert core.ask("POST", "customers", {}, "k" * 256).status == 400


def test_the_log_tells_what_was_carried_out_and_what_was_repeated(core: Direct) -> None:
    core.ask("POST", "customers", {}, "key")
    core.ask("POST", "customers", {}, "key")
    core.ask("POST", "customers", {"colour": "red"}, "other")
    core.get("customers")
    log = core.control("GET", "requests")["requests"]
    assert [(row["status"], row["executed"], row["replayed"]) for row in log] == [
        (200, True, False),
        (200, False, True),
        (400, False, False),
    ]
    assert {row["path"] for row in log} == {"/v1/customers"}
    assert [row["idempotency_key"] for row in log] == ["key", "key", "other"]
    assert core.control("DELETE", "requests") == {"requests": []}
