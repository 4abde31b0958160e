"""The rarer turns of a lesson's story: far lessons, holds that end, money that goes back."""

from datetime import datetime

from dashboard import money
from dashboard.bookings import policy
from dashboard.bookings.endings import Ending
from dashboard.payments import cards
from dashboard.payments.actors import SWEEP, Actor
from dashboard.payments.case import POLICY_BEFORE_EXPIRY
from dashboard.payments.facts import Status
from dashboard.payments.horizon import MERCHANT_LIFE
from dashboard.payments.losses import ACCEPTED
from dashboard.seeding.past import booked
from dashboard.seeding.past.tale import SECOND, Tale
from dashboard.seeding.plan import CARDS, DAY, HOUR

_REASON = "requested_by_customer"
# Shares: of far lessons that are called off; of expired holds whose student pays again.
_CALLED_OFF, _PAYS_AGAIN = 0.15, 0.75
# Of captured lessons: refunded in part, refunded whole, disputed; and of the cards that behave in
# their own way when money goes back.
_IN_PART, _WHOLE, _DISPUTED, _SPECIAL = 0.022, 0.013, 0.0035, 0.6
_DISPUTES = ("fraudulent", "product_not_received", "product_unacceptable", "duplicate", "general")
_WON, _ANSWERED, _ACCEPTED = 0.42, 0.92, 0.95
_READ_WITHIN_MINUTES = 345


def far_hold(tale: Tale) -> bool:
    """The card is saved, and held when the hold will last; true when it comes to that."""
    account, at, shop = tale.account, tale.lesson.at, tale.shop
    purchase, hold_at = account.purchase, account.purchase.hold_due_at
    assert hold_at is not None
    card = shop.chance.choice(CARDS)
    purchase.payment_method, purchase.card_tries = card, 1
    payment = account.plan(at)
    params = cards.params_of(purchase)
    if not account.happen(at, "setup", payment=payment, by_event=False, **params):
        return False
    tale.booking.status = "confirmed"
    if shop.chance.random() < _CALLED_OFF:
        _called_off(tale, at + (hold_at - at) * shop.chance.uniform(0.1, 0.9))
        return False
    held_at = hold_at + shop.minutes(0.1, 1)
    if not account.pay(held_at, SWEEP, payment=payment):
        return False
    tale.stands(held_at, MERCHANT_LIFE)
    return True


def _called_off(tale: Tale, at: datetime) -> None:
    """A far lesson is cancelled before anything was held for it."""
    account, payment, at = tale.account, tale.account.present, at.replace(microsecond=0)
    terms = policy.Terms(account.purchase.price, account.purchase.currency, tale.lesson.starts_at)
    decision, by = policy.unconfirmed(terms), tale.shop.staff["support"]
    if not account.decide(at, 0, decision.sentence, by.name):
        return
    booked.end(tale.booking, Ending("cancelled", "student", "Exam moved"), decision, at)
    who = Actor(by.name, "decision")
    account.word(at, "let_go", "called_off", who, key=f"let_go:{payment.id}")
    account.word(at, "cancelled", "", SWEEP, key=f"cancel:planned:{payment.id}")
    payment.payment_status, payment.refusal_code = Status.FAILED, "cancelled"
    payment.refusal_message = "It was called off before the hold."


def alerted(tale: Tale) -> None:
    """Staff want to decide by hand when this hold nears its end, and nobody does: it ends."""
    account, by = tale.account, tale.shop.staff["support"]
    why = "The student wants to be asked first."
    at = account.last_at + HOUR
    if account.word(at, "policy_chosen", why, by, detail={"policy": "alert"}):
        account.purchase.policy_override, account.purchase.policy_reason = "alert", why
        if tale.policy("alert"):
            tale.expired()


def paused_and_renewed(tale: Tale) -> None:
    """The student disputes the time; while staff look into it, the hold is renewed."""
    account, until, by = tale.account, tale.held_until, tale.shop.staff["support"]
    assert until is not None
    at, paused_until = tale.lesson.ends_at + tale.shop.minutes(5, 45), until + 2 * DAY
    if at > until - POLICY_BEFORE_EXPIRY - HOUR:
        tale.by_itself()
        return
    why = "The student says that the lesson was shorter."
    if not account.word(at, "policy_chosen", why, by, detail={"policy": "renew"}):
        return
    account.word(at, "paused", why, by, detail={"until": paused_until.isoformat()})
    purchase = account.purchase
    purchase.policy_override, purchase.policy_reason = "renew", why
    purchase.paused_until, purchase.pause_reason, purchase.paused_by = paused_until, why, by.name
    if tale.policy("renew") and tale.renewed(account.last_at + SECOND):
        at = paused_until + tale.shop.minutes(0.1, 1)
        if account.decide(at, purchase.price, "by_itself", SWEEP.name):
            tale.capture(at + SECOND)


