"""The audit: who did what, when and from where, beside the movements of the money."""

import json
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from litestar import get
from litestar_htmx import HTMXRequest, HTMXTemplate

from dashboard import clock, formats, sentences, settings
from dashboard.audit import queries
from dashboard.audit.queries import About, Asked, Line
from dashboard.audit.record import Action
from dashboard.bookings import search
from dashboard.bookings.tables import Booking
from dashboard.payments.tables import Payment
from dashboard.web.pages import page
from dashboard.web.security import guard

# What can be asked for, in the words of the form.
WHATS = {
    "": "Everything",
    "money": "Money",
    "sign_ins": "Sign-ins",
    "denied": "Denied",
    "admin": "Administration",
    "decisions": "Decisions",
    "exports": "Exports",
}
_SAID = {
    Action.SIGN_IN: "Signed in",
    Action.SIGN_IN_FAILED: "Sign-in failed",
    Action.SIGN_OUT: "Signed out",
    Action.DENIED: "Denied",
    Action.ADMIN_WRITE: "Changed in the administration",
    Action.COMMAND: "Changed at the command line",
    Action.DECISION: "Decided about a booking",
    Action.GIVE_UP: "Gave an operation up",
    Action.KEEP: "Withdrew a refund",
    Action.RECONCILE: "Decided about a difference from Stripe",
    Action.SANDBOX: "Played on the sandbox",
    Action.REPLAY: "Replayed a message from Stripe",
    Action.LINE: "Set a limit of the analytics",
    Action.BATCH: "Captured or released many holds",
    Action.FEED: "Address of the calendar",
    Action.EXPORT: "Exported",
    Action.VIEW: "Saved view",
    Action.SUBSCRIPTION: "Changed whether the monthly report comes by e-mail",
}
_OUTCOMES = {
    "done": "",
    "refused": "wrong e-mail or password",
    "throttled": "too many attempts",
    "made": "made",
    "renewed": "renewed",
    "revoked": "revoked",
    "sent": "the file came at once",
    "asked": "the worker makes the file",
    "fetched": "the file was fetched",
    "named": "made",
    "renamed": "renamed",
    "deleted": "deleted",
    "wanted": "it comes",
    "unwanted": "it does not come any more",
}
_ALARMING = (Action.DENIED, Action.SIGN_IN_FAILED)


@dataclass(frozen=True, slots=True)
class Shown:
    """One line as the page shows it."""

    moment: str
    iso: str
    actor: str
    address: str
    said: str
    detail: list[tuple[str, str]]
    subject: str
    href: str
    amount: str
    alarming: bool


@get("/audit", guards=[guard("finance")])
async def index(request: HTMXRequest) -> HTMXTemplate:
    """The lines, the newest first, a page at a time."""
    given = {name: value.strip()[:254] for name, value in request.query_params.items()}
    zone = settings.current().zone
    asked = await _asked(given, zone)
    lines, more = await queries.listed(asked)
    numbers = await _numbers(lines)
    filters = {
        name: given[name] for name in ("who", "what", "from", "to", "about") if given.get(name)
    }
    context = {
        "given": {**dict.fromkeys(("who", "what", "from", "to", "about"), ""), **filters},
        "whats": WHATS,
        "rows": [_shown(line, numbers, zone) for line in lines],
        "filtered": bool(filters),
        "later": asked.after is not None,
        "first": urlencode(filters),
        "more": urlencode({**filters, "after": str(more)}) if more else "",
        "heading": await _heading(asked, filters, lines),
    }
    return await page(request, "audit/index.html", context)


async def _asked(given: dict[str, str], zone: ZoneInfo) -> Asked:
    """What a query string asks for; nonsense in it asks for everything."""
    what = given.get("what", "")
    until = _day(given.get("to", ""), zone, days=1)
    return Asked(
        who=given.get("who", ""),
        what=what if what in WHATS else "",
        since=_day(given.get("from", ""), zone),
        until=until,
        about=await _about(about) if (about := given.get("about", "")) else None,
        after=queries.place(given.get("after", "")),
    )


