"""The page of one ticket: its story, what it is about, and what may be done with it."""

import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from litestar import Response, get, post
from litestar.params import FromPath
from litestar.response import Redirect
from litestar_htmx import HTMXRequest

from dashboard import clock, formats, settings
from dashboard.bookings import holds
from dashboard.bookings.errors import BadOrder, KeyReused
from dashboard.bookings.holds import Hold
from dashboard.bookings.tables import Student
from dashboard.payments.errors import Busy, NotAllowed
from dashboard.staff.tables import reaches
from dashboard.support import actions, links, queries, wording
from dashboard.support.actions import Word
from dashboard.support.errors import Stale
from dashboard.support.pausing import Pause
from dashboard.support.tables import Ticket, TicketNote
from dashboard.web import lines, pause_form, ticket_lines, ways
from dashboard.web.pages import page
from dashboard.web.security import guard
from dashboard.web.ticket_answer import hashed
from dashboard.web.wholes import whole

# Where the page can say what is wrong.
_PLACES = ("body", "about", "topic", "status", "until", "reason", "pause")
REPEATED = "This form was sent before, with another text. Send it again to write this one as well."


@dataclass(frozen=True, slots=True)
class Typed:
    """What one of the page's forms sent, as it was typed."""

    body: str = ""
    deed: str = ""
    topic: str = ""
    about: str = ""
    key: str = ""
    shown: int = -1
    until: str = ""
    policy: str = ""
    reason: str = ""


@get("/tickets/{ticket_id:int}", guards=[guard()])
async def show(request: HTMXRequest, ticket_id: FromPath[int]) -> Response[Any]:
    """One ticket with all that was written on it."""
    return await _page(request, ticket_id, Typed())


@post("/tickets/{ticket_id:int}/notes", guards=[guard("support")])
async def write(request: HTMXRequest, ticket_id: FromPath[int]) -> Response[Any]:
    """Write a note, or turn the ticket's status with what was written."""

    async def act(typed: Typed, word: Word) -> None:
        if typed.deed == "note":
            await actions.note(ticket_id, word)
        else:
            await actions.turn(ticket_id, typed.deed, word)

    return await _do(request, ticket_id, act)


@post("/tickets/{ticket_id:int}/topic", guards=[guard("support")])
async def sort(request: HTMXRequest, ticket_id: FromPath[int]) -> Response[Any]:
    """Sort the ticket under another topic."""

    async def act(typed: Typed, word: Word) -> None:
        await actions.sort(ticket_id, typed.topic, word)

    return await _do(request, ticket_id, act)


@post("/tickets/{ticket_id:int}/link", guards=[guard("support")])
async def link(request: HTMXRequest, ticket_id: FromPath[int]) -> Response[Any]:
    """Say which booking, package or student the ticket is about."""

    async def act(typed: Typed, word: Word) -> None:
        said = typed.about.strip()
        about = await links.named(said) if said else links.NOTHING
        await actions.link(ticket_id, about, said, word)

    return await _do(request, ticket_id, act)


@post("/tickets/{ticket_id:int}/pause", guards=[guard("support")])
async def pause(request: HTMXRequest, ticket_id: FromPath[int]) -> Response[Any]:
    """Let the automatic capture of what the ticket is about wait."""

    async def act(typed: Typed, word: Word) -> None:
        pause_form.require_reason(typed.reason)
        until = pause_form.until(typed.until, settings.current().zone)
        wanted = Pause(until, typed.reason, typed.policy or None)
        await actions.pause(ticket_id, wanted, word)

    return await _do(request, ticket_id, act)


async def _do(
    request: HTMXRequest, ticket_id: int, act: Callable[[Typed, Word], Awaitable[None]]
) -> Response[Any]:
    """Act, and go back to the ticket; else its page as it stands now, with what was typed."""
    typed, by = _read(await request.form()), request.state.actor
    key = hashed(request.url.path, by.name, typed.key) if typed.key else None
    try:
        await act(typed, Word(by, key, typed.body, typed.shown))
    except BadOrder as wrong:
        return await _page(request, ticket_id, typed, dict(wrong.faults), 422)
    except Stale:
        return await _page(request, ticket_id, typed, {"form": await _stale(ticket_id)}, 409)
    except (Busy, NotAllowed) as no:
        return await _page(request, ticket_id, typed, await _refused(ticket_id, no), 409)
    except KeyReused:
        return await _page(request, ticket_id, typed, {"form": REPEATED}, 409)
    return Redirect(f"/tickets/{ticket_id}", status_code=303)


