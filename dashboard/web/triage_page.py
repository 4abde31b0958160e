"""One payment a screen, of those that need a person, in order of expiry."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from litestar import Request, Response, get
from litestar.exceptions import NotFoundException
from litestar.response import Redirect
from litestar_htmx import HTMXRequest

from dashboard import clock, findings, formats, reasons, settings
from dashboard.bookings.holds import Hold, hold
from dashboard.staff.tables import reaches
from dashboard.support import snoozes, triage
from dashboard.support.triage import Waiting
from dashboard.web import fuse, lines, live, triage_words
from dashboard.web.hold_page import LARGEST_ID
from dashboard.web.pages import page
from dashboard.web.security import guard
from dashboard.web.story import story
from dashboard.web.wholes import whole

# Whoever comes back later than that begins anew.
LONGEST_SITTING = timedelta(hours=24)
EVENTS = 5


@get("/triage", guards=[guard()])
async def show(request: HTMXRequest) -> Response[Any]:
    """The payment that the address names, else the first that needs a person."""
    given = dict(request.query_params.items())
    tag = await live.of_desk(request)
    if same := live.unchanged(request, tag):
        return same
    shown = await context(request, given, tag)
    if shown is None:
        return Redirect(await _first(given), status_code=303)
    return await page(request, "triage/show.html", shown)


@get("/triage/done", guards=[guard()])
async def done(request: HTMXRequest) -> Response[Any]:
    """What this person did in this sitting, and what is left."""
    tag = await live.of_desk(request)
    if same := live.unchanged(request, tag):
        return same
    return await page(request, "triage/done.html", await _done(request, tag))


async def context(
    request: Request[Any, Any, Any], given: Mapping[str, str], tag: str
) -> dict[str, Any] | None:
    """All that a screen shows; None when the address names no payment."""
    found = await _named(given.get("hold", ""))
    if found is None:
        return None
    now, zone = clock.now(), settings.current().zone
    staff = request.state.get("staff")
    waiting, since = await triage.waiting(now), began(given, now)
    payments = {payment.id: payment for payment in found.books.payments}
    told = await story(found.books.purchase.id, payments, [], "", zone)
    asleep = (await snoozes.standing([found.payment.id], now)).get(found.payment.id)
    may_move = staff is not None and reaches(staff, "support")
    return {
        "live": tag,
        "hold": found,
        "line": lines.line(found, now, zone, staff),
        "heading": findings.hold(found, now),
        "question": reasons.question(found),
        "fuse": fuse.fuse(found, now, zone),
        "events": told.lines[-EVENTS:],
        "earlier": len(told.lines) - EVENTS,
        "formats": formats,
        "snoozed": snoozes.told(asleep, zone) if asleep else "",
        "needed": _needed(found, now),
        "can_snooze": may_move and not asleep and _can_sleep(found, now),
        "flash": "",
        **await _around(found, waiting, since),
    }


def _can_sleep(found: Hold, now: datetime) -> bool:
    free = _needed(found, now) and found.books.operation is None
    return free and snoozes.latest(found.payment, now) > now


def _needed(found: Hold, now: datetime) -> bool:
    """A mark from before a movement stands for a moment longer than what it was set for."""
    return found.books.purchase.attention is not None and found.step(now).why != "done"


async def _around(found: Hold, waiting: Sequence[Waiting], since: datetime) -> dict[str, Any]:
    """Where this payment stands among the others, and the way on."""
    number = next(
        (n for n, one in enumerate(waiting, 1) if one.payment_id == found.payment.id), None
    )
    key = await triage.place(found.payment.id, since)
    then = triage.following(waiting, key) if key else None
    return {
        "position": f"{number} of {len(waiting)} that need a person" if number else "",
        "next": _address(since, then),
        "last": then is None,
        "back": urlencode({"back": _address(since, found.payment.id)}),
    }


async def _named(text: str) -> Hold | None:
    number = whole(text, 18)
    return await hold(number) if number is not None and number < LARGEST_ID else None


async def _first(given: Mapping[str, str]) -> str:
    now = clock.now()
    if given.get("hold"):
        raise NotFoundException("There is no such hold.")
    waiting = await triage.waiting(now)
    return _address(began(given, now), waiting[0] if waiting else None)


def _address(since: datetime, place: Waiting | int | None) -> str:
    asked = {"since": str(int(since.timestamp()))}
    if place is None:
        return f"/triage/done?{urlencode(asked)}"
    payment_id = place if isinstance(place, int) else place.payment_id
    return f"/triage?{urlencode({'hold': payment_id, **asked})}"


def began(given: Mapping[str, str], now: datetime) -> datetime:
    """When the sitting began, by the address; now for nonsense and for what is long ago."""
    since = whole(given.get("since", ""), 11)
    if since is None:
        return now
    known = datetime.fromtimestamp(since, UTC)
    return known if timedelta() <= now - known <= LONGEST_SITTING else now


async def _done(request: HTMXRequest, tag: str) -> dict[str, Any]:
    now, zone = clock.now(), settings.current().zone
    since = began(dict(request.query_params.items()), now)
    sitting = await triage.sitting(request.state.staff.id, since)
    waiting = await triage.waiting(now)
    return {
        "live": tag,
        "heading": triage_words.summary(sitting, waiting, zone),
        "deeds": await triage_words.deeds(sitting, zone),
        "since": formats.moment(since, zone),
        "again": _address(since, waiting[0]) if waiting else "",
        "left": len(waiting),
        "flash": "",
    }


handlers = [show, done]
