"""The sentences that several messages share; amounts and instants as the student reads them."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from babel.dates import format_datetime, get_timezone_name

from dashboard import formats
from dashboard.bookings import policy
from dashboard.mail.facts import Facts, Lesson
from dashboard.payments.case import PLAN_MARGIN


@dataclass(frozen=True, slots=True)
class Section:
    """A heading and the sentences under it."""

    heading: str
    sentences: tuple[str, ...]


def money(facts: Facts, amount: int) -> str:
    return formats.money(amount, facts.currency)


def moment(facts: Facts, at: datetime) -> str:
    """An instant in the student's zone: "Tue 24 Nov 18:00 EST"."""
    return formats.moment(at, ZoneInfo(facts.time_zone))


def day(facts: Facts, at: datetime) -> str:
    """A day in the student's zone: "Tue 24 Nov"."""
    local = at.astimezone(ZoneInfo(facts.time_zone))
    return format_datetime(local, "EEE d MMM", locale=formats.LOCALE)


def reason(facts: Facts) -> str:
    """Why the bank said no, inside a sentence."""
    return (facts.reason or "the bank gave no reason").rstrip(". ")


def still_booked(facts: Facts) -> str:
    """What a card that could not be used means for the booking, inside a sentence."""
    if facts.renews:
        return "but the reservation that you have still stands"
    return "but it is still booked" if facts.booked else "so nothing is booked yet"


def hello(facts: Facts) -> str:
    return f"Hello {facts.student}," if facts.student else "Hello,"


def bought(facts: Facts) -> str:
    """What was bought, inside a sentence: "your piano lesson on Tue 24 Nov"."""
    if facts.lesson is None:
        return f"your package “{facts.title}”"
    kind = f"{facts.title} lesson" if facts.title else "lesson"
    return f"your {kind} on {day(facts, facts.lesson.starts_at)}"


def rows(facts: Facts) -> tuple[tuple[str, str], ...]:
    """What was bought, as a table tells it."""
    if facts.lesson is None:
        return (("Package", facts.title), ("Lessons", str(facts.lessons)), ("Number", facts.number))
    title = f"{facts.title[:1].upper()}{facts.title[1:]}" or "Lesson"
    return (
        ("Lesson", title),
        ("Instructor", facts.lesson.instructor),
        ("Date", _date(facts, facts.lesson.starts_at)),
        ("Time", _time(facts, facts.lesson)),
        ("Booking", facts.number),
    )


def _date(facts: Facts, at: datetime) -> str:
    local = at.astimezone(ZoneInfo(facts.time_zone))
    return format_datetime(local, "EEEE d MMMM yyyy", locale=formats.LOCALE)


def _time(facts: Facts, lesson: Lesson) -> str:
    """From when to when, with the zone's name; the day again only where another one begins."""
    first, last = _date(facts, lesson.starts_at), _date(facts, lesson.ends_at)
    zone = ZoneInfo(facts.time_zone)
    ends = formats.time_of_day(lesson.ends_at, zone)
    said = f"{formats.time_of_day(lesson.starts_at, zone)}–{ends}"
    if first != last:
        said = f"{formats.time_of_day(lesson.starts_at, zone)} to {last}, {ends}"
    return f"{said} {_zone(facts, lesson.starts_at)}"


def _zone(facts: Facts, at: datetime) -> str:
    local = at.astimezone(ZoneInfo(facts.time_zone))
    city = facts.time_zone.split("/")[-1].replace("_", " ")
    return f"{get_timezone_name(local, locale=formats.LOCALE)} ({city})"


def back_soon(facts: Facts, amount: int) -> Section:
    """Why the bank may still show what was released."""
    said = f"{money(facts, amount)} was only reserved, never taken."
    return Section("When you see it", (f"{said} Some banks show it for a few more days.",))


def ends_too_early(facts: Facts) -> datetime | None:
    """When the hold ends, if that is before the planned charge, by the rule that acts on it."""
    ends, planned = facts.expires_at, facts.capture_due_at
    if ends is None or (planned is not None and planned <= ends - PLAN_MARGIN):
        return None
    return ends


def charged(facts: Facts) -> str:
    """When a reserved amount is charged, also where the hold ends before the lesson."""
    ends = ends_too_early(facts)
    if ends is None or facts.expiry_policy == "renew":
        return "after lesson"
    if facts.expiry_policy == "capture":
        return f"after lesson or by {day(facts, ends)}, when the reservation ends"
    return f"after lesson, if that is before {day(facts, ends)}, when the reservation ends"


def why_early(facts: Facts) -> tuple[Section, ...]:
    """Why the charge may come before the lesson, where it may; what happens instead, otherwise."""
    ends = ends_too_early(facts)
    if ends is None:
        return ()
    then = {
        "capture": "We charge your card during the day before that, and write to you when we do.",
        "release": "During the day before that we give it back uncharged, and write to you.",
        "renew": "We renew it during the day before that, so that it is there after your lesson."
        " If your bank does not let us, we get in touch with you.",
    }.get(facts.expiry_policy, "We look after it before that, and write to you.")
    said = f"Banks keep a reservation for some days only. Yours ends on {moment(facts, ends)}."
    return (Section("Before your lesson", (said, then)),)


def cancelling(facts: Facts) -> Section:
    """How to cancel and what it costs, by the policy that decides about it."""
    how = f"Reply to this e-mail and name booking {facts.number}."
    if facts.kind == "captured":
        how += " What you don’t owe goes back to your card."
    assert facts.lesson is not None
    terms, hours = facts.terms, facts.terms.free_hours
    rule = policy.Terms(
        facts.price, facts.currency, facts.lesson.starts_at, hours, terms.late_percent
    )
    fee = policy.cancel("student", rule, facts.lesson.starts_at + timedelta(seconds=1)).owed
    if not fee:
        return Section("How to cancel", (how, "It costs nothing."))
    free_until = facts.lesson.starts_at - timedelta(hours=hours)
    cost = f"{terms.late_percent} % of the price, {money(facts, fee)}"
    if facts.occurred_at > free_until:
        return Section("How to cancel", (how, f"It costs {cost}."))
    free = f"It is free until {moment(facts, free_until)}, {_hours(hours)} before the lesson."
    return Section("How to cancel", (how, free, f"After that it costs {cost}."))


def _hours(hours: int) -> str:
    return "1 hour" if hours == 1 else f"{hours} hours"


def why_paid(facts: Facts) -> tuple[str, ...]:
    """What the charge is for."""
    if facts.lesson is None:
        count = "1 lesson" if facts.lessons == 1 else f"{facts.lessons} lessons"
        return (f"Thank you. Your package is paid: {count}.",)
    if facts.lesson.clause == "student_late":
        free = _hours(facts.terms.free_hours)
        return (f"You cancelled less than {free} before the lesson. This is the late fee.",)
    if facts.lesson.clause == "student_no_show":
        return ("You did not come to the lesson. Its price was charged.",)
    return ("Thank you. Your lesson is paid.",)
