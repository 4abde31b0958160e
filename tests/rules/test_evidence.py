"""Stripe's present view becomes amounts, movements and proofs, whatever we believed before."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from dashboard.payments.evidence import ESTIMATED_LIFE, movements, standing
from dashboard.payments.facts import State, Status, Verb
from dashboard.payments.proof import outcome
from dashboard.snapshots import Charge, Dispute, FundsMoved, Intent, Refund, Refusal

AT = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
CHARGE = Charge(
    id="ch_1",
    created_at=AT,
    status="succeeded",
    amount=9600,
    captured=False,
    amount_captured=0,
    capture_before=AT + timedelta(days=7),
)
HELD = Intent(
    id="pi_1",
    status="requires_capture",
    currency="usd",
    amount=9600,
    amount_received=0,
    created_at=AT,
    fetched_at=AT + timedelta(hours=1),
    manual=True,
    operation_id="create",
    charge=CHARGE,
)
TAKEN = replace(
    HELD,
    status="succeeded",
    amount_received=6000,
    operation_id="capture",
    charge=replace(CHARGE, captured=True, amount_captured=6000, settled_at=AT + timedelta(days=1)),
)
REFUSED = Refusal("card_declined", "Your card was declined.", "insufficient_funds")
GONE = replace(HELD, status="canceled", canceled_at=AT + timedelta(days=7))


def test_a_hold_is_reserved_money_that_is_not_taken():
    found = standing(HELD)
    assert found["payment_status"] is Status.AUTHORIZED
    assert (found["authorized_amount"], found["captured_amount"]) == (9600, 0)
    assert found["authorization_expires_at"] == AT + timedelta(days=7)
    assert found["expires_source"] == "network"


def test_without_capture_before_the_expiry_is_an_estimate_and_says_so():
    found = standing(replace(HELD, charge=replace(CHARGE, capture_before=None)))
    assert found["authorization_expires_at"] == AT + ESTIMATED_LIFE
    assert found["expires_source"] == "estimate"


def test_a_partial_capture_names_what_went_back():
    found = standing(TAKEN)
    assert (found["payment_status"], found["captured_amount"]) == (Status.CAPTURED, 6000)
    end = [movement for movement in movements(TAKEN) if movement.key == "end:ch_1"]
    assert [(m.kind, m.amount, m.given_back) for m in end] == [("captured", 6000, 3600)]


def test_the_time_of_a_capture_is_stripes_own_else_the_events_else_the_fetchs():
    unsettled = replace(TAKEN, charge=replace(TAKEN.charge, settled_at=None))
    seen = AT + timedelta(days=2)
    assert list(movements(TAKEN))[-1].occurred_by == "stripe"
    assert list(movements(unsettled, seen))[-1].occurred_at == seen
    assert list(movements(unsettled))[-1].occurred_by == "fetch"


@pytest.mark.parametrize(
    ("reason", "end", "kind"),
    [
        ("expired", "expired", "expired"),
        ("automatic", "expired", "expired"),
        ("requested_by_customer", "released", "released"),
        (None, "released", "released"),
    ],
)
def test_a_cancelled_hold_tells_expiry_from_release(reason: str | None, end: str, kind: str):
    gone = replace(GONE, cancellation_reason=reason)
    assert (standing(gone)["payment_status"], standing(gone)["end_reason"]) == (
        Status.RELEASED,
        end,
    )
    assert [movement.kind for movement in movements(gone)] == ["authorized", kind]


def test_an_intent_cancelled_before_any_hold_is_a_failed_attempt():
    gone = replace(GONE, charge=None, cancellation_reason="abandoned")
    assert standing(gone)["payment_status"] is Status.FAILED
    assert [movement.key for movement in movements(gone)] == ["cancel:pi_1"]


def test_a_declined_charge_holds_nothing_and_counts_once_under_its_id():
    declined = replace(
        HELD,
        status="requires_payment_method",
        last_refusal=REFUSED,
        charge=replace(CHARGE, status="failed", refusal=REFUSED, capture_before=None),
    )
    found = standing(declined)
    assert (found["payment_status"], found["refusal_code"]) == (
        Status.FAILED,
        "insufficient_funds",
    )
    assert found["authorized_amount"] == 0
    assert [movement.key for movement in movements(declined)] == ["declined:ch_1"]
    before_any_charge = replace(declined, charge=None)
    assert [movement.key for movement in movements(before_any_charge)] == ["declined:create"]


def test_refunds_count_by_their_state_and_a_failed_one_gives_the_amount_back():
    one = Refund("re_1", 2000, "succeeded", AT, operation_id="refund")
    two = Refund("re_2", 1500, "pending", AT)
    found = standing(replace(TAKEN, refunds=(one, two)))
    assert (found["refunded_amount"], found["refund_pending_amount"]) == (2000, 1500)
    failed = standing(replace(TAKEN, refunds=(replace(one, status="failed"),)))
    assert (failed["payment_status"], failed["refunded_amount"]) == (Status.CAPTURED, 0)
    full = standing(replace(TAKEN, refunds=(replace(one, amount=6000),)))
    assert full["payment_status"] is Status.REFUNDED


def test_a_lost_dispute_is_a_subtraction_and_an_open_one_is_not():
    moved = FundsMoved("txn_1", -6000, AT)
    dispute = Dispute("dp_1", 6000, "needs_response", "fraudulent", AT, funds=(moved,))
    opened = standing(replace(TAKEN, disputes=(dispute,)))
    assert (opened["disputed_amount"], opened["lost_amount"]) == (6000, 0)
    assert opened["payment_status"] is Status.CAPTURED
    lost = replace(TAKEN, disputes=(replace(dispute, status="lost"),))
    assert (standing(lost)["disputed_amount"], standing(lost)["lost_amount"]) == (0, 6000)
    assert [movement.key for movement in movements(lost)][-3:] == [
        "dispute:dp_1:opened",
        "funds:txn_1",
        "dispute:dp_1:closed",
    ]


def test_22_a_refund_that_failed_later_failed_when_that_was_learnt_and_for_the_banks_reason():
    made = Refund("re_1", 2000, "failed", AT, "duplicate", "op", "expired_or_canceled_card")
    taken, told = replace(TAKEN, refunds=(made,)), AT + timedelta(days=5)
    found = [one for one in movements(taken, told) if one.kind == "refund_failed"]
    assert [(one.occurred_at, one.occurred_by) for one in found] == [(told, "event")]
    assert found[0].reason == "expired_or_canceled_card"
    # An event from before the refund was made says nothing about its end.
    late = next(m for m in movements(taken, AT - timedelta(days=1)) if m.kind == "refund_failed")
    assert (late.occurred_at, late.occurred_by) == (TAKEN.fetched_at, "fetch")
    canceled = replace(made, status="canceled", failure_reason=None)
    assert [m.reason for m in movements(replace(TAKEN, refunds=(canceled,)))][-1] == "canceled"


@pytest.mark.parametrize(
    ("statuses", "told"),
    [
        (("needs_response", "won"), "dp_0"),
        (("won", "lost"), "dp_1"),
        (("under_review", "needs_response"), "dp_1"),
        (("needs_response", "needs_response"), "dp_1"),
        (("warning_needs_response", "under_review"), "dp_1"),
        (("warning_closed", "warning_under_review"), "dp_1"),
    ],
)
def test_23_of_two_disputes_the_pressing_one_is_told_and_both_are_counted(
    statuses: tuple[str, str], told: str
):
    first, second = (
        Dispute(
            f"dp_{number}",
            1000 * (number + 1),
            status,
            "fraudulent",
            AT + timedelta(hours=number),
            due_at=AT + timedelta(days=9 - number),
        )
        for number, status in enumerate(statuses)
    )
    found = standing(replace(TAKEN, disputes=(first, second)))
    assert found["dispute_id"] == told
    open_ones = [one for one in (first, second) if one.open]
    assert found["disputed_amount"] == sum(one.amount for one in open_ones)
    assert (found["dispute_due_at"] is not None) == bool(open_ones)
    assert found["lost_amount"] == sum(o.amount for o in (first, second) if o.status == "lost")


def test_23_every_step_of_a_dispute_is_one_line_of_the_story():
    dispute = Dispute("dp_1", 6000, "under_review", "fraudulent", AT)
    told = AT + timedelta(days=3)
    answered = list(movements(replace(TAKEN, disputes=(dispute,)), told))[-2:]
    assert [one.kind for one in answered] == ["dispute_opened", "dispute_answered"]
    assert answered[1].occurred_at == told
    asked = replace(dispute, status="warning_needs_response")
    assert [m.kind for m in movements(replace(TAKEN, disputes=(asked,)))][-1] == "dispute_opened"
    closed = replace(dispute, status="warning_closed")
    ended = list(movements(replace(TAKEN, disputes=(closed,)), told))[-1]
    assert (ended.kind, ended.reason, ended.occurred_at) == (
        "dispute_closed",
        "warning_closed",
        told,
    )
    assert standing(replace(TAKEN, disputes=(closed,)))["lost_amount"] == 0


@pytest.mark.parametrize(
    ("intent", "verb", "operation", "is_open", "proven"),
    [
        (HELD, Verb.AUTHORIZE, "create", True, State.SUCCEEDED),
        (HELD, Verb.CAPTURE, "capture", True, None),
        (TAKEN, Verb.CAPTURE, "capture", True, State.SUCCEEDED),
        (TAKEN, Verb.CAPTURE, "capture", False, State.SUCCEEDED),
        (TAKEN, Verb.CAPTURE, "another", True, None),
        (TAKEN, Verb.RELEASE, "release", True, None),
        (replace(GONE, cancellation_reason="expired"), Verb.RELEASE, "release", True, None),
        (GONE, Verb.RELEASE, "release", True, State.SUCCEEDED),
        (GONE, Verb.RELEASE, "release", False, None),
        (TAKEN, Verb.REFUND, "refund", True, None),
    ],
)
def test_only_matching_evidence_ends_an_operation(
    intent: Intent, verb: Verb, operation: str, is_open: bool, proven: State | None
):
    assert outcome(operation, (verb, verb), is_open, intent) is proven
