"""What a student's page says: the finding, what to do, and what happens when. No database here."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from dashboard import clock, formats, settings
from dashboard.bookings.queries import ALIVE
from dashboard.bookings.till import Stage, Till
from dashboard.payments import horizon, queries
from dashboard.payments.case import ABANDONED_AFTER, PLAN_MARGIN, POLICY_BEFORE_EXPIRY
from dashboard.payments.facts import CardState, Status
from dashboard.payments.holding import is_on_anyway

# How it stands, in a student's words, by the desk's status or by what there is to do.
WORDS = {
    "pending": "Card saved",
    "authorized": "Reserved",
    "captured": "Paid",
    "failed": "Not charged",
    "released": "Closed",
    Stage.CONFIRM: "Waiting for you",
    Stage.CARD: "Waiting for you",
    Stage.UNKNOWN: "Checking",
}
# When the first thing happens, by what there is to do.
FIRST = {Stage.CARD: "With your card", Stage.CONFIRM: "When you confirm", Stage.SET: "Done"}


@dataclass(frozen=True, slots=True)
class Line:
    """Something that happens, and when: `at` is None where that hangs on no clock."""

    when: str
    what: str
    at: datetime | None = None
    done: bool = False


def zone_of(till: Till) -> ZoneInfo:
    """The student's zone; the shop's where the system no longer knows it."""
    return formats.zone_of(till.student.time_zone, settings.current().zone)


def money(till: Till, amount: int) -> str:
    return formats.money(amount, till.books.purchase.currency)


def heading(till: Till) -> str:
    """The finding, as the title of the page."""
    if till.stage is Stage.CONFIRM or (till.stage is Stage.CARD and till.bank_asks):
        return "Your bank asks you to confirm"
    if till.stage is Stage.UNKNOWN:
        return "We don’t know yet" if till.given_to_a_person else "We are asking your bank"
    if till.stage is Stage.SET:
        return "You’re all set"
    if till.stage is Stage.OVER:
        return "Nothing to pay"
    return _wants_card(till)


def _wants_card(till: Till) -> str:
    status = till.books.current_facts.status if till.books.current_facts else Status.PENDING
    if till.renewing:
        return "Your reservation could not be renewed"
    if till.books.purchase.card_state == CardState.REFUSED:
        return "Your card could not be saved"
    if status is Status.FAILED:
        return "Your card was not charged"
    return "Your reservation has ended" if status is Status.RELEASED else "Choose a card"


def status(till: Till) -> str:
    """The word of the desk whose colour and icon the page bears."""
    if till.stage is Stage.SET:
        facts = till.books.current_facts
        return str(facts.status) if facts else "pending"
    failed = till.stage is Stage.CARD and not till.bank_asks and not till.renewing
    return {Stage.OVER: "released"}.get(till.stage, "failed" if failed else "pending")


def word(till: Till) -> str:
    """The status in a word."""
    shown = status(till)
    return WORDS[till.stage] if till.stage in WORDS and shown == "pending" else WORDS[shown]


def button(till: Till) -> str:
    """The verb and the amount of what the card is wanted for."""
    if till.far:
        return "Save this card"
    verb = "Pay" if till.books.purchase.at_once else "Reserve"
    return f"{verb} {money(till, till.amount)}"


def said(till: Till) -> tuple[str, ...]:
    """What has happened and what there is to do, in a sentence or two."""
    return _SAID[till.stage](till)


def _card(till: Till) -> tuple[str, ...]:
    if till.renewing:
        return (
            "Your bank holds a reservation for some days only. Yours stands until a new one takes"
            " its place; nothing is charged twice.",
            "Use your saved card again, or another one."
            if till.bank_asks
            else f"{_refusal(till)} Use another card, or the same one again.",
        )
    if till.bank_asks:
        return ("Your bank wants you to be there when your saved card is used.",)
    facts = till.books.current_facts
    if facts and facts.status is Status.RELEASED:
        return ("It ended before we charged it, and nothing was taken. Use a card once more.",)
    tried = facts is not None and facts.status is Status.FAILED
    return (f"{_refusal(till)} Nothing was taken. Use another card, or ask your bank.",) * tried


def _refusal(till: Till) -> str:
    """The bank's own sentence, from the newest attempt."""
    told = next((row for row in reversed(till.books.payments) if row.refusal_message), None)
    return f"{told.refusal_message.rstrip('. ')}." if told else "Your bank said no."


