"""What happens next to a purchase's money: the table of docs/payments.md, row by row."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboard.payments.case import Do, Step, retry_at
from dashboard.payments.facts import (
    OperationFacts,
    PaymentFacts,
    PurchaseFacts,
    State,
    Status,
    Verb,
)
from dashboard.payments.rules import next_step

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)

PURCHASE = PurchaseFacts(
    id=1,
    currency="usd",
    price=9600,
    at_once=False,
    expiry_policy="capture",
    capture_due_at=NOW + DAY,
)
HOLD = PaymentFacts(
    id=7,
    current=True,
    status=Status.AUTHORIZED,
    created_at=NOW - DAY,
    intent_id="pi_1",
    intent_status="requires_capture",
    authorized=9600,
    expires_at=NOW + 6 * DAY,
)
CAPTURED = replace(HOLD, status=Status.CAPTURED, intent_status="succeeded", captured=9600)
WAITING = replace(
    HOLD,
    status=Status.PENDING,
    intent_status="requires_action",
    authorized=0,
    expires_at=None,
    created_at=NOW,
)
OPERATION = OperationFacts(
    id="op",
    payment_id=7,
    verb=Verb.CAPTURE,
    state=State.UNKNOWN,
    amount=9600,
    asked_by="Ana",
    asked_at=NOW - HOUR,
    due_at=NOW,
    unknown_since=NOW - HOUR,
)


def step(purchase=PURCHASE, *payments, operation=None, now=NOW) -> Step:
    return next_step(purchase, payments or (HOLD,), operation, now)


def test_an_open_dispute_is_a_persons_matter_before_anything_else():
    found = step(replace(PURCHASE, owed=0), replace(CAPTURED, disputed=True), operation=OPERATION)
    assert (found.do, found.why, found.attention) == (Do.PERSON, "disputed", "disputed")


def test_a_failed_refund_waits_for_a_person():
    found = step(replace(PURCHASE, owed=0), replace(CAPTURED, refund_trouble=True))
    assert (found.do, found.why) == (Do.PERSON, "refund_failed")


def test_a_refund_under_way_is_brought_to_its_end_though_an_earlier_one_has_failed():
    again = replace(OPERATION, verb=Verb.REFUND)
    failed = replace(CAPTURED, refund_trouble=True)
    assert step(replace(PURCHASE, owed=0), failed, operation=again).do is Do.RESUME


def test_a_stalled_operation_waits_for_a_person():
    found = step(operation=replace(OPERATION, state=State.STALLED))
    assert (found.do, found.operation_id) == (Do.PERSON, "op")


def test_an_open_operation_is_resumed_when_it_is_due_and_not_before():
    assert step(operation=OPERATION).do is Do.RESUME
    later = step(operation=replace(OPERATION, due_at=NOW + HOUR))
    assert (later.do, later.then, later.at) == (Do.NOTHING, Do.RESUME, NOW + HOUR)


def test_an_outcome_unknown_for_15_minutes_calls_for_attention_and_goes_on_being_resumed():
    assert step(operation=OPERATION).attention == "unknown"
    young = replace(OPERATION, unknown_since=NOW - timedelta(minutes=14, seconds=59))
    assert step(operation=young).attention is None


def test_a_hold_that_is_not_current_is_released_and_a_capture_refunded():
    old = replace(HOLD, id=6, current=False)
    assert (step(PURCHASE, HOLD, old).do, step(PURCHASE, HOLD, old).payment_id) == (Do.RELEASE, 6)
    twice = replace(CAPTURED, id=8, current=False)
    found = step(PURCHASE, CAPTURED, twice)
    assert (found.do, found.payment_id, found.amount) == (Do.REFUND, 8, 9600)


def test_a_waiting_intent_is_cancelled_when_nothing_is_owed():
    found = step(replace(PURCHASE, owed=0), WAITING)
    assert (found.do, found.why) == (Do.RELEASE, "cancel_intent")


def test_a_waiting_intent_is_cancelled_when_another_payment_was_captured():
    found = step(PURCHASE, CAPTURED, replace(WAITING, id=9, current=False))
    assert (found.do, found.payment_id) == (Do.RELEASE, 9)


def test_an_intent_that_the_bank_is_processing_can_only_be_waited_for():
    found = step(replace(PURCHASE, owed=0), replace(WAITING, intent_status="processing"))
    assert (found.do, found.then) == (Do.NOTHING, Do.READ)


def test_a_hold_for_which_nothing_is_owed_is_released():
    found = step(replace(PURCHASE, owed=0))
    assert (found.do, found.amount) == (Do.RELEASE, 9600)


def test_what_is_owed_is_captured_when_due_and_the_rest_goes_back():
    found = step(replace(PURCHASE, owed=4800, capture_due_at=NOW))
    assert (found.do, found.amount) == (Do.CAPTURE, 4800)


def test_a_capture_that_is_not_due_yet_waits_for_the_lesson():
    found = step()
    assert (found.do, found.why, found.at, found.then) == (
        Do.NOTHING,
        "lesson",
        NOW + DAY,
        Do.CAPTURE,
    )


def test_a_lesson_that_nobody_ended_is_decided_by_itself_at_the_full_price():
    found = step(replace(PURCHASE, capture_due_at=NOW))
    assert (found.do, found.why, found.owed) == (Do.DECIDE, "by_itself", 9600)


def test_a_pause_stops_the_capture():
    paused = replace(PURCHASE, owed=9600, capture_due_at=NOW, paused_until=NOW + HOUR)
    found = step(paused)
    assert (found.do, found.why, found.at) == (Do.NOTHING, "paused", NOW + HOUR)


@pytest.mark.parametrize(("policy", "owed"), [("capture", 9600), ("release", 0), ("alert", None)])
def test_the_expiry_policy_decides_a_day_before_a_hold_that_would_die_unattended(policy, owed):
    far = replace(PURCHASE, expiry_policy=policy, capture_due_at=NOW + 9 * DAY)
    hold = replace(HOLD, expires_at=NOW + DAY)
    assert step(far, replace(hold, expires_at=NOW + DAY + timedelta(seconds=1))).do is Do.NOTHING
    found = step(far, hold)
    assert (found.do, found.why, found.owed, found.policy) == (
        Do.DECIDE,
        f"policy_{policy}",
        owed,
        policy,
    )


def test_no_early_capture_when_the_planned_one_comes_two_hours_before_expiry():
    hold = replace(HOLD, expires_at=NOW + 10 * HOUR)
    on_time = replace(PURCHASE, capture_due_at=NOW + 8 * HOUR)
    assert step(on_time, hold).do is Do.NOTHING
    late = replace(PURCHASE, capture_due_at=NOW + 8 * HOUR + timedelta(seconds=1))
    assert step(late, hold).do is Do.DECIDE


def test_an_alerted_expiry_is_a_persons_matter_until_the_hold_has_ended():
    far = replace(
        PURCHASE,
        expiry_policy="alert",
        expiry_decision="alert",
        expiry_decided_for=7,
        capture_due_at=NOW + 9 * DAY,
    )
    assert step(far, replace(HOLD, expires_at=NOW + HOUR)).do is Do.PERSON
    assert step(far, replace(HOLD, expires_at=NOW)).do is Do.READ


def test_a_pause_beyond_the_expiry_needs_a_recorded_decision():
    paused = replace(PURCHASE, paused_until=NOW + 9 * DAY)
    hold = replace(HOLD, expires_at=NOW + DAY)
    assert (step(paused, hold).do, step(paused, hold).why) == (Do.PERSON, "paused_past_expiry")
    chosen = replace(paused, policy_override=True)
    assert step(chosen, hold).do is Do.DECIDE
    decided = replace(chosen, owed=9600, expiry_decision="capture", expiry_decided_for=7)
    assert step(replace(decided, capture_due_at=NOW), hold).do is Do.CAPTURE


def test_a_chosen_policy_does_not_end_a_pause_before_the_hold_is_about_to():
    paused = replace(PURCHASE, policy_override=True, capture_due_at=NOW, paused_until=NOW + 9 * DAY)
    assert step(paused).do is Do.NOTHING


def test_more_kept_than_owed_is_refunded_pending_refunds_and_lost_disputes_counted():
    paid = replace(CAPTURED, refunded=1000, refund_pending=600, lost=500)
    found = step(replace(PURCHASE, owed=7000), paid)
    assert (found.do, found.amount) == (Do.REFUND, 500)
    assert step(replace(PURCHASE, owed=7500), paid).do is Do.NOTHING


@pytest.mark.parametrize("reason", ["expired", "released"])
def test_a_hold_that_ended_unpaid_while_something_is_owed_waits_for_a_person(reason):
    gone = replace(HOLD, status=Status.RELEASED, intent_status="canceled", end_reason=reason)
    for owed in (None, 9600):
        found = step(replace(PURCHASE, owed=owed), gone)
        assert (found.do, found.why) == (Do.PERSON, reason)
    assert step(replace(PURCHASE, owed=0), gone).do is Do.NOTHING


def test_captured_for_less_than_is_owed_waits_for_a_person():
    found = step(replace(PURCHASE, owed=9600), replace(CAPTURED, captured=6000))
    assert (found.do, found.why) == (Do.PERSON, "underpaid")


def test_an_abandoned_authentication_is_decided_after_30_minutes():
    almost = step(PURCHASE, WAITING, now=NOW + timedelta(minutes=29, seconds=59))
    assert (almost.do, almost.why) == (Do.NOTHING, "customer")
    end = NOW + timedelta(minutes=30)
    found = step(PURCHASE, replace(WAITING, synced_at=end), now=end)
    assert (found.do, found.why, found.owed) == (Do.DECIDE, "abandoned", 0)


def test_a_hold_beside_a_stalled_movement_is_read_when_it_ends():
    stalled = replace(OPERATION, state=State.STALLED, payment_id=8)
    hold = replace(HOLD, expires_at=NOW + HOUR)
    waits = step(PURCHASE, hold, operation=stalled)
    assert (waits.do, waits.why, waits.at) == (Do.PERSON, "stalled", NOW + HOUR)
    over = step(PURCHASE, hold, operation=stalled, now=NOW + HOUR)
    assert (over.do, over.payment_id, over.attention) == (Do.READ, hold.id, "stalled")
    known = replace(hold, synced_at=NOW + HOUR)
    again = step(PURCHASE, known, operation=stalled, now=NOW + HOUR)
    assert (again.do, again.why) == (Do.PERSON, "stalled") and again.at > NOW + HOUR


def test_stripe_is_asked_before_a_payment_is_given_up():
    end = NOW + timedelta(minutes=30)
    for seen in (None, NOW, end - timedelta(seconds=1)):
        found = step(PURCHASE, replace(WAITING, synced_at=seen), now=end)
        assert (found.do, found.payment_id, found.owed) == (Do.READ, 7, None)


def test_a_declined_booking_waits_for_another_try_until_its_capture_would_be_due():
    declined = replace(WAITING, status=Status.FAILED, intent_status="requires_payment_method")
    assert step(PURCHASE, declined).why == "declined"
    found = step(replace(PURCHASE, capture_due_at=NOW), replace(declined, synced_at=NOW))
    assert (found.do, found.why, found.owed) == (Do.DECIDE, "never_paid", 0)


def test_the_last_send_is_a_minute_before_expiry_and_then_stripe_is_read():
    due = replace(PURCHASE, owed=9600, capture_due_at=NOW - HOUR)
    assert step(due, replace(HOLD, expires_at=NOW + timedelta(seconds=60))).do is Do.CAPTURE
    closing = step(due, replace(HOLD, expires_at=NOW + timedelta(seconds=59)))
    assert (closing.do, closing.then) == (Do.NOTHING, Do.READ)
    assert step(due, replace(HOLD, expires_at=NOW)).do is Do.READ


def test_an_estimated_expiry_never_stops_a_try():
    due = replace(PURCHASE, owed=9600, capture_due_at=NOW - HOUR)
    found = step(due, replace(HOLD, expires_at=NOW - HOUR, expires_estimated=True))
    assert found.do is Do.CAPTURE


def test_a_refused_capture_is_tried_again_later_and_calls_for_a_person_after_three():
    due = replace(
        PURCHASE, owed=9600, capture_due_at=NOW - HOUR, refused_count=2, refused_last_at=NOW
    )
    found = step(due)
    assert (found.do, found.why, found.then) == (Do.NOTHING, "refused", Do.CAPTURE)
    assert found.at == NOW + timedelta(minutes=2)
    assert found.attention is None
    assert step(replace(due, refused_count=3)).attention == "keeps_failing"


@given(
    count=st.integers(1, 50),
    left=st.timedeltas(min_value=timedelta(minutes=3), max_value=timedelta(days=7)),
)
def test_a_retry_never_sleeps_through_the_end_of_a_hold(count, left):
    refused = replace(PURCHASE, refused_count=count, refused_last_at=NOW)
    at = retry_at(refused, NOW + left)
    assert at is not None
    assert NOW + timedelta(minutes=1) <= at <= NOW + left - timedelta(seconds=60)
    assert at - NOW <= max(timedelta(minutes=1), left / 4)


_amounts = st.integers(0, 9600)


@given(
    owed=st.none() | _amounts,
    status=st.sampled_from(list(Status)),
    captured=_amounts,
    refunded=_amounts,
    hours=st.integers(-200, 200),
    due=st.none() | st.integers(-200, 200),
    policy=st.sampled_from(["capture", "release", "alert"]),
)
def test_there_is_always_an_answer_and_it_never_moves_more_than_there_is(
    owed, status, captured, refunded, hours, due, policy
):
    taken = captured if status in (Status.CAPTURED, Status.REFUNDED) else 0
    payment = replace(
        HOLD,
        status=status,
        captured=taken,
        refunded=min(refunded, taken),
        expires_at=NOW + timedelta(hours=hours),
    )
    purchase = replace(
        PURCHASE,
        owed=owed,
        expiry_policy=policy,
        capture_due_at=None if due is None else NOW + timedelta(hours=due),
    )
    found = step(purchase, payment)
    if found.do is Do.CAPTURE:
        assert payment.held
        assert 0 < found.amount <= min(payment.authorized, owed or 0)
    if found.do is Do.REFUND:
        assert found.amount == payment.kept - (owed or 0) > 0
    if found.do is Do.RELEASE:
        assert owed == 0
