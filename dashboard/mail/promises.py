"""What students were told about their holds, and whether a movement would break it.

What was said is read from the mails that were really sent, and in their own words: a setting that
is changed later changes nothing of what a student has read.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from dashboard import formats, settings
from dashboard.bookings.holds import Hold, Subject
from dashboard.mail.facts import Template
from dashboard.mail.tables import Message
from dashboard.money import WrongAmount, parse
from dashboard.payments.facts import Verb

CHARGED_LATER = (Template.RESERVED, Template.PLANNED, Template.RENEWED)
NOT_CHARGED = (Template.RELEASED, Template.EXPIRED, Template.LET_GO)
# It promises nothing anew, and says what becomes of the hold that there is.
OTHERWISE = (Template.AUTHENTICATE,)
# The letters' own sentences (`phrases.why_early`, `later`); a test reads every letter back.
_CHARGES_EARLY = re.compile(r"[Ww]e charge your card (?:during the day|shortly) before that")
_GIVES_BACK = re.compile(r"we give it back (?:uncharged|shortly before that)")
_FEE = re.compile(r"^(?:After that it|It) costs \d+ % of the price, (.+)\.$", re.MULTILINE)
_FREE = re.compile(r"^It costs nothing\.$", re.MULTILINE)
# Both happen during the day before the hold's end.
DAY = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class Promise:
    """What the student has last read. `charged` is when the lesson is over; else never.

    `early` and `back` tell that the mail named the day before the hold's end for it, `fee` what it
    said a late cancellation costs, in minor units.
    """

    message_id: int
    told_at: datetime
    charged: bool
    early: bool = False
    back: bool = False
    fee: int | None = None


@dataclass(frozen=True, slots=True)
class Broken:
    """A sentence about a promise that a movement would break, and the mail that made it."""

    said: str
    message_id: int


@dataclass(frozen=True, slots=True)
class Sent:
    """A mail that was sent: what it was, what it said, and when."""

    id: int
    template: Template
    text: str
    at: datetime


def read(before: Promise | None, sent: Sent, currency: str) -> Promise | None:
    """What a student knows after this mail, who knew `before` until then."""
    fee = _fee(sent.text, currency)
    if fee is None and before is not None:
        fee = before.fee
    early = bool(_CHARGES_EARLY.search(sent.text))
    back = bool(_GIVES_BACK.search(sent.text))
    if sent.template in OTHERWISE:
        return before and replace(before, early=early, back=back)
    return Promise(sent.id, sent.at, sent.template in CHARGED_LATER, early, back, fee)


def _fee(text: str, currency: str) -> int | None:
    found = _FEE.search(text)
    if found is None:
        return 0 if _FREE.search(text) else None
    try:
        return parse(found[1], currency)
    except WrongAmount:
        return None


async def broken(
    verb: Verb, holds: Sequence[Hold], now: datetime, amounts: dict[int, int] | None = None
) -> dict[int, Broken]:
    """By payment, the promises that `verb` would break. It warns and forbids nothing.

    `amounts` are what would be captured, in minor units; without one it is all that can be.
    """
    lessons = [one for one in holds if one.subject.ends_at is not None]
    told = await _promises(lessons)
    found = {}
    for one in lessons:
        promise = told.get(one.books.purchase.id)
        amount = (amounts or {}).get(one.payment.id, one.most(verb))
        said = _breaks(verb, one, promise, amount, now) if promise else ""
        if promise and said:
            found[one.payment.id] = Broken(said, promise.message_id)
    return found


async def _promises(holds: Sequence[Hold]) -> dict[int, Promise]:
    payments = {row.id: (row.purchase, one.currency) for one in holds for row in one.books.payments}
    read_ones = [str(one) for one in (*CHARGED_LATER, *NOT_CHARGED, *OTHERWISE)]
    if not payments:
        return {}
    rows = (
        await Message.select(
            Message.id, Message.payment, Message.template, Message.text, Message.sent_at
        )
        .where(
            Message.payment.is_in(list(payments))
            & Message.sent_at.is_not_null()
            & Message.template.is_in(read_ones)
        )
        .order_by(Message.event_at)
        .order_by(Message.id)
    )
    known: dict[int, Promise] = {}
    for row in rows:
        purchase_id, currency = payments[row["payment"]]
        sent = Sent(row["id"], Template(row["template"]), row["text"], row["sent_at"])
        promise = read(known.get(purchase_id), sent, currency)
        if promise is not None:
            known[purchase_id] = promise
    return known


def _breaks(verb: Verb, hold: Hold, told: Promise, amount: int, now: datetime) -> str:
    """The sentence about what this would break; nothing when it keeps what was told."""
    if verb is Verb.RELEASE:
        return _by_release(hold, told, now)
    return _by_capture(hold, told, amount, now) if verb is Verb.CAPTURE else ""


def _by_capture(hold: Hold, told: Promise, amount: int, now: datetime) -> str:
    subject = hold.subject
    if not told.charged:
        return f"{_told(hold, told)} that nothing is charged."
    if subject.clause == "student_late":
        if told.fee is None or amount <= told.fee:
            return ""
        fee = formats.money(told.fee, hold.currency)
        what = f"costs {fee}" if told.fee else "costs nothing"
        return f"{_told(hold, told)} that a late cancellation {what}."
    if _over(subject, now) or (told.early and _last_day(hold, now)):
        return ""
    return f"{_told(hold, told)} that the card is charged after the lesson, {_lesson(subject)}."


def _by_release(hold: Hold, told: Promise, now: datetime) -> str:
    # What was called off in time, or by our side, owes nothing: nobody waits for its charge.
    if not told.charged or hold.books.purchase.owed == 0 or (told.back and _last_day(hold, now)):
        return ""
    if hold.subject.clause == "student_late":
        what = "the card is charged after the lesson"
        if told.fee:
            what = f"a late cancellation costs {formats.money(told.fee, hold.currency)}"
        return f"{_told(hold, told)} that {what}, and a fee is owed."
    how = "has taken place" if _over(hold.subject, now) else "is still on"
    return f"{_told(hold, told)} that the card is charged after the lesson, which {how}."


def _over(subject: Subject, now: datetime) -> bool:
    ended = subject.ends_at is not None and subject.ends_at <= now
    return ended or subject.booking_status in ("completed", "no_show")


def _last_day(hold: Hold, now: datetime) -> bool:
    ends = hold.facts.expires_at
    return ends is not None and now >= ends - DAY


def _told(hold: Hold, told: Promise) -> str:
    day = formats.day(told.told_at, settings.current().zone)
    return f"We told {hold.subject.first_name or 'the student'} on {day}"


def _lesson(subject: Subject) -> str:
    assert subject.ends_at is not None
    return f"which ends {formats.day_and_time(subject.ends_at, settings.current().zone)}"