def _day(text: str, zone: ZoneInfo, days: int = 0) -> datetime | None:
    """The beginning of that day at the desk, or of one so many days later."""
    try:
        day = datetime.strptime(text, "%Y-%m-%d").date()  # noqa: DTZ007
    except ValueError:
        return None
    if not 2000 <= day.year <= 2999:
        return None
    return datetime.combine(day + timedelta(days=days), time(), zone)


async def _about(text: str) -> About:
    """The rows of what was typed: a booking, a package, an intent, a student, or hold:7."""
    kind, _, number = text.partition(":")
    if kind == "hold" and number.isascii() and number.isdigit() and len(number) < 16:
        where: search.Condition = Payment.id == int(number)
    else:
        where = await search.matching(text)
    rows = await Payment.select(Payment.id, Payment.purchase).where(where).limit(200)
    purchases = sorted({row["purchase"] for row in rows})
    found = await Booking.select(Booking.id).where(Booking.purchase.is_in(purchases or [0]))
    return About(purchases, [row["id"] for row in found], [row["id"] for row in rows])


async def _numbers(lines: list[Line]) -> dict[int, str]:
    """The bookings of the purchases in these lines, as staff call them."""
    purchases = {line.row["purchase"] for line in lines if line.money}
    rows = (
        await Booking.select(Booking.id, Booking.purchase)
        .where(Booking.purchase.is_in(sorted(purchases) or [0]))
        .order_by(Booking.id, ascending=False)
    )
    return {row["purchase"]: f"#{row['id']}" for row in rows}


async def _heading(asked: Asked, filters: dict[str, str], lines: list[Line]) -> str:
    if filters or asked.after:
        return "What was done, as asked for" if lines else "Nothing was done like this"
    if not lines:
        return "Nothing has been written down yet"
    last = formats.ago(lines[0].place.at, clock.now())
    return f"The last entry was made {last} ago" if last else "What was done, and by whom"


def _shown(line: Line, numbers: dict[int, str], zone: ZoneInfo) -> Shown:
    row, at = line.row, line.place.at
    story = _of_story(row, numbers) if line.money else _of_entry(row)
    return Shown(
        moment=formats.moment(at, zone),
        iso=at.isoformat(),
        actor=row["actor"] or "Nobody known",
        **story,
    )


def _of_story(row: dict[str, Any], numbers: dict[int, str]) -> dict[str, Any]:
    verb = json.loads(row["detail"]).get("verb", "movement")
    back = formats.money(row["given_back"], row["currency"]) if row["given_back"] else ""
    reason = sentences.stated(row["kind"], row["reason"])
    return {
        "said": sentences.happened(row["kind"], back if row["kind"] == "captured" else "", verb),
        "address": "",
        "detail": [("", reason)] if reason and row["kind"] != "operation_unknown" else [],
        "subject": numbers.get(row["purchase"], f"payment {row['payment']}"),
        "href": f"/holds/{row['payment']}",
        "amount": formats.money(row["amount"], row["currency"]) if row["amount"] else "",
        "alarming": False,
    }


def _of_entry(row: dict[str, Any]) -> dict[str, Any]:
    action = Action(row["action"])
    outcome = _OUTCOMES.get(row["outcome"], "")
    detail = list(json.loads(row["detail"]).items())
    if action is Action.DENIED:
        told = dict(detail)
        detail = [(told.get("status", ""), told.get("because", "")), ("", told.get("flood", ""))]
        row = {**row, "subject": told.get("asked", row["subject"])}
    return {
        "said": f"{_SAID[action]}{f': {outcome}' if outcome else ''}",
        "address": row["address"],
        "detail": [(name, value) for name, value in detail if value],
        "subject": "" if row["subject"] in ("/sign-in", "/sign-out") else row["subject"],
        "href": _href(row, action),
        "amount": "",
        "alarming": action in _ALARMING,
    }


def _href(row: dict[str, Any], action: Action) -> str:
    if action in (Action.REPLAY, Action.BATCH):
        return str(row["subject"])
    return f"/holds/{row['payment']}" if row["payment"] and action in _KNOWN else ""


# Only of these it is sure that the payment in their address exists.
_KNOWN = (Action.GIVE_UP, Action.KEEP, Action.RECONCILE, Action.SANDBOX)
