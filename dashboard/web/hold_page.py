"""The page of one payment: why it stands as it does, what happened, what may be done."""

import uuid
from dataclasses import dataclass, field
from typing import Any

from litestar import Request, Response, get, post
from litestar.exceptions import NotFoundException
from litestar.params import FromPath
from litestar.response import Redirect
from litestar_htmx import HTMXRequest

from dashboard import clock, findings, formats, reasons, sentences, settings
from dashboard.bookings.errors import BadOrder, KeyReused
from dashboard.bookings.holds import Hold, hold
from dashboard.mail import again
from dashboard.payments.facts import State, Status
from dashboard.payments.resume import resume
from dashboard.payments.tables import Operation
from dashboard.staff.tables import reaches
from dashboard.stripe_gateway import NotThere, Unreachable
from dashboard.support import notes, snoozes
from dashboard.support import queries as tickets
from dashboard.web import (
    dispute_panel,
    fuse,
    last_words,
    lines,
    live,
    outages,
    student_link,
    ticket_lines,
    ways,
)
from dashboard.web.pages import page
from dashboard.web.security import guard
from dashboard.web.story import story

LARGEST_ID = 2**62
REPEATED = "This form wrote a note before, with another text. Send it again for a second note."
NOT_AGAIN = "This is on its way already, or there is nothing to send any more."


@get("/holds/{payment_id:int}", guards=[guard()])
async def show(request: HTMXRequest, payment_id: FromPath[int]) -> Response[Any]:
    """One payment: its amounts, why it stands as it does, its story, what may be done."""
    tag = await live.of_payment(request, payment_id) if payment_id < LARGEST_ID else ""
    if same := live.unchanged(request, tag):
        return same
    found = await need(payment_id)
    context = {**await hold_context(request, found), "live": tag}
    return await page(request, "holds/show.html", {**context, **await _done(request, found)})


@post("/holds/{payment_id:int}/ask", guards=[guard("support")])
async def ask(request: HTMXRequest, payment_id: FromPath[int]) -> Response[Any]:
    """Ask Stripe again how the open operation ended, without waiting for the next try."""
    trouble = await _ask(await need(payment_id))
    if not trouble:
        return Redirect(f"/holds/{payment_id}", status_code=303)
    context = await hold_context(request, await need(payment_id))
    return await page(request, "holds/show.html", {**context, "trouble": trouble}, 503)


@post("/holds/{payment_id:int}/link", guards=[guard("support")])
async def send_link(request: HTMXRequest, payment_id: FromPath[int]) -> Response[Any]:
    """Send the e-mail with the student's link once more."""
    found = await need(payment_id)
    shown = await student_link.panel(found, settings.current().zone)
    row = shown.message if shown else None
    if row is not None and await again.send_again(row, request.state.actor.name):
        return Redirect(f"/holds/{payment_id}", status_code=303)
    context = await hold_context(request, found)
    return await page(request, "holds/show.html", {**context, "trouble": NOT_AGAIN}, 409)


@dataclass(frozen=True, slots=True)
class Note:
    """The form for a note, as it was typed; `key` makes it count once."""

    body: str = ""
    fault: str = ""
    key: str = field(default_factory=lambda: str(uuid.uuid4()))


@post("/holds/{payment_id:int}/notes", guards=[guard("support")])
async def write_note(request: HTMXRequest, payment_id: FromPath[int]) -> Response[Any]:
    """Write a note on the hold, for the desk alone."""
    found, form = await need(payment_id), await request.form()
    body, key = str(form.get("body", "")), str(form.get("key", ""))[:64]
    try:
        await notes.write(found.books.purchase.id, payment_id, body, request.state.actor, key)
    except (BadOrder, KeyReused) as error:
        fault = error.faults[0][1] if isinstance(error, BadOrder) else REPEATED
        context = await hold_context(request, found)
        return await page(request, "holds/show.html", {**context, "note": Note(body, fault)}, 422)
    return Redirect(f"/holds/{payment_id}#story", status_code=303)


async def _ask(found: Hold) -> str:
    """Take the open operation up again; answers what to say when Stripe can't be asked."""
    if found.books.operation is not None:
        try:
            await resume(found.books.operation.id, at_once=True)
        except (Unreachable, NotThere):
            return unreachable(found)
        outages.reached(outages.STRIPE)
    return ""


def unreachable(found: Hold) -> str:
    """Remember that Stripe can't be asked; answers what to say: nothing moved, and how old the
    page's numbers are."""
    outages.miss(outages.STRIPE)
    at = found.payment.synced_at
    seen = f" What you see is from {formats.moment(at, settings.current().zone)}." if at else ""
    return f"Stripe can't be reached right now. Nothing was moved by asking.{seen}"


async def need(payment_id: int) -> Hold:
    """The payment, or a 404 that says so."""
    found = await hold(payment_id) if payment_id < LARGEST_ID else None
    if found is None:
        raise NotFoundException("There is no such hold.")
    return found


async def _done(request: HTMXRequest, found: Hold) -> dict[str, str]:
    """The message of the movement that led here, for a browser that was redirected."""
    operation = await Operation.objects().get(Operation.id == request.query_params.get("done", ""))
    mine = operation is not None and operation.purchase == found.books.purchase.id
    if operation is None or not mine or operation.state != State.SUCCEEDED:
        return {}
    return {"flash": moved(operation, found)}


def moved(operation: Operation, found: Hold) -> str:
    """What a finished movement did, in one sentence."""
    captured = found.status in (Status.CAPTURED, Status.REFUNDED)
    rest = found.released if captured else 0
    return sentences.moved(
        operation, found.subject.first_name, formats.money(rest, found.currency) if rest else ""
    )


async def hold_context(request: Request[Any, Any, Any], found: Hold) -> dict[str, Any]:
    """All that a payment's page shows."""
    now, zone = clock.now(), settings.current().zone
    staff = request.state.get("staff")
    payments = {payment.id: payment for payment in found.books.payments}
    purchase_id = found.books.purchase.id
    asked = (await tickets.of_purchases([purchase_id])).get(purchase_id, [])
    show = request.query_params.get("show", "")
    return {
        # Without a tag the page's first look brings it up to date, whatever was read meanwhile.
        "live": "",
        "hold": found,
        "line": lines.line(found, now, zone, staff),
        "heading": findings.hold(found, now),
        "question": reasons.question(found),
        "fuse": fuse.fuse(found, now, zone),
        "story": await story(purchase_id, payments, asked, show, zone),
        "tickets": await ticket_lines.shown(asked, now, zone),
        "may_write": staff is not None and reaches(staff, "support"),
        "dispute": dispute_panel.panel(found, now, zone),
        "student_link": await student_link.panel(found, zone),
        "attempts": _attempts(found),
        "closing": last_words.closing(found) if staff and reaches(staff, "finance") else None,
        "snoozed": await _snoozed(found),
        "typed_reason": "",
        "note": Note(),
        "comparison": None,
        "asking": lines.asking(found) and staff is not None and reaches(staff, "support"),
        "ways": ways.ways(found, staff),
        "stripe_link": lines.link(found.payment.stripe_intent_id),
        "formats": formats,
        "flash": "",
        "trouble": "",
    }


async def _snoozed(found: Hold) -> str:
    row = (await snoozes.standing([found.payment.id], clock.now())).get(found.payment.id)
    return snoozes.told(row, settings.current().zone) if row else ""


def _attempts(found: Hold) -> list[Hold]:
    """The other payments of the same purchase, the newest first."""
    return [
        Hold(payment, found.books, found.subject)
        for payment in reversed(found.books.payments)
        if payment.id != found.payment.id
    ]
