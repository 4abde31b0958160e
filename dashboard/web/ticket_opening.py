"""The form that opens a ticket, from a hold's page or from the list."""

import uuid
from dataclasses import dataclass, replace
from typing import Any

from litestar import Response, get, post
from litestar.response import Redirect
from litestar_htmx import HTMXRequest

from dashboard import settings
from dashboard.bookings.errors import BadOrder, KeyReused
from dashboard.bookings.holds import Hold
from dashboard.payments.errors import Busy, NotAllowed
from dashboard.support import links, wording
from dashboard.support.actions import Opening, open_ticket
from dashboard.support.pausing import Pause
from dashboard.web import pause_form
from dashboard.web.hold_page import need
from dashboard.web.pages import page
from dashboard.web.security import guard
from dashboard.web.ticket_answer import hashed
from dashboard.web.ticket_lines import TOPIC_NAMES

# What makes two forms the same one.
_SENT = ("topic", "subject", "about", "hold", "body", "until", "policy", "reason")
REPEATED = "This form opened a ticket before, with another text. Send it again for a second ticket."


@dataclass(frozen=True, slots=True)
class Typed:
    """What the form sent, as it was typed. `hold` is the payment whose page it came from."""

    key: str
    hold: str = ""
    about: str = ""
    topic: str = "hold"
    subject: str = ""
    body: str = ""
    until: str = ""
    policy: str = ""
    reason: str = ""


@get("/tickets/new", guards=[guard("support")])
async def blank(request: HTMXRequest) -> Response[Any]:
    """The empty form."""
    hold = request.query_params.get("hold", "")
    return await _form(request, Typed(_fresh(), hold))


@post("/tickets/new", guards=[guard("support")])
async def send(request: HTMXRequest) -> Response[Any]:
    """Open the ticket, once, however often the form arrives."""
    typed = _read(await request.form())
    try:
        opening = Opening(
            typed.topic,
            typed.subject,
            typed.body,
            await _about(typed),
            request.state.actor,
            hashed("form", request.state.actor.name, typed.key),
            hashed(*(getattr(typed, name) for name in _SENT)),
            _pause(typed),
        )
        ticket_id = await open_ticket(opening)
    except BadOrder as wrong:
        return await _form(request, typed, dict(wrong.faults), 422)
    except (Busy, NotAllowed) as no:
        found = await _hold(typed)
        currency = found.currency if found else settings.current().default_currency
        at, said = pause_form.refused(no, currency, settings.current().zone)
        return await _form(request, typed, {at: said}, 409)
    except KeyReused:
        return await _form(request, replace(typed, key=_fresh()), {"form": REPEATED}, 409)
    return Redirect(f"/tickets/{ticket_id}", status_code=303)


def _pause(typed: Typed) -> Pause | None:
    """The pause that goes with the ticket, if a time was given; its subject is reason enough."""
    if not typed.until:
        return None
    reason = typed.reason or typed.subject
    pause_form.require_reason(reason)
    until = pause_form.until(typed.until, settings.current().zone)
    return Pause(until, reason, typed.policy or None)


def _fresh() -> str:
    return str(uuid.uuid4())


def _read(given: Any) -> Typed:
    def said(name: str, most: int = 400) -> str:
        return str(given.get(name) or "")[:most]

    return Typed(
        key=said("key") or _fresh(),
        hold=said("hold"),
        about=said("about"),
        topic=said("topic"),
        subject=said("subject", 4 * wording.SUBJECT),
        body=wording.lines(said("body", 8 * wording.TEXT)),
        until=said("until"),
        policy=said("policy"),
        reason=said("reason", 2000).strip(),
    )


async def _about(typed: Typed) -> links.Link:
    found = await _hold(typed)
    if found is not None:
        return await links.of_payment(found.payment.id)
    return await links.named(typed.about) if typed.about.strip() else links.NOTHING


async def _hold(typed: Typed) -> Hold | None:
    """The payment that the form is about; a 404 for one that is not there."""
    number = typed.hold
    return await need(int(number)) if number.isascii() and number.isdigit() else None


async def _form(
    request: HTMXRequest, typed: Typed, faults: dict[str, str] | None = None, status: int = 200
) -> Response[Any]:
    places = ("form", "about", "topic", "subject", "body", "until", "reason", "pause")
    found = await _hold(typed)
    pausable = found is not None and pause_form.pausable(found)
    context = {
        "typed": typed,
        "hold": found,
        "policies": pause_form.policies(found, settings.current().zone)
        if found is not None and pausable
        else {},
        "faults": {**dict.fromkeys(places, ""), **(faults or {})},
        "topics": TOPIC_NAMES,
        "subject_most": wording.SUBJECT,
    }
    return await page(request, "tickets/new.html", context, status)


handlers = [blank, send]
