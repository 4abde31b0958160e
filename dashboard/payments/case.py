"""The case that the rules judge, and the form of their answer. Pure.

Amounts are minor units; instants are aware and in UTC.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from dashboard.payments.facts import OperationFacts, PaymentFacts, PurchaseFacts

POLICY_BEFORE_EXPIRY = timedelta(hours=24)
PLAN_MARGIN = timedelta(hours=2)
LAST_SEND_BEFORE_EXPIRY = timedelta(seconds=60)
ABANDONED_AFTER = timedelta(minutes=30)
UNKNOWN_ALERT_AFTER = timedelta(minutes=15)
READ_EVERY = timedelta(minutes=1)
# An estimated end says little, and a hold may outlive it by days.
READ_ESTIMATED_EVERY = timedelta(hours=1)
# A refund or a dispute takes days, and its end may be told by an event that gets lost.
READ_SLOWLY_EVERY = timedelta(hours=6)
FIRST_RETRY = timedelta(minutes=1)
LONGEST_RETRY = timedelta(hours=1)
REFUSALS_UNTIL_A_PERSON_LOOKS = 3
# When a hold that was refused off-session is tried again, after one, two and three refusals.
HOLD_RETRIES = (timedelta(hours=1), timedelta(hours=4), timedelta(hours=8))
# The bank's way of saying that the student has to confirm: trying again is of no use.
ASKS_THE_STUDENT = "authentication_required"


class Do(StrEnum):
    """What is to be done. READ asks Stripe how things stand; PERSON waits for somebody."""

    NOTHING = "nothing"
    PERSON = "person"
    READ = "read"
    DECIDE = "decide"
    RESUME = "resume"
    AUTHORIZE = "authorize"
    CAPTURE = "capture"
    RELEASE = "release"
    REFUND = "refund"


@dataclass(frozen=True, slots=True)
class Step:
    """The answer of `next_step`.

    `do` is for now. When it is NOTHING, `then` is what is planned and `at` when (None: it waits for
    something other than time). `why` is a code that the desk turns into a sentence. `owed` and
    `policy` belong to DECIDE. Amounts in minor units.
    """

    do: Do
    why: str
    at: datetime | None = None
    then: Do | None = None
    payment_id: int | None = None
    operation_id: str | None = None
    amount: int = 0
    owed: int | None = None
    policy: str | None = None
    attention: str | None = None


@dataclass(frozen=True, slots=True)
class Case:
    """All that the rules may look at."""

    purchase: PurchaseFacts
    payments: Sequence[PaymentFacts]
    operation: OperationFacts | None
    now: datetime

    @property
    def current(self) -> PaymentFacts | None:
        return next((payment for payment in self.payments if payment.current), None)

    @property
    def hold(self) -> PaymentFacts | None:
        return self.current if self.current and self.current.held else None

    @property
    def decision(self) -> str | None:
        """What was decided about the present hold because it would end too early."""
        decided_for = self.purchase.expiry_decided_for
        present = self.hold is not None and self.hold.id == decided_for
        return self.purchase.expiry_decision if present else None

    @property
    def paused(self) -> bool:
        """Staff want no automatic capture yet; an early capture was decided above a pause."""
        until = self.purchase.paused_until
        return until is not None and until > self.now and self.decision != "capture"

    @property
    def planned_at(self) -> datetime | None:
        """When the capture would come by itself: the due time, or the end of a pause after it."""
        due, pause = self.purchase.capture_due_at, self.purchase.paused_until
        if due is None or pause is None or self.decision == "capture":
            return due
        return max(due, pause)


def retry_at(purchase: PurchaseFacts, expires_at: datetime | None) -> datetime | None:
    """When a refused movement may be tried again, or None when nothing was refused.

    The delay doubles from a minute to an hour, is never more than a quarter of the time that the
    hold has left, and never less than a minute.
    """
    last = purchase.refused_last_at
    if purchase.refused_count == 0 or last is None:
        return None
    delay: timedelta = min(FIRST_RETRY * 2 ** min(purchase.refused_count - 1, 10), LONGEST_RETRY)
    if expires_at is None:
        return last + delay
    delay = max(FIRST_RETRY, min(delay, (expires_at - last) / 4))
    final = expires_at - LAST_SEND_BEFORE_EXPIRY
    return min(last + delay, final) if last < final else last + delay


def movement(case: Case, do: Do, why: str, payment: PaymentFacts, amount: int) -> Step:
    """`do` now, or at the next try when Stripe has refused it before."""
    again = retry_at(case.purchase, payment.expires_at if payment.held else None)
    stuck = case.purchase.refused_count >= REFUSALS_UNTIL_A_PERSON_LOOKS
    later = again is not None and again > case.now
    return Step(
        Do.NOTHING if later else do,
        "refused" if later else why,
        at=again if later else case.now,
        then=do,
        payment_id=payment.id,
        amount=amount,
        attention="keeps_failing" if stuck else None,
    )


def person(why: str, payment: PaymentFacts) -> Step:
    return Step(Do.PERSON, why, payment_id=payment.id, attention=why)
