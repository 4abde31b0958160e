"""What becomes of orders, and how many of them: the shares that a plausible year has."""

from collections.abc import Callable, Mapping
from datetime import timedelta
from functools import partial

from dashboard import money
from dashboard.bookings.endings import Ending
from dashboard.payments.actors import SWEEP
from dashboard.seeding.deeds import REASONS
from dashboard.seeding.past import afterwards
from dashboard.seeding.past.shop import Lesson, Shop
from dashboard.seeding.past.tale import SECOND, Tale
from dashboard.seeding.plan import CARDS, HOUR

Fate = Callable[[Tale], None]
# Of a thousand orders of lessons. Declines by the reasons that a bank gives most.
_BEGINNINGS = {"declined": 62, "confirmed": 70, "abandoned": 9, "held": 859}
_DECLINES = {
    "pm_card_chargeDeclinedInsufficientFunds": 46,
    "pm_card_chargeDeclined": 26,
    "pm_card_chargeDeclinedExpiredCard": 12,
    "pm_card_chargeDeclinedIncorrectCvc": 8,
    "pm_card_chargeDeclinedLostCard": 3,
    "pm_card_chargeDeclinedFraudulent": 3,
    "pm_card_chargeDeclinedProcessingError": 2,
}
_PAYS_AGAIN = 0.62
_ENDINGS = {
    "completed": 430,
    "by_itself": 310,
    "cancelled_in_time": 92,
    "cancelled_late": 42,
    "instructor_cancelled": 27,
    "student_missed": 21,
    "instructor_missed": 6,
    "captured_in_part": 15,
    "released_by_hand": 6,
    "captured_after_refusals": 10,
}
# How often in a row such a capture is refused.
_REFUSALS = (1, 1, 1, 2, 2, 3, 5)
# On the bad day this many of the holds that are due end before the networks are back.
_SHORT_LIVED = 0.35
# Of holds that would end before the lesson, and of those whose card is saved.
_CALLED_OFF, _ASKED_FIRST, _RENEWED = 0.12, 0.2, 0.08


def live(shop: Shop, lesson: Lesson, policy_of_the_day: str) -> Tale:
    """Tell one lesson's story as far as the present."""
    tale = Tale(shop, lesson, policy_of_the_day)
    far = tale.account.purchase.hold_due_at is not None
    if afterwards.far_hold(tale) if far else _begins(tale):
        _goes_on(tale)
        afterwards.unpaid(tale)
        afterwards.money_back(tale)
    return tale


def _begins(tale: Tale) -> bool:
    """Whether the order comes to a hold."""
    chance, at = tale.shop.chance, tale.lesson.at
    # A card that is saved for later has to work without its holder.
    how = "held" if tale.account.purchase.saves_card else drawn(tale.shop, _BEGINNINGS)
    if how == "declined":
        tale.declined(at, drawn(tale.shop, _DECLINES))
        if chance.random() > _PAYS_AGAIN:
            tale.never_paid()
            return False
        again = min(at + tale.shop.minutes(3, 90), tale.lesson.starts_at - 10 * 60 * SECOND)
        return tale.held(max(again, at + 60 * SECOND), chance.choice(CARDS))
    if how == "confirmed":
        return tale.confirmed(at, "pm_card_threeDSecure2Required", tale.shop.minutes(0.5, 8))
    if how == "abandoned":
        tale.abandoned(at, "pm_card_authenticationRequired")
        return False
    if tale.account.purchase.saves_card:
        return tale.held(at, chance.choice(CARDS))
    return tale.held(at, _card(tale), _life(tale))


def _card(tale: Tale) -> str:
    """Mostly an ordinary card; some behave in their own way when money goes back."""
    luck = tale.shop.chance.random()
    if luck < 0.007:
        return "pm_card_refundFail"
    return "pm_card_pendingRefund" if luck < 0.016 else tale.shop.chance.choice(CARDS)


def _life(tale: Tale) -> timedelta | None:
    """Some banks hold for a shorter time than most: that is what the bad day hits hardest."""
    due = tale.due_at
    if due not in tale.shop.outage or tale.shop.chance.random() > _SHORT_LIVED:
        return None
    left = (tale.shop.outage.end - due).total_seconds() * tale.shop.chance.uniform(0.3, 0.95)
    return timedelta(seconds=int(left)) + (due - tale.lesson.at)


