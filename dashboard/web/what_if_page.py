"""What if: a time, something that happens, and what would follow. It changes nothing."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from litestar import Response, get
from litestar.params import FromPath
from litestar_htmx import HTMXRequest

from dashboard import clock, formats, reasons, sentences, settings
from dashboard.bookings import queries, what_if
from dashboard.bookings.holds import Hold
from dashboard.bookings.tables import Booking
from dashboard.bookings.what_if import Outcome
from dashboard.mail import foretold
from dashboard.payments.foresight import Turn
from dashboard.web.hold_page import need
from dashboard.web.pages import page
from dashboard.web.security import guard
from dashboard.web.wholes import whole

WHATS = {
    "nothing": "Nobody does anything",
    "student_cancels": "The student cancels",
    "instructor_cancels": "The instructor cancels",
    "staff_cancels": "We cancel",
    "completed": "The lesson is marked as completed",
    "student_no_show": "The student does not come",
    "instructor_no_show": "The instructor does not come",
}
FARTHEST = timedelta(days=730)


@dataclass(frozen=True, slots=True)
class Moment:
    """A time that is offered; `at` is None where it is past."""

    label: str
    at: datetime | None


@dataclass(frozen=True, slots=True)
class Asked:
    """What the address asks: all of the page's state. `typed` is a time in the desk's zone."""

    what: str
    when: str
    typed: str
    lesson: int | None


@dataclass(frozen=True, slots=True)
class Told:
    """One thing that would happen, in words, and the e-mail about it, if there is one."""

    text: str
    amount: str
    moment: str
    iso: str
    why: str
    subject: str
    mail: str


@get("/holds/{payment_id:int}/what-if", guards=[guard()])
async def show(request: HTMXRequest, payment_id: FromPath[int]) -> Response[Any]:
    """What would follow, for the question in the address."""
    found = await need(payment_id)
    now, zone = clock.now(), settings.current().zone
    asked = _asked(dict(request.query_params.items()))
    lessons = await _lessons(found)
    row = _chosen(lessons, asked.lesson)
    moments = _moments(row, now) if row is not None else {}
    at, fault = _time(asked, moments, now, zone)
    context: dict[str, Any] = {
        "hold": found,
        "asked": asked,
        "row": row,
        "lessons": lessons,
        "whats": WHATS,
        "moments": {name: one for name, one in moments.items() if one.at is not None},
        "typed": asked.typed or (at or now).astimezone(zone).strftime("%Y-%m-%dT%H:%M"),
        "fault": fault,
        "obstacle": _obstacle(found, row, zone),
        "answer": None,
        "formats": formats,
        "flash": "",
        "trouble": "",
    }
    if row is not None and at is not None and not context["obstacle"]:
        context["answer"] = await _answer(found, row, asked.what, at, now, zone)
    return await page(request, "holds/what_if.html", context, 422 if fault else 200)


def _asked(given: dict[str, str]) -> Asked:
    what, when, lesson = given.get("what", ""), given.get("when", ""), given.get("lesson", "")
    if "shown" in given and given["shown"] != given.get("at", ""):
        # Whoever changes the time in its field means it, whatever else is chosen.
        when = "at"
    return Asked(
        what if what in WHATS else "nothing",
        when or ("at" if given.get("at") else "now"),
        given.get("at", "")[:40],
        whole(lesson, 15),
    )


async def _lessons(found: Hold) -> list[Booking]:
    """The booking of this purchase; of a package those that are still to come."""
    where = Booking.purchase == found.books.purchase.id
    rows: list[Booking] = await Booking.objects().where(where).order_by(Booking.starts_at)
    if found.subject.package_id is None:
        return rows[:1]
    return [row for row in rows if row.status in queries.ALIVE]


def _chosen(lessons: list[Booking], wanted: int | None) -> Booking | None:
    return next((row for row in lessons if row.id == wanted), lessons[0] if lessons else None)


def _moments(row: Booking, now: datetime) -> dict[str, Moment]:
    free = row.starts_at - timedelta(hours=settings.current().cancel_free_hours)
    minute = timedelta(minutes=1)

    def offered(label: str, at: datetime) -> Moment:
        return Moment(label, at if at >= now else None)

    return {
        "now": Moment("Now", now),
        "free": offered("A minute before the free time ends", free - minute),
        "late": offered("A minute after the free time ended", free + minute),
        "over": offered("A minute after the lesson", row.ends_at + minute),
    }


def _time(
    asked: Asked, moments: dict[str, Moment], now: datetime, zone: ZoneInfo
) -> tuple[datetime | None, str]:
    """The instant that is asked about, or what is wrong with it."""
    if asked.when != "at":
        known = moments.get(asked.when, Moment("", None if moments else now))
        return known.at, "" if known.at else "That time is past. Choose another one."
    try:
        typed = datetime.fromisoformat(asked.typed)
    except ValueError:
        return None, "Enter a date and a time like 2026-11-24 15:00."
    if typed.utcoffset() is not None or not 1970 < typed.year < 9000:
        return None, "Enter a date and a time like 2026-11-24 15:00."
    at = typed.replace(tzinfo=zone)
    # A field without seconds means the whole minute that the clock stands in.
    if at <= now < at + timedelta(minutes=1):
        return now, ""
    if at < now:
        return None, "That time is past. Choose one from now on."
    return (None, "That is more than two years ahead.") if at > now + FARTHEST else (at, "")


def _obstacle(found: Hold, row: Booking | None, zone: ZoneInfo) -> str:
    operation = found.books.operation
    if operation is not None:
        return f"{sentences.busy(operation, zone)} Ask when it has ended."
    if row is None:
        return "No lesson of this package is still to come, so nothing can happen to one."
    return "" if found.payment.current else "Another payment of this booking has taken its place."


async def _answer(
    found: Hold, row: Booking, what: str, at: datetime, now: datetime, zone: ZoneInfo
) -> dict[str, Any]:
    outcome = what_if.ask(row, found.books, what, at, now)
    told = [
        _told(found, turn, subject, text, zone)
        for turn, subject, text in await foretold.letters(outcome)
    ]
    early = len(outcome.before)
    owed = outcome.owed
    return {
        "headline": _headline(found, outcome),
        "clause": outcome.decision.clause.replace("_", " ") if outcome.decision else "",
        "sentence": outcome.decision.sentence if outcome.decision else "",
        "owed": "" if owed is None else formats.money(owed, found.currency),
        "refusal": outcome.refusal,
        "moment": formats.moment(at, zone),
        "before": told[:early],
        "after": told[early:],
        "rest": _rest(found, outcome, zone),
        "of_package": row.package is not None,
    }


def _headline(found: Hold, outcome: Outcome) -> str:
    """What the student has paid when all is done, as the finding."""
    if outcome.refusal:
        return "That can’t happen then"
    current, who = outcome.books.current_facts, found.subject.first_name or "The student"
    kept = current.kept if current is not None else 0
    if outcome.decision is not None and outcome.decision.owed is None:
        used = outcome.decision.lesson_used
        return "The lesson counts as used" if used else "The lesson goes back to the package"
    if current is not None and current.held:
        return f"{formats.money(current.authorized, found.currency)} stays held for {who}"
    if kept:
        return f"{who} has paid {formats.money(kept, found.currency)} in the end"
    return f"{who} has paid nothing in the end"


def _told(found: Hold, turn: Turn, subject: str, text: str, zone: ZoneInfo) -> Told:
    event = turn.event
    back = formats.money(event.given_back, found.currency) if event.given_back else ""
    return Told(
        text=sentences.happened(event.kind, back if event.kind == "captured" else "", "movement"),
        amount=formats.money(event.amount, found.currency),
        moment=formats.moment(event.occurred_at, zone),
        iso=event.occurred_at.isoformat(),
        why=sentences.rule_reason(turn.why) if event.kind == "expiry_decision" else "",
        subject=subject,
        mail=text,
    )


def _rest(found: Hold, outcome: Outcome, zone: ZoneInfo) -> str:
    """What is still open in the end, where something is: why it waits, in the desk's own words."""
    if outcome.refusal or outcome.books.current is None:
        return ""
    imagined = Hold(outcome.books.current, outcome.books, found.subject)
    if imagined.step(outcome.at).why == "done":
        return ""
    return reasons.why(imagined, outcome.at, zone)
