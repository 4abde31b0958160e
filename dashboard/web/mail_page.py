"""The mail: what was told to whom, what is due, and how every message looks."""

from typing import Any
from urllib.parse import urlencode

from litestar import Response, get
from litestar.exceptions import NotFoundException
from litestar.params import FromPath
from litestar_htmx import HTMXRequest, HTMXTemplate

from dashboard import clock, formats, settings
from dashboard.alerts import letters as alert_letters
from dashboard.mail import messages, queries, reading, rendering, writing
from dashboard.mail.facts import State, Template
from dashboard.mail.letters import Letter
from dashboard.mail.samples import samples
from dashboard.mail.tables import Message
from dashboard.reports import crossings, monthly
from dashboard.web.pages import page
from dashboard.web.security import PAGE_POLICY, guard

VIEW_NAMES = {
    "all": "All",
    "due": "Due",
    "failed": "Failed",
    "sent": "Sent",
    "skipped": "Skipped",
}
TEMPLATE_NAMES = {
    Template.RESERVED: "Reserved",
    Template.PAID: "Paid",
    Template.CHARGED_EARLY: "Charged early",
    Template.RELEASED: "Released",
    Template.EXPIRED: "Expired",
    Template.REFUNDED: "Refunded",
    Template.REFUND_FAILED: "Refund came back",
    Template.DECLINED: "Card declined",
    Template.PLANNED: "Hold planned",
    Template.CARD_REFUSED: "Card not saved",
    Template.CONFIRM_CARD: "Confirm the card",
    Template.AUTHENTICATE: "Confirm the hold",
    Template.HOLD_REFUSED: "Hold refused",
    Template.RENEWED: "Hold renewed",
    Template.LET_GO: "Let go",
}
# The desk's own policy frames nothing; these pages frame an e-mail of ours, in a sandbox.
FRAMING = f"{PAGE_POLICY}; frame-src 'self'"
# An e-mail brings its styles along and nothing else: no script, no picture, no form, no link out.
FRAMED = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'self'; sandbox",
    "X-Frame-Options": "SAMEORIGIN",
}


@get("/mail", guards=[guard()])
async def index(request: HTMXRequest) -> HTMXTemplate:
    """The messages, the newest first."""
    what = queries.asked(dict(request.query_params.items()))
    rows, more = await queries.listed(what)
    counts = await queries.counts()
    context = {
        "asked": what,
        "rows": [_line(row) for row in rows],
        "more": urlencode({"view": what.view, "q": what.q, "before": more}) if more else "",
        "first": urlencode({"view": what.view, "q": what.q}),
        "counts": counts,
        "view_names": VIEW_NAMES,
        "heading": _heading(counts),
        "troubled": [
            (event, error, formats.moment(at, settings.current().zone))
            for event, error, at in await writing.troubled()
        ],
        "into_files": not settings.current().smtp_url,
    }
    return await page(request, "mail/index.html", context)


@get("/mail/{message_id:int}", guards=[guard()])
async def show(request: HTMXRequest, message_id: FromPath[int]) -> HTMXTemplate:
    """One message as text and as HTML, side by side, and how far it has come."""
    row = await _need(message_id)
    context = {"line": _line(row.to_dict()), "text": row.text, "message_id": row.message_id}
    answer = await page(request, "mail/show.html", context)
    answer.headers["Content-Security-Policy"] = FRAMING
    return answer


@get("/mail/{message_id:int}/html", guards=[guard()])
async def show_html(message_id: FromPath[int]) -> Response[str]:
    """The HTML of one message, for the frame beside its text."""
    return _framed((await _need(message_id)).html)


@get("/mail/templates", guards=[guard()])
async def templates(request: HTMXRequest) -> HTMXTemplate:
    """Every message with sample facts, text and HTML side by side."""
    shown = [
        (name, label, letter.subject, rendering.text(letter))
        for name, (label, letter) in _letters().items()
    ]
    answer = await page(request, "mail/templates.html", {"shown": shown})
    answer.headers["Content-Security-Policy"] = FRAMING
    return answer


@get("/mail/templates/{name:str}/html", guards=[guard()])
async def template_html(name: FromPath[str]) -> Response[str]:
    """The HTML of one sample, for the frame beside its text."""
    found = _letters().get(name)
    if found is None:
        raise NotFoundException("There is no such template.")
    return _framed(rendering.html(found[1]))


def _letters() -> dict[str, tuple[str, Letter]]:
    """Every template with sample facts: those to students, then those to ourselves."""
    written = {
        name: (label, messages.letter(facts))
        for name, (label, facts) in samples(reading.terms()).items()
    }
    to_students = {name: (label, one) for name, (label, one) in written.items() if one}
    return {**to_students, **alert_letters.samples(), **crossings.samples(), **monthly.samples()}


def _framed(html: str) -> Response[str]:
    return Response(html, media_type="text/html; charset=utf-8", headers=FRAMED)


async def _need(message_id: int) -> Message:
    row = await queries.message(message_id)
    if row is None:
        raise NotFoundException("There is no such e-mail.")
    return row


def _heading(counts: dict[str, int]) -> str:
    def some(count: int) -> str:
        return "1 e-mail" if count == 1 else f"{count:,} e-mails"

    if counts["failed"]:
        waiting = f", {counts['due']:,} due" if counts["due"] else ""
        return f"{some(counts['failed'])} could not be delivered{waiting}"
    if counts["due"]:
        return f"{some(counts['due'])} due to be sent"
    return f"{some(counts['sent'])} sent, none due" if counts["sent"] else "No e-mail sent yet"


def _line(row: dict[str, Any]) -> dict[str, Any]:
    """A message as a list shows it, its instants in the desk's zone."""
    zone = settings.current().zone
    states = {
        State.WAITING: "Due" if row["attempts"] == 0 else "Due again",
        State.SENDING: "Sending",
        State.SENT: "Sent",
        State.FAILED: "Failed",
        State.SKIPPED: "Skipped",
    }
    at = row["sent_at"] or row["due_at"] or row["created_at"]
    return {
        **{
            name: row[name] for name in ("id", "payment", "number", "recipient", "subject", "error")
        },
        "name": row["recipient_name"],
        "template": TEMPLATE_NAMES[Template(row["template"])],
        "state": states[State(row["state"])],
        "word": str(row["state"]),
        "attempts": row["attempts"],
        "moment": formats.moment(at, zone),
        "iso": at.isoformat(),
        "late": row["state"] == State.WAITING and at < clock.now(),
        "created": formats.moment(row["created_at"], zone),
    }


handlers = [index, show, show_html, templates, template_html]
