"""A lesson's story from the order to its end, in the words of the people who take part."""

from datetime import datetime, timedelta

from dashboard.bookings import policy
from dashboard.bookings.endings import Ending
from dashboard.bookings.queries import BY_ITSELF_AFTER
from dashboard.payments import story
from dashboard.payments.actors import SWEEP, Actor
from dashboard.payments.case import (
    ABANDONED_AFTER,
    LAST_SEND_BEFORE_EXPIRY,
    PLAN_MARGIN,
    POLICY_BEFORE_EXPIRY,
)
from dashboard.payments.horizon import CUSTOMER_LIFE, MERCHANT_LIFE
from dashboard.payments.tables import Payment
from dashboard.seeding.past import booked
from dashboard.seeding.past.shop import Lesson, Shop
from dashboard.snapshots import Refusal

SECOND = timedelta(seconds=1)
BANK_IS_AWAY = Refusal("processing_error", "The card network could not be reached. Try again.")


class Tale:
    """One lesson with its money. `held_until` is when the present hold ends."""

    def __init__(self, shop: Shop, lesson: Lesson, policy_of_the_day: str) -> None:
        self.shop, self.lesson = shop, lesson
        self.account, self.booking = booked.begin(shop, lesson, policy_of_the_day)
        self.due_at = lesson.ends_at + BY_ITSELF_AFTER
        self.held_until: datetime | None = None
        self.captured_at: datetime | None = None
        # Its hold has ended by itself, and nothing was taken.
        self.unpaid = False
        # Intents that wait for another card, which the clock cancels when the matter is over.
        self._left: list[Payment] = []

    # Up to the hold.

    def held(self, at: datetime, card: str, life: timedelta | None = None) -> bool:
        """The student pays and the card is held."""
        account, by = self.account, self.account.student
        if not account.pay(at, by, card=card, life=life.total_seconds() if life else None):
            return False
        self.stands(at, life or CUSTOMER_LIFE)
        return True

    def stands(self, at: datetime, life: timedelta) -> None:
        self.held_until = at + life
        if self.booking.status == "pending":
            self.booking.status = "confirmed"

    def declined(self, at: datetime, card: str) -> bool:
        """The bank says no; the intent waits for another card."""
        if not self.account.pay(at, self.account.student, card=card):
            return False
        self._left.append(self.account.present)
        return True

    def confirmed(self, at: datetime, card: str, after: timedelta) -> bool:
        """The bank wants its customer to confirm, who does."""
        if not self.account.pay(at, self.account.student, card=card):
            return False
        if not self.account.happen(at + after, "authenticate"):
            return False
        self.stands(at + after, CUSTOMER_LIFE)
        return True

    def abandoned(self, at: datetime, card: str) -> None:
        """The bank wants its customer to confirm, who never does."""
        if self.account.pay(at, self.account.student, card=card):
            self._left.append(self.account.present)
            self._let_go(at + ABANDONED_AFTER + 9 * SECOND, "abandoned")

    def never_paid(self) -> None:
        """No other card comes after the decline, and the lesson's time passes."""
        self._let_go(self.due_at + 9 * SECOND, "never_paid")

    def _let_go(self, at: datetime, why: str) -> None:
        account, payment = self.account, self.account.present
        # Before it is given up, Stripe is read once more.
        if not account.look(at, by_event=False):
            return
        at += 2 * SECOND
        account.word(at, "let_go", why, SWEEP, key=f"let_go:{payment.id}")
        account.decide(at, 0, why, SWEEP.name)
        booked.never_paid(self.booking)
        self._cancel_left(at + SECOND)

    def _cancel_left(self, at: datetime) -> None:
        """Intents that nobody needs any more are cancelled."""
        for payment in self._left:
            self.account.release(at, SWEEP, "abandoned", payment)
            at += 2 * SECOND
        self._left = []

    # The lesson's end.

    def end(self, at: datetime, ending: Ending, by: Actor) -> bool:
        """The lesson ends so, and what is owed is captured or given back."""
        decision = self._judged(ending, at)
        assert decision.owed is not None
        due = at if decision.owed else None
        if not self.account.decide(at, decision.owed, decision.sentence, by.name, due):
            return False
        booked.end(self.booking, ending, decision, at)
        if self.captured_at is None and self.held_until is not None:
            self.settle(at + SECOND)
        return True

    def _judged(self, ending: Ending, at: datetime) -> policy.Decision:
        purchase, terms = self.account.purchase, self.shop.terms
        agreed = policy.Terms(
            purchase.price,
            purchase.currency,
            self.lesson.starts_at,
            terms.free_hours,
            terms.late_percent,
        )
        if ending.status == "completed":
            return policy.complete(agreed)
        if ending.status == "no_show":
            return policy.no_show("student" if ending.by == "student" else "instructor", agreed)
        by: policy.Canceller = "student" if ending.by == "student" else "instructor"
        return policy.cancel("staff" if ending.by == "staff" else by, agreed, at)

    def settle(self, at: datetime) -> None:
        """Stripe is made to agree with what was decided about the hold."""
        if self.account.purchase.owed == 0:
            self._cancel_left(at)
            self.account.release(at + 2 * SECOND * len(self.account.payments), SWEEP)
        else:
            self.capture(at)

    def by_itself(self) -> None:
        """Nobody says anything: the price is captured an hour after the lesson."""
        at = self.due_at + self.shop.minutes(0.1, 1)
        if self.account.decide(at, self.account.purchase.price, "by_itself", SWEEP.name):
            self.capture(at + SECOND)

    def capture(self, at: datetime, refusals: int = 0) -> None:
        """Capture what is owed; while the networks are away, or so many times, it is refused."""
        tried = self._refused(at, refusals)
        if tried is None:
            return
        owed = self.account.purchase.owed
        assert owed is not None
        if self.account.capture(tried, SWEEP, owed):
            self._captured(tried)

    def _refused(self, at: datetime, refusals: int) -> datetime | None:
        """When the capture goes through; None when it does not, or not before the present."""
        until = self.held_until
        assert until is not None
        while at in self.shop.outage or refusals > 0:
            if at > until - LAST_SEND_BEFORE_EXPIRY:
                self.expired()
                return None
            if not self.account.refused_capture(at, BANK_IS_AWAY):
                return None
            refusals -= 1
            at = self.account.next_try(until) + self.shop.minutes(0.05, 0.9)
        return at

    def _captured(self, at: datetime) -> None:
        self.captured_at = at
        booked.by_the_clock(self.shop, self.booking, at)
        self._cancel_left(at + 2 * SECOND)

    def captured_by_hand(self, at: datetime, by: Actor, amount: int) -> None:
        """Staff capture the hold, or a part of it, which is then all that is owed."""
        if self.account.decide(at, amount, "capture by hand", by.name, at):
            self.account.capture(at + SECOND, by, amount)
            self._captured(at + SECOND)

    def released_by_hand(self, at: datetime, by: Actor, reason: str) -> None:
        """Staff give the hold back."""
        if self.account.decide(at, 0, reason, by.name):
            self.account.release(at + SECOND, by, reason)
            self._cancel_left(at + 3 * SECOND)

    def expired(self) -> None:
        """The hold ends by itself at the bank, and a webhook tells of it."""
        assert self.held_until is not None
        if self.account.look(self.held_until + 2 * SECOND):
            self.held_until, self.unpaid = None, True

    # A hold that ends too early.

    @property
    def ends_too_early(self) -> bool:
        return self.held_until is not None and self.due_at > self.held_until - PLAN_MARGIN

    def policy(self, name: str) -> bool:
        """A day before the hold's end, what is to become of it is decided by this policy."""
        account, payment, until = self.account, self.account.present, self.held_until
        assert until is not None
        at = max(until - POLICY_BEFORE_EXPIRY, account.last_at) + self.shop.minutes(0.2, 1)
        owed = account.purchase.owed
        price = account.purchase.price if owed is None else owed
        told = price if name == "capture" else owed or 0
        why = f"policy_{name}"
        if not account.reached(at):
            return False
        if name == "capture":
            account.decide(at, price, why, SWEEP.name, at)
        account.tell(at, lambda: story.of_decision(payment, name, why, told, SWEEP.name, at))
        account.purchase.expiry_decision = name
        account.purchase.expiry_decided_for = payment.id
        if name == "capture":
            self.capture(at + SECOND)
        return True

    def renewed(self, at: datetime) -> bool:
        """A new hold is placed on the saved card, and then the old one is released."""
        account, old = self.account, self.account.present
        if not account.pay(at, SWEEP, renews=old):
            return False
        self.stands(at, MERCHANT_LIFE)
        return account.release(at + 3 * SECOND, SWEEP, "duplicate", old)
