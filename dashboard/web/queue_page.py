"""The queue of holds: what needs somebody now, in order of expiry."""

from typing import Any
from urllib.parse import urlencode

from litestar import Request, Response, get
from litestar.response import Redirect
from litestar_htmx import HTMXRequest

from dashboard import clock, findings, formats, reasons, settings
from dashboard.bookings import outlook, queue, spans
from dashboard.bookings.holds import holds
from dashboard.bookings.queue import Filters
from dashboard.bookings.search import exact
from dashboard.payments.facts import Status
from dashboard.staff.tables import reaches
from dashboard.support import queries as tickets
from dashboard.support import snoozes
from dashboard.web import lines, live, strip
from dashboard.web.pages import page
from dashboard.web.security import guard, only_looks
from dashboard.web.tabs import VIEW_NAMES, tabs

WINDOW_NAMES = {
    "2h": "next 2 h",
    "24h": "next 24 h",
    "3d": "next 3 days",
    "7d": "next 7 days",
}


@get("/holds", guards=[guard()])
async def index(request: HTMXRequest) -> Response[Any]:
    """The queue. A search that names exactly one payment opens it."""
    chosen = queue.filters(dict(request.query_params.items()))
    if not only_looks(request) and (found := await _only_match(request, chosen)) is not None:
        return Redirect(f"/holds/{found}", status_code=303)
    # Before anything is read: what changes while we read is shown by the next look.
    tag = await live.of_desk(request)
    if same := live.unchanged(request, tag):
        return same
    return await page(request, "holds/index.html", await queue_context(request, chosen, tag))


async def _only_match(request: HTMXRequest, chosen: Filters) -> int | None:
    return await exact(chosen.q) if "q" in request.query_params and chosen.q else None


async def queue_context(
    request: Request[Any, Any, Any], chosen: Filters, tag: str
) -> dict[str, Any]:
    """All that the queue shows: heading, strip, counts and rows of one and the same moment."""
    now, zone = clock.now(), settings.current().zone
    staff = request.state.get("staff")
    listed = await queue.listed(chosen, now)
    found = await holds(listed.payment_ids)
    asked = await tickets.of_purchases([one.books.purchase.id for one in found], alive=True)
    endings = await outlook.ending(now)
    next_end = None if endings else await outlook.next_end(now)
    return {
        "filters": chosen,
        "rows": [lines.line(one, now, zone, staff) for one in found],
        "tickets": {one.payment.id: asked.get(one.books.purchase.id, []) for one in found},
        "snoozed": {
            id_: snoozes.told(row, zone)
            for id_, row in (await snoozes.standing(listed.payment_ids, now)).items()
        },
        "more": urlencode(chosen.query(after=listed.next_after)) if listed.next_after else "",
        "tabs": await tabs(chosen, staff, now),
        "view_names": VIEW_NAMES,
        "window_names": WINDOW_NAMES,
        "statuses": list(Status),
        "heading": findings.queue(endings, next_end, now, zone),
        "risk": findings.at_risk(endings),
        "disputed": findings.disputed(await outlook.disputes(), now, zone),
        "strips": strip.strips(endings, now, zone),
        "ticks": strip.ticks(now, zone),
        "column_width": strip.width(),
        "progress": strip.progress(now, zone),
        "may_move": staff is not None and reaches(staff, "support"),
        "select_all": request.query_params.get("select") == "page",
        "span_name": span_name(chosen.expires),
        "empty": _empty(chosen),
        "live": tag,
        "flash": "",
    }


def span_name(expires: str) -> str:
    """The clock's times of a span: "02:00 to 03:00", with the day when it is not today."""
    span, zone = spans.parse(expires), settings.current().zone
    if span is None:
        return ""
    first, last = span.start.astimezone(zone), span.end.astimezone(zone)
    start = reasons.when(span.start, clock.now(), zone)
    near = span.end - span.start <= queue.DAY or first.date() == last.date()
    end = formats.time_of_day(span.end, zone) if near else formats.day_and_time(span.end, zone)
    return f"{start} to {end}"


def _empty(chosen: Filters) -> dict[str, str]:
    """Words and a way on for a list without rows; which words depends on why it is empty."""
    if chosen.after:
        return {"text": "That was all.", "link": urlencode(chosen.query(after="")), "way": "Back"}
    for name, text in (
        ("q", f"No holds match “{chosen.q}”."),
        ("expires", f"No holds match. Clear “Expires: {_window(chosen.expires)}”?"),
        ("currency", f"No holds match. Clear “Currency: {chosen.currency.upper()}”?"),
        ("status", f"No holds match. Clear “Status: {chosen.status}”?"),
    ):
        if getattr(chosen, name):
            return {"text": text, "link": urlencode(chosen.query(**{name: ""})), "way": "Clear it"}
    return {"text": _NONE[chosen.view], "link": "", "way": ""}


def in_words(chosen: Filters) -> list[str]:
    """What a list is narrowed to, part by part, for a person who can't see its form."""
    parts = (
        (chosen.q, f"Find “{chosen.q}”"),
        (chosen.status, f"Status: {chosen.status}"),
        (chosen.expires, f"Expires: {_window(chosen.expires)}"),
        (chosen.currency, f"Currency: {chosen.currency.upper()}"),
    )
    return [VIEW_NAMES[chosen.view], *(said for value, said in parts if value)]


_NONE = {
    "expiring": "No hold expires in the next 24 hours.",
    "person": "Nothing needs a person right now.",
    "disputed": "No payment is disputed.",
    "open": "Nothing is held. A hold appears here as soon as a lesson is booked.",
    "failed": "No card was declined.",
    "all": "No payments yet. Book a lesson and it appears here.",
}


def _window(expires: str) -> str:
    return WINDOW_NAMES.get(expires) or span_name(expires)