async def _refused(ticket_id: int, error: Busy | NotAllowed) -> dict[str, str]:
    """Why the capture can't be paused, at the field that it is about."""
    row, known = await queries.ticket(ticket_id), settings.current()
    found = await holds.hold(row.payment) if row.payment is not None else None
    currency = found.currency if found is not None else known.default_currency
    at, said = pause_form.refused(error, currency, known.zone)
    return {at: said}


async def _stale(ticket_id: int) -> str:
    """Who was faster, and that nothing typed is lost."""
    entries = await queries.entries([ticket_id])
    changes = [one for one in entries if one.kind not in ("note", "paused")]
    last = changes[-1]
    ago = formats.ago(last.written_at, clock.now())
    done = ticket_lines.done(last, settings.current().zone).lower()
    return (
        f"{last.author} changed this ticket {ago} ago ({done}), so it "
        "was left as it is. Look again; what you typed is still here."
    )


def _read(given: Any) -> Typed:
    shown = whole(str(given.get("shown") or ""), 9)
    return Typed(
        body=wording.lines(str(given.get("body") or "")[: 8 * wording.TEXT]),
        deed=str(given.get("deed") or "")[:20],
        topic=str(given.get("topic") or "")[:20],
        about=str(given.get("about") or "")[:400],
        key=str(given.get("key") or "")[:64],
        until=str(given.get("until") or "")[:40],
        policy=str(given.get("policy") or "")[:20],
        reason=wording.lines(str(given.get("reason") or "").strip()[:2000]),
        shown=-1 if shown is None else shown,
    )


async def _page(
    request: HTMXRequest,
    ticket_id: int,
    typed: Typed,
    faults: dict[str, str] | None = None,
    status: int = 200,
) -> Response[Any]:
    row, now, zone = await queries.ticket(ticket_id), clock.now(), settings.current().zone
    staff = request.state.staff
    context = {
        "ticket": row,
        "typed": typed,
        "key": str(uuid.uuid4()),
        "faults": {**dict.fromkeys(_PLACES, ""), **(faults or {})},
        "trouble": (faults or {}).get("form", ""),
        "heading": _heading(row, ticket_lines.span(row.status_since or row.opened_at, now)),
        "entries": [_told(one, now, zone) for one in await queries.entries([ticket_id])],
        "topics": ticket_lines.TOPIC_NAMES,
        "may_write": reaches(staff, "support"),
        "moment": lambda at: formats.moment(at, zone),
        **await _about(request, row),
    }
    return await page(request, "tickets/show.html", context, status)


def _heading(row: Ticket, waits: str) -> str:
    if row.status == "closed":
        return f"Closed {waits} ago: {row.subject}"
    return f"{ticket_lines.STATUS_NAMES[row.status]} for {waits}: {row.subject}"


def _told(note: TicketNote, now: Any, zone: Any) -> dict[str, Any]:
    return {
        "said": ticket_lines.done(note, zone) if note.kind != "note" else "",
        "author": note.author,
        "body": note.body,
        "at": note.written_at,
        "age": formats.ago(note.written_at, now),
    }


async def _about(request: HTMXRequest, row: Ticket) -> dict[str, Any]:
    """What the ticket is about: the payment with where it leads, and the student."""
    found = await holds.hold(row.payment) if row.payment is not None else None
    known = row.student is not None
    student = await Student.objects().get(Student.id == row.student) if known else None
    line = None
    if found is not None:
        line = lines.line(found, clock.now(), settings.current().zone, request.state.staff)
    called = f"#{row.booking}" if row.booking is not None else ""
    return {
        "line": line,
        "student": student,
        "named": called or (line.number if line else student.email if student else ""),
        "ways": ways.ways(found, request.state.staff) if found is not None else [],
        **_pausing(found),
    }


def _pausing(found: Hold | None) -> dict[str, Any]:
    """What the form of a pause needs; nothing where there is nothing to pause."""
    if found is None or not pause_form.pausable(found):
        return {"policies": {}, "paused": ""}
    until, zone = found.books.purchase.paused_until, settings.current().zone
    paused = formats.moment(until, zone) if until is not None and until > clock.now() else ""
    return {"policies": pause_form.policies(found, zone), "paused": paused}


handlers = [show, write, sort, link, pause]
