"""Holds on a saved card: a far lesson's first one, and the renewal of one that would end."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from dashboard.payments import horizon
from dashboard.payments.case import Do, Step
from dashboard.payments.facts import CardState, PaymentFacts, Status
from dashboard.payments.rules import next_step
from tests.rules.test_next_step import DAY, HOLD, HOUR, NOW, PURCHASE, WAITING

PLANNED = PaymentFacts(id=9, current=True, status=Status.PENDING, created_at=NOW - 30 * DAY)
FAR = replace(
    PURCHASE,
    expiry_policy="renew",
    announced_policy="renew",
    saves_card=True,
    card_state=CardState.SAVED,
    hold_due_at=NOW,
    give_up_at=NOW + 2 * DAY,
    capture_due_at=NOW + 84 * HOUR,
)
REFUSED = replace(PLANNED, status=Status.FAILED)
ENDING = replace(HOLD, expires_at=NOW + DAY)
RENEWED = replace(
    PURCHASE,
    expiry_policy="renew",
    announced_policy="renew",
    saves_card=True,
    capture_due_at=NOW + 9 * DAY,
    expiry_decision="renew",
    expiry_decided_for=HOLD.id,
)


def step(purchase, *payments, now: datetime = NOW) -> Step:
    return next_step(purchase, payments, None, now)


def refused(purchase, times: int, ago: timedelta = timedelta(), code: str = "card_declined"):
    return replace(
        purchase, attempts_refused=times, attempt_refused_at=NOW - ago, attempt_refused_code=code
    )


def test_a_lesson_is_far_when_a_hold_placed_now_would_end_before_its_capture():
    near = NOW + 7 * DAY - 2 * HOUR
    assert horizon.hold_at(near, NOW) is None
    late = near + timedelta(seconds=1)
    at = horizon.hold_at(late, NOW)
    assert at is not None
    # Placed then, the hold outlives the capture by 30 hours: no policy has to step in.
    assert at + horizon.MERCHANT_LIFE == late + 30 * HOUR


def test_the_hold_of_a_far_lesson_is_placed_when_its_time_has_come():
    assert (step(FAR, PLANNED).do, step(FAR, PLANNED).amount) == (Do.AUTHORIZE, 9600)
    early = step(FAR, PLANNED, now=NOW - HOUR)
    assert (early.do, early.then, early.at) == (Do.NOTHING, Do.AUTHORIZE, NOW)
    assert step(replace(FAR, owed=0), PLANNED).do is Do.NOTHING


def test_what_is_owed_for_a_far_lesson_that_was_called_off_late_is_held_at_once():
    found = step(replace(FAR, owed=4800), PLANNED, now=NOW - HOUR)
    assert (found.do, found.amount) == (Do.AUTHORIZE, 4800)


@pytest.mark.parametrize("state", [CardState.WANTED, CardState.REFUSED])
def test_no_hold_is_placed_on_a_card_that_was_not_saved(state):
    assert step(replace(FAR, card_state=state), PLANNED).do is Do.NOTHING


def test_the_saving_of_a_card_that_the_student_never_confirms_is_let_go_after_30_minutes():
    unconfirmed = replace(FAR, card_state=CardState.NEEDS_CUSTOMER, hold_due_at=NOW + 9 * DAY)
    young = replace(PLANNED, created_at=NOW - timedelta(minutes=29))
    assert (step(unconfirmed, young).do, step(unconfirmed, young).then) == (Do.NOTHING, Do.DECIDE)
    found = step(unconfirmed, replace(PLANNED, created_at=NOW - timedelta(minutes=30)))
    assert (found.do, found.why, found.owed) == (Do.DECIDE, "abandoned", 0)


@pytest.mark.parametrize(("times", "delay"), [(1, HOUR), (2, 4 * HOUR), (3, 8 * HOUR)])
def test_a_refused_hold_is_tried_again_after_1_4_and_8_hours(times, delay):
    waits = step(refused(FAR, times, delay - timedelta(seconds=1)), REFUSED)
    assert (waits.do, waits.then, waits.attention) == (Do.NOTHING, Do.AUTHORIZE, "hold_refused")
    assert step(refused(FAR, times, delay), REFUSED).do is Do.AUTHORIZE


def test_a_hold_refused_four_times_is_let_go_when_there_is_no_time_left():
    waits = step(refused(FAR, 4, 9 * HOUR), REFUSED)
    assert (waits.do, waits.at, waits.attention) == (Do.NOTHING, NOW + 2 * DAY, "hold_refused")
    over = step(refused(FAR, 4, 9 * HOUR), REFUSED, now=NOW + 2 * DAY)
    assert (over.do, over.why, over.owed) == (Do.DECIDE, "never_held", 0)


def test_a_hold_for_which_the_bank_wants_the_student_is_not_tried_again():
    asked = refused(FAR, 1, 40 * HOUR, "authentication_required")
    found = step(asked, REFUSED)
    assert (found.do, found.attention, found.at) == (
        Do.NOTHING,
        "student_confirms",
        FAR.give_up_at,
    )


def test_what_is_owed_and_was_never_held_waits_for_a_person():
    found = step(refused(replace(FAR, owed=9600), 4, 9 * HOUR), REFUSED)
    assert (found.do, found.why) == (Do.PERSON, "underpaid")
    never_saved = replace(FAR, owed=9600, card_state=CardState.REFUSED)
    assert step(never_saved, PLANNED).do is Do.PERSON


def test_a_renewal_is_decided_first_and_then_tried():
    undecided = replace(RENEWED, expiry_decision=None, expiry_decided_for=None)
    found = step(undecided, ENDING)
    assert (found.do, found.policy, found.owed) == (Do.DECIDE, "renew", None)
    assert (step(RENEWED, ENDING).do, step(RENEWED, ENDING).why) == (Do.AUTHORIZE, "renewing")


def test_a_decision_about_the_hold_before_says_nothing_about_the_present_one():
    found = step(replace(RENEWED, expiry_decided_for=HOLD.id - 1), ENDING)
    assert (found.do, found.policy) == (Do.DECIDE, "renew")


def test_the_old_hold_is_released_when_the_new_one_stands_and_not_before():
    trying = replace(WAITING, id=8, current=False, renews=HOLD.id)
    assert step(RENEWED, ENDING, trying).do is Do.NOTHING
    stands = replace(HOLD, id=8, renews=HOLD.id, expires_at=NOW + 4 * DAY)
    found = step(RENEWED, replace(ENDING, current=False), stands)
    assert (found.do, found.payment_id) == (Do.RELEASE, HOLD.id)


def test_a_declined_renewal_is_tried_again_though_its_intent_could_take_another_card():
    declined = replace(
        WAITING,
        id=8,
        current=False,
        renews=HOLD.id,
        status=Status.FAILED,
        intent_status="requires_payment_method",
        created_at=NOW - HOUR,
    )
    assert step(refused(RENEWED, 1, HOUR), ENDING, declined).do is Do.AUTHORIZE


def test_a_renewal_that_the_student_leaves_unfinished_is_cancelled_and_the_hold_stays():
    left = replace(WAITING, id=8, current=False, renews=HOLD.id, created_at=NOW - HOUR)
    found = step(RENEWED, ENDING, left)
    assert (found.do, found.why, found.payment_id) == (Do.RELEASE, "cancel_intent", 8)


@pytest.mark.parametrize(
    ("announced", "then"), [("capture", "capture"), ("release", "release"), ("renew", "alert")]
)
def test_a_renewal_that_fails_gives_way_to_what_was_announced_or_to_a_person(announced, then):
    for hopeless in (
        refused(replace(RENEWED, announced_policy=announced), 4, HOUR),
        replace(RENEWED, announced_policy=announced, saves_card=False),
    ):
        found = step(hopeless, ENDING)
        assert (found.do, found.policy) == (Do.DECIDE, then)


def test_a_renewal_waits_for_the_student_until_two_hours_before_the_end():
    asked = refused(
        replace(RENEWED, announced_policy="capture"), 1, HOUR, "authentication_required"
    )
    found = step(asked, ENDING)
    assert (found.do, found.at, found.attention) == (
        Do.NOTHING,
        NOW + 22 * HOUR,
        "student_confirms",
    )
    late = step(asked, ENDING, now=NOW + 22 * HOUR)
    assert (late.do, late.policy) == (Do.DECIDE, "capture")


def test_nothing_is_captured_above_a_pause_because_a_renewal_failed():
    paused = replace(
        RENEWED, announced_policy="capture", policy_override=True, paused_until=NOW + 20 * DAY
    )
    found = step(refused(paused, 4, HOUR), ENDING)
    assert (found.do, found.policy) == (Do.DECIDE, "alert")


def test_a_far_lesson_whose_early_attempt_failed_is_held_when_its_time_comes():
    early = step(FAR, REFUSED, now=NOW - HOUR)
    assert (early.do, early.then, early.at) == (Do.NOTHING, Do.AUTHORIZE, NOW)
    assert step(FAR, REFUSED).do is Do.AUTHORIZE


def test_a_card_that_is_never_saved_is_waited_for_until_the_lesson_is_let_go():
    wanted = replace(FAR, card_state=CardState.WANTED)
    assert step(wanted, PLANNED).at == FAR.give_up_at
    assert step(wanted, PLANNED, now=NOW + 2 * DAY).why == "never_held"