def _goes_on(tale: Tale) -> None:
    if tale.ends_too_early:
        _too_early(tale)
    elif tale.account.purchase.saves_card and tale.shop.chance.random() < _RENEWED:
        afterwards.paused_and_renewed(tale)
    else:
        _FATES[drawn(tale.shop, _ENDINGS)](tale)


def _too_early(tale: Tale) -> None:
    """The lesson is later than the hold lives: mostly it is captured a day before its end."""
    until, booked_at = tale.held_until, tale.account.last_at + 60 * SECOND
    assert until is not None
    luck, off_until = tale.shop.chance.random(), until - 25 * HOUR
    if luck < _CALLED_OFF and off_until > booked_at:
        at = booked_at + (off_until - booked_at) * tale.shop.chance.random()
        why = tale.shop.chance.choice(REASONS["student"])
        ending = Ending("cancelled", "student", why)
        tale.end(at.replace(microsecond=0), ending, tale.shop.staff["support"])
    elif luck < _CALLED_OFF + _ASKED_FIRST and off_until > booked_at + HOUR:
        afterwards.alerted(tale)
    else:
        tale.policy("capture")


def drawn(shop: Shop, shares: Mapping[str, int]) -> str:
    """One of these, as often as its share has it."""
    luck = shop.chance.random() * sum(shares.values())
    for name, share in shares.items():
        luck -= share
        if luck < 0:
            return name
    return name


def _completed(tale: Tale) -> None:
    at = tale.lesson.ends_at + tale.shop.minutes(2, 50)
    tale.end(at, Ending("completed", "staff"), tale.shop.staff["support"])


def _cancelled(tale: Tale, by: str, in_time: bool) -> None:
    starts_at, booked_at = tale.lesson.starts_at, tale.account.last_at + 60 * SECOND
    free_until = starts_at - (tale.shop.terms.free_hours * HOUR + HOUR / 2)
    if in_time and free_until > booked_at:
        at = booked_at + (free_until - booked_at) * tale.shop.chance.random()
    else:
        at = max(booked_at, starts_at - tale.shop.minutes(20, 300))
    at = min(at.replace(microsecond=0), starts_at - SECOND)
    reasons = REASONS["student" if by == "student" else "instructor"]
    ending = Ending("cancelled", by, tale.shop.chance.choice(reasons))
    tale.end(at, ending, tale.shop.staff["support"])


def _missed(tale: Tale, who: str) -> None:
    at = tale.lesson.ends_at + tale.shop.minutes(1, 30)
    tale.end(at, Ending("no_show", who), tale.shop.staff["support"])


def _captured_in_part(tale: Tale) -> None:
    at = tale.lesson.ends_at + tale.shop.minutes(5, 45)
    if at in tale.shop.outage:
        tale.by_itself()
        return
    purchase = tale.account.purchase
    percent = tale.shop.chance.choice((50, 60, 75))
    amount = money.share(purchase.price, percent, purchase.currency)
    tale.captured_by_hand(at, tale.shop.staff["support"], amount)


def _released_by_hand(tale: Tale) -> None:
    at = max(tale.lesson.starts_at - 2 * HOUR, tale.account.last_at + 60 * SECOND)
    tale.released_by_hand(at, tale.shop.staff["support"], "requested_by_customer")


def _captured_after_refusals(tale: Tale) -> None:
    at = tale.due_at + tale.shop.minutes(0.1, 1)
    if tale.account.decide(at, tale.account.purchase.price, "by_itself", SWEEP.name):
        tale.capture(at + SECOND, refusals=tale.shop.chance.choice(_REFUSALS))


_FATES: dict[str, Fate] = {
    "completed": _completed,
    "by_itself": Tale.by_itself,
    "cancelled_in_time": partial(_cancelled, by="student", in_time=True),
    "cancelled_late": partial(_cancelled, by="student", in_time=False),
    "instructor_cancelled": partial(_cancelled, by="instructor", in_time=True),
    "student_missed": partial(_missed, who="student"),
    "instructor_missed": partial(_missed, who="instructor"),
    "captured_in_part": _captured_in_part,
    "released_by_hand": _released_by_hand,
    "captured_after_refusals": _captured_after_refusals,
}