def unpaid(tale: Tale) -> None:
    """A hold has ended though the lesson is on: it is paid again, or called off by the staff."""
    if not tale.unpaid:
        return
    account, chance = tale.account, tale.shop.chance
    at = account.last_at + tale.shop.hours(2, 70)
    if chance.random() > _PAYS_AGAIN:
        by = tale.shop.staff["support"]
        tale.end(at + 2 * DAY, Ending("cancelled", "staff", "The hold had ended."), by)
        return
    if not tale.held(at, chance.choice(CARDS)):
        return
    if account.purchase.owed is None:
        due = max(tale.due_at, at) + 5 * SECOND
        if not account.decide(due, account.purchase.price, "by_itself", SWEEP.name):
            return
    tale.capture(account.last_at + 3 * SECOND)


def money_back(tale: Tale) -> None:
    """After the capture some of it goes back: by our hand, or by the bank's."""
    if tale.captured_at is None:
        return
    luck, card = tale.shop.chance.random(), tale.account.card
    special = card in ("pm_card_refundFail", "pm_card_pendingRefund")
    if (special and luck < _SPECIAL) or luck < _IN_PART:
        _refunded(tale, tale.shop.chance.choice((20, 25, 50)))
    elif luck < _IN_PART + _WHOLE:
        _refunded(tale, 100)
    elif luck < _IN_PART + _WHOLE + _DISPUTED:
        _disputed(tale)


def _refunded(tale: Tale, percent: int) -> None:
    account, captured_at, by = tale.account, tale.captured_at, tale.shop.staff["finance"]
    kept, purchase = account.purchase.owed, account.purchase
    assert captured_at is not None and kept is not None
    part = money.share(kept, percent, purchase.currency)
    at = captured_at + tale.shop.hours(3, 96)
    if part < money.step(purchase.currency):
        return
    if not account.decide(at, kept - part, _REASON, by.name):
        return
    bank = tale.shop.hours(20, 140)
    account.refund(at + SECOND, by, part, _REASON, bank.total_seconds())
    if account.card not in ("pm_card_refundFail", "pm_card_pendingRefund"):
        return
    if at + SECOND + bank > tale.shop.anchor:
        _still_open(tale)
    elif account.look(at + 3 * SECOND + bank) and account.card == "pm_card_refundFail":
        _withdrawn(tale, part)


def _withdrawn(tale: Tale, part: int) -> None:
    """The bank has sent it back: finance pays by transfer and takes the decision back."""
    account, by = tale.account, tale.shop.staff["finance"]
    at, why = account.last_at + tale.shop.hours(12, 100), "Paid back by bank transfer."
    more = {"amount": part, "detail": {"lessons": []}}
    if account.word(at, "refund_withdrawn", why, by, **more):
        purchase = account.purchase
        account.refund_withdrawn = True
        purchase.owed_reason, purchase.decided_by, purchase.decided_at = why, by.name, at


def _still_open(tale: Tale) -> None:
    """What takes days is read every six hours."""
    at = tale.shop.anchor - tale.shop.minutes(1, _READ_WITHIN_MINUTES)
    if at > tale.account.last_at:
        tale.account.look(at, by_event=False)


def _disputed(tale: Tale) -> None:
    account, chance, captured_at = tale.account, tale.shop.chance, tale.captured_at
    assert captured_at is not None
    at = captured_at + tale.shop.hours(90, 1000)
    if not account.happen(at, "dispute", reason=chance.choice(_DISPUTES)):
        return
    answered = at + tale.shop.hours(20, 150)
    closed = answered + tale.shop.hours(400, 1300)
    if answered <= tale.shop.anchor and chance.random() < _ANSWERED:
        account.happen(answered, "settle_dispute", status="under_review")
    status = "won" if chance.random() < _WON else "lost"
    if closed > tale.shop.anchor:
        _still_open(tale)
    elif account.happen(closed, "settle_dispute", status=status) and status == "lost":
        _accepted(tale, closed + tale.shop.hours(10, 120))


def _accepted(tale: Tale, at: datetime) -> None:
    """Finance says that nobody is to be asked for what the dispute took."""
    account, by, taken = tale.account, tale.shop.staff["finance"], tale.account.purchase.owed
    why = "The bank decided for the cardholder."
    if tale.shop.chance.random() < _ACCEPTED and account.decide(at, 0, why, by.name):
        account.word(at, ACCEPTED, why, by, amount=taken)