def _confirm(till: Till) -> tuple[str, ...]:
    about = till.question.about if till.question else "payment"
    begun = max(row.created_at for row in till.books.payments)
    until = formats.moment(begun + ABANDONED_AFTER, zone_of(till))
    reason = {
        "payment": "It wants to be sure that it is you who pays.",
        "renewal": "Your reservation is renewed, and your bank wants to be sure that you agree."
        " The old one stands until then; nothing is charged twice.",
        "card": "It wants to be sure that it is you whose card is saved. Nothing is taken now.",
    }[about]
    books = till.books
    attempt = books.current_facts
    on = attempt and is_on_anyway(books.purchase_facts, books.payment_facts, attempt)
    if about == "renewal" or on:
        return (reason, f"Please answer by {until}.")
    return (reason, f"Please answer by {until}. After that the booking lapses, free of charge.")


def _unknown(till: Till) -> tuple[str, ...]:
    if till.given_to_a_person:
        return (
            "We could not find out whether your card was used. Somebody is looking into it and will"
            " write to you.",
            "You need do nothing. You are not charged twice.",
        )
    return ("This takes a moment, and the page looks again by itself.", "You need not pay again.")


def _set(till: Till) -> tuple[str, ...]:
    facts = till.books.current_facts
    assert facts is not None
    if facts.captured:
        back = facts.refunded + facts.refund_pending
        paid = f"{money(till, facts.captured)} is paid."
        return (f"{paid} {money(till, back)} goes back to your card." if back else paid,)
    if facts.held:
        return (f"{money(till, facts.authorized)} is reserved on your card, and not charged yet.",)
    return ("Your card is saved. Nothing is taken or reserved yet.",)


def _over(till: Till) -> tuple[str, ...]:
    facts = till.books.current_facts
    if facts and facts.captured:
        return ("What was paid for this booking goes back to your card, or has gone.",)
    over = "is over" if till.booking.status in ALIVE else "was called off"
    return (f"This booking {over}, and nothing is owed for it any more.",)


_SAID = {
    Stage.CARD: _card,
    Stage.CONFIRM: _confirm,
    Stage.UNKNOWN: _unknown,
    Stage.SET: _set,
    Stage.OVER: _over,
}


def lines(till: Till) -> list[Line]:
    """What happens when, in its order; empty where nothing more does."""
    if till.stage in (Stage.OVER, Stage.UNKNOWN):
        return []
    found = [_first(till), *_later(till)]
    return [found[0], *sorted(found[1:], key=lambda line: line.at or clock.now())]


def _first(till: Till) -> Line:
    """What has just happened, or does with the card."""
    facts, done = till.books.current_facts, till.stage is Stage.SET
    amount = money(till, till.amount)
    when = FIRST[till.stage]
    if facts and facts.captured:
        return Line(when, f"{money(till, facts.captured)} paid", done=done)
    if facts and facts.held and done:
        return Line(when, f"{money(till, facts.authorized)} reserved on your card", done=done)
    if till.far or (done and facts and facts.planned):
        return Line(when, "Your card is saved, nothing is reserved", done=done)
    charged = till.books.purchase.at_once
    return Line(when, f"{amount} charged" if charged else f"{amount} reserved on your card")


def _later(till: Till) -> list[Line]:
    zone, purchase, facts = zone_of(till), till.books.purchase, till.books.current_facts
    amount, found = money(till, till.amount), []

    def at(moment: datetime, what: str) -> None:
        if moment > clock.now():
            found.append(Line(formats.moment(moment, zone), what, moment))

    if purchase.hold_due_at and facts and not facts.held and not facts.captured:
        at(purchase.hold_due_at, f"{amount} reserved on your card")
    if till.booking.status in ALIVE:
        at(till.booking.starts_at, "Your first lesson" if till.lessons else "Your lesson")
    if purchase.at_once or (facts and facts.captured) or purchase.capture_due_at is None:
        return found
    early, what = _early(till)
    at(early or purchase.capture_due_at, what if early else f"{amount} charged")
    if early and what == RENEWED:
        at(purchase.capture_due_at, f"{amount} charged")
    return found


RENEWED = "The reservation is renewed"


def _early(till: Till) -> tuple[datetime | None, str]:
    """When something happens because the reservation ends too early, and what that is."""
    purchase, facts = till.books.purchase, till.books.current_facts
    ends: datetime | None = facts.expires_at if facts and facts.held else None
    if ends is None and not till.far and purchase.hold_due_at is None:
        ends = clock.now() + horizon.CUSTOMER_LIFE
    if ends is None or purchase.capture_due_at <= ends - PLAN_MARGIN:
        return None, ""
    what = {
        "capture": f"{money(till, till.amount)} charged, because the reservation would end",
        "release": "The reservation is given back, because it would end",
        "renew": RENEWED,
    }.get(queries.policy(purchase), "We look after the reservation")
    return max(ends - POLICY_BEFORE_EXPIRY, clock.now() + timedelta(minutes=1)), what
