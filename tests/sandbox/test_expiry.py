"""The end of an authorization, to the second, on a clock that can be moved."""

import pytest

from tests.sandbox.direct import Direct

WEEK = 7 * 86_400
VISA_OFF_SESSION = 4 * 86_400 + 18 * 3600


def capture_before(core: Direct, intent: str) -> int | None:
    charge = core.get(f"payment_intents/{intent}", expand=["latest_charge"])["latest_charge"]
    instant: int | None = charge["payment_method_details"]["card"]["capture_before"]
    return instant


@pytest.mark.parametrize(
    ("card", "off_session", "life"),
    [
        ("pm_card_visa", False, WEEK),
        ("pm_card_visa", True, VISA_OFF_SESSION),
        ("pm_card_mastercard", True, WEEK),
    ],
)
def test_a_hold_says_until_when_it_can_be_captured(
    core: Direct, card: str, off_session: bool, life: int
) -> None:
    hold = core.intent(card, off_session=off_session)
    assert capture_before(core, hold["id"]) == hold["created"] + life


def test_a_hold_can_be_captured_until_its_last_second(core: Direct) -> None:
    hold = core.intent()
    core.move_to(hold["created"] + WEEK - 0.5)
    assert core.post(f"payment_intents/{hold['id']}/capture")["status"] == "succeeded"


def test_a_hold_is_over_at_the_very_second(core: Direct) -> None:
    hold = core.intent()
    core.move_to(hold["created"] + WEEK)
    error = core.refused(f"payment_intents/{hold['id']}/capture")
    assert error["code"] == "payment_intent_unexpected_state"
    over = core.get(f"payment_intents/{hold['id']}")
    assert (over["status"], over["cancellation_reason"]) == ("canceled", "expired")
    assert over["canceled_at"] == hold["created"] + WEEK
    assert core.event_types()[-2:] == ["charge.expired", "payment_intent.canceled"]
    assert core.get("refunds")["data"] == []
    assert core.get(f"charges/{hold['latest_charge']}")["amount_refunded"] == 0


def test_a_jump_over_months_lets_everything_happen_at_its_own_instant(core: Direct) -> None:
    first = core.intent()
    core.advance(3600)
    second = core.intent(off_session=True)
    core.advance(20 * 86_400)
    events = core.get("events", type="payment_intent.canceled")["data"]
    by_intent = {event["data"]["object"]["id"]: event["created"] for event in events}
    assert by_intent == {
        first["id"]: first["created"] + WEEK,
        second["id"]: second["created"] + VISA_OFF_SESSION,
    }
    # The newest one stands first: the second hold ended before the first.
    assert events[0]["data"]["object"]["id"] == first["id"]
    assert events[0]["request"] == {"id": None, "idempotency_key": None}


@pytest.mark.parametrize("verb", ["capture", "cancel"])
def test_what_has_ended_does_not_expire(core: Direct, verb: str) -> None:
    hold = core.intent()
    ended = core.post(f"payment_intents/{hold['id']}/{verb}")
    core.advance(8 * 86_400)
    assert core.get(f"payment_intents/{hold['id']}") == ended
    assert "charge.expired" not in core.event_types()


def test_the_next_hold_can_be_told_when_to_end(core: Direct) -> None:
    core.control("POST", "next_authorization", {"capture_before": 600})
    short = core.intent()
    assert capture_before(core, short["id"]) == pytest.approx(short["created"] + 600, abs=1)
    assert capture_before(core, core.intent()["id"]) == pytest.approx(
        short["created"] + WEEK, abs=2
    )
    core.advance(601)
    assert core.get(f"payment_intents/{short['id']}")["cancellation_reason"] == "expired"


def test_the_next_hold_can_hide_its_end(core: Direct) -> None:
    core.control("POST", "next_authorization", {"capture_before": None})
    hold = core.intent()
    assert capture_before(core, hold["id"]) is None
    core.advance(WEEK + 1)
    assert core.get(f"payment_intents/{hold['id']}")["cancellation_reason"] == "expired"
