"""`/sandbox`: can I try it? Book with test cards, move the clock, and see what comes of it.

The page is there only while the product runs on its own sandbox. Viewers look; support acts.
"""

from dataclasses import asdict, replace
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from litestar import Response, get, post
from litestar.connection import ASGIConnection
from litestar.exceptions import NotFoundException
from litestar.handlers import BaseRouteHandler
from litestar.response import Redirect
from litestar_htmx import HTMXRequest

from dashboard import clock, formats, money, settings
from dashboard.audit import record
from dashboard.audit.record import Action
from dashboard.bookings.errors import BadOrder, Conflict, KeyReused
from dashboard.staff.tables import reaches
from dashboard.stripe_gateway import Unreachable
from dashboard.web import sandbox_booking as booking
from dashboard.web import sandbox_view as view
from dashboard.web import sandbox_words as words
from dashboard.web import trail
from dashboard.web.pages import page
from dashboard.web.sandbox_booking import Typed
from dashboard.web.sandbox_controls import Away, Refused
from dashboard.web.security import guard
from jobs import journey

# A step of an hour takes a moment: the page waits so long before it shows the clock on its way.
PATIENCE = 4.0
FARTHEST = timedelta(days=730)
AWAY = "The sandbox doesn’t answer. Is it running? `make run` starts it with everything else."


async def on_the_sandbox(_: ASGIConnection[Any, Any, Any, Any], __: BaseRouteHandler) -> None:
    """Nothing here exists where real cards are charged."""
    if not settings.current().sandbox:
        raise NotFoundException("There is no such page.")


# What a message can stand beside.
FIELDS = (*Typed.__slots__, "to", "date")
LOOK = [on_the_sandbox, guard()]
ACT = [on_the_sandbox, guard("support")]


@get("/sandbox", guards=LOOK)
async def show(request: HTMXRequest) -> Response[Any]:
    """The whole playground."""
    return await shown(request)


async def shown(
    request: HTMXRequest,
    *,
    typed: Typed | None = None,
    faults: dict[str, str] | None = None,
    trouble: str = "",
    status: int = 200,
    payment: str = "",
) -> Response[Any]:
    """The page, with what was typed and what is wrong with it."""
    asked = {name: value[:300] for name, value in request.query_params.items()}
    given = payment or asked.get("payment", "").strip()
    code, zone = asked.get("done", ""), view.zone()
    try:
        played = await view.sandbox_shown(zone)
    except (Away, Refused) as error:
        played = {"webhooks": None, "troubles": []}
        trouble, status = trouble or str(error) or AWAY, max(status, 503)
    staff = request.state.staff
    at_hand = await view.payment_shown(given)
    context = {
        "acts": staff is not None and reaches(staff, "support"),
        "typed": asdict(typed or booking.blank()),
        "faults": {**dict.fromkeys(FIELDS, ""), **(faults or {})},
        "words": words,
        "given": given,
        "found": at_hand,
        "trouble": trouble,
        "done": code,
        "said": words.said(code, asked.get("n", "1")) if request.method == "GET" else "",
        "flash": "",
        "plain": money.plain,
        **played,
        **await booking.choices(),
        **await view.clock_shown(zone),
    }
    return await page(request, "sandbox/index.html", context, status)


@post("/sandbox/bookings", guards=ACT)
async def book(request: HTMXRequest) -> Response[Any]:
    """Book as a student would; the redirect shows what became of the card."""
    typed = booking.read(await request.form())
    try:
        payment_id = await booking.place(typed)
    except BadOrder as error:
        return await shown(request, typed=typed, faults=dict(error.faults), status=422)
    except KeyReused:
        fresh = replace(typed, key=booking.blank().key)
        said = "This form was sent before with something else in it. Look again, then send it."
        return await shown(request, typed=fresh, trouble=said, status=422)
    except Conflict as error:
        return await shown(request, typed=typed, trouble=str(error), status=409)
    except Refused as error:
        return await shown(request, typed=typed, trouble=str(error), status=409)
    except (Away, Unreachable):
        said = f"{AWAY} Nothing was booked."
        return await shown(request, typed=typed, trouble=said, status=503)
    told = {"card": typed.card, "payment": f"payment/{payment_id}"}
    await noted(request, "Booked with a test card", told)
    return back("booked", payment=str(payment_id))


@post("/sandbox/clock", guards=ACT)
async def move(request: HTMXRequest) -> Response[Any]:
    """Send the clock on its way, and wait a moment for it to arrive."""
    given = {name: str(value) for name, value in (await request.form()).items()}
    at = journey.latest()
    if given.get("to") == "stop":
        if at is not None:
            at.stopping = True
            await journey.wait(at, PATIENCE)
        return back("stopped", payment=given.get("payment", ""))
    try:
        target = await _target(given)
        at = journey.begin(target, settings.current())
    except BadOrder as error:
        return await shown(request, faults=dict(error.faults), status=422)
    except journey.UnderWay:
        said = "The clock is on its way already. Stop it, or let it arrive."
        return await shown(request, trouble=said, status=409)
    await noted(request, "Moved the clock", {"to": formats.moment(target, view.zone())})
    await journey.wait(at, PATIENCE)
    return back("moved", payment=given.get("payment", ""))


async def _target(given: dict[str, str]) -> datetime:
    """Where the clock is sent; BadOrder for somewhere it can't go."""
    now, to = clock.now(), given.get("to", "")
    if to in words.LEAPS:
        return now + words.LEAPS[to][1]
    if to in ("expiry", "capture"):
        stop = (await view.stops(view.zone())).get(to)
        if stop is None:
            raise BadOrder(("to", "There is nothing like that ahead."))
        return stop.at
    target = booking.local(given.get("date", ""), view.zone(), "date")
    if target <= now:
        raise BadOrder(("date", "The clock only goes forward: choose a later time."))
    if target > now + FARTHEST:
        raise BadOrder(("date", "Choose a time in the next two years."))
    return target


async def noted(request: HTMXRequest, what: str, told: dict[str, str]) -> None:
    """Write into the audit what was played."""
    subject = told.pop("payment", request.url.path.lstrip("/"))
    detail = {"what": what, **told}
    await record.write(trail.who(request.scope), Action.SANDBOX, subject, "done", detail)


def back(code: str, count: int = 1, payment: str = "", part: str = "") -> Redirect:
    """Back to the page, to its `part`, with a word about what was done."""
    told = {"payment": payment[:300], "done": code, "n": str(count) if count != 1 else ""}
    query = urlencode({name: value for name, value in told.items() if value})
    return Redirect(f"/sandbox?{query}{f'#{part}' if part else ''}", status_code=303)


handlers = [show, book, move]
