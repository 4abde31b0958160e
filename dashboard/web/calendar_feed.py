"""The secret address of the calendar: made, renewed and revoked by a person, read by a program."""

import hashlib

from litestar import Response, get, post
from litestar.exceptions import NotFoundException
from litestar.params import FromPath
from litestar.response import Redirect
from litestar_htmx import HTMXRequest, HTMXTemplate

from dashboard import clock, db, formats, settings
from dashboard.audit import record
from dashboard.audit.record import Action
from dashboard.bookings import outlook
from dashboard.bookings.holds import Hold, holds
from dashboard.staff import feeds
from dashboard.web import icalendar, live, trail
from dashboard.web.calendar_page import calendar_page
from dashboard.web.icalendar import Event
from dashboard.web.limits import PAGES, limit
from dashboard.web.security import guard

# As many as a calendar can show; the next to end come first.
MOST = 1000
ENDING = ".ics"


@post("/calendar", guards=[guard()], status_code=200)
async def make(request: HTMXRequest) -> HTMXTemplate:
    """A new address, shown this once; the old one is worth nothing any more."""
    staff, tag = request.state.staff, await live.of_desk(request)
    async with db.transaction():
        outcome = "renewed" if await feeds.of(staff.id) else "made"
        token = await feeds.make(staff.id)
        await record.write(trail.who(request.scope), Action.FEED, "/calendar", outcome)
    address = f"{settings.current().base_url}/calendar/feeds/{token}{ENDING}"
    return await calendar_page(request, tag, {"address": address})


@post("/calendar/revoke", guards=[guard()])
async def revoke(request: HTMXRequest) -> Redirect:
    """Take the address away."""
    async with db.transaction():
        if await feeds.revoke(request.state.staff.id):
            await record.write(trail.who(request.scope), Action.FEED, "/calendar", "revoked")
    return Redirect("/calendar#feed", status_code=303)


@get("/calendar/feeds/{token:str}", guards=[limit(PAGES)])
async def read(request: HTMXRequest, token: FromPath[str]) -> Response[bytes]:
    """The holds that are going to end, for whoever knows the address."""
    if await feeds.reader(token.removesuffix(ENDING)) is None:
        raise NotFoundException("There is no such calendar.")
    body = icalendar.calendar(await _events(), settings.current().base_url)
    tag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
    headers = {"ETag": tag, "Cache-Control": "private, no-cache"}
    if tag in request.headers.get("If-None-Match", ""):
        return Response(b"", status_code=304, headers=headers)
    return Response(body, media_type="text/calendar", headers=headers)


async def _events() -> list[Event]:
    found = await holds(await outlook.next_to_end(clock.now(), MOST))
    return [_event(one) for one in found]


def _event(hold: Hold) -> Event:
    facts = hold.facts
    assert facts.expires_at is not None
    return Event(
        payment_id=hold.payment.id,
        number=hold.subject.number,
        amount=formats.money(facts.authorized, hold.currency),
        at=facts.expires_at,
        made_at=hold.payment.authorized_at or facts.created_at,
        estimated=facts.expires_estimated,
        person=hold.books.purchase.attention is not None,
    )


handlers = [make, revoke, read]
