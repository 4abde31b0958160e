"""Leave a payment for later: the form, with the ends that can be chosen, and what became of it."""

import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from litestar import Response, get, post
from litestar.params import FromPath
from litestar.response import Redirect
from litestar_htmx import HTMXRequest

from dashboard import clock, formats, settings
from dashboard.bookings.errors import BadOrder, KeyReused
from dashboard.bookings.holds import Hold
from dashboard.support import snoozes
from dashboard.web import pause_form
from dashboard.web.behind import behind
from dashboard.web.hold_page import need
from dashboard.web.pages import page
from dashboard.web.security import guard
from dashboard.web.ways import back_from

OTHER = "other"
MORNING = 9
REPEATED = "This form snoozed it before, with another text. Send it again for a second snooze."


@dataclass(frozen=True, slots=True)
class Typed:
    """The form as it was sent; `key` makes it count once, `back` is where it was opened."""

    choice: str = ""
    until: str = ""
    reason: str = ""
    back: str = ""
    key: str = field(default_factory=lambda: str(uuid.uuid4()))


@get("/holds/{payment_id:int}/snooze", guards=[guard("support")])
async def blank(request: HTMXRequest, payment_id: FromPath[int]) -> Response[Any]:
    """The form, or why it is too late for one."""
    found = await need(payment_id)
    return await _form(request, found, Typed(back=back_from(request.query_params)), {}, 200)


@post("/holds/{payment_id:int}/snoozes", guards=[guard("support")], status_code=200)
async def create(request: HTMXRequest, payment_id: FromPath[int]) -> Response[Any]:
    """Leave it for later; its automation goes on, and so do the alerts."""
    found, typed = await need(payment_id), _read(await request.form())
    try:
        until = await _snooze(request, found, typed)
    except (BadOrder, KeyReused) as error:
        faults = dict(error.faults) if isinstance(error, BadOrder) else {"form": REPEATED}
        return await _form(request, found, typed, faults, 422)
    return await _done(request, found, typed, until)


async def _snooze(request: HTMXRequest, found: Hold, typed: Typed) -> datetime:
    """Raises BadOrder with everything that is wrong, as far as it can be said at once."""
    zone, until = settings.current().zone, clock.now()
    faults: list[tuple[str, str]] = []
    try:
        until = _until(typed, zone)
    except BadOrder as wrong:
        faults += wrong.faults
    if fault := snoozes.reason_fault(typed.reason):
        faults.append(("reason", fault))
    if faults:
        raise BadOrder(*faults)
    await snoozes.snooze(
        found.payment.id, until, typed.reason, request.state.actor, typed.key, zone
    )
    return until


def _until(typed: Typed, zone: ZoneInfo) -> datetime:
    if typed.choice in ("", OTHER):
        return pause_form.until(typed.until, zone)
    try:
        at = datetime.fromisoformat(typed.choice)
        if at.utcoffset() is not None:
            return at.astimezone(UTC)
    except (ValueError, OverflowError):
        pass
    raise BadOrder(("until", "Give a date and a time."))


async def _done(request: HTMXRequest, found: Hold, typed: Typed, until: datetime) -> Response[Any]:
    if not request.htmx:
        return Redirect(typed.back or f"/holds/{found.payment.id}", status_code=303)
    flash = (
        f"{found.subject.number} is snoozed until {formats.moment(until, settings.current().zone)}."
    )
    return await page(request, "holds/moved.html", {**await behind(request), "flash": flash})


def _read(given: Any) -> Typed:
    said = {name: str(given.get(name) or "") for name in ("choice", "until", "reason", "key")}
    said["key"] = said["key"][:64] or str(uuid.uuid4())
    return Typed(**said, back=back_from(given))


def choices(found: Hold, now: datetime, zone: ZoneInfo) -> dict[str, str]:
    """The ends that are offered, by their instants; none where it is too late already."""
    most = snoozes.latest(found.payment, now)
    local = now.astimezone(zone)
    morning = (local + timedelta(days=1)).replace(hour=MORNING, minute=0, second=0, microsecond=0)
    offered = {
        "For 1 hour": now + timedelta(hours=1),
        "For 4 hours": now + timedelta(hours=4),
        "Until tomorrow": morning.astimezone(UTC),
        "As long as is safe": most,
    }
    return {
        at.isoformat(timespec="seconds"): f"{said}, {formats.moment(at, zone)}"
        for said, at in offered.items()
        if now < at <= most
    }


async def _form(
    request: HTMXRequest, found: Hold, typed: Typed, faults: dict[str, str], status: int
) -> Response[Any]:
    now, zone = clock.now(), settings.current().zone
    attention = found.books.purchase.attention
    most = snoozes.latest(found.payment, now)
    context = {
        "hold": found,
        "typed": typed,
        "faults": {"form": "", "until": "", "reason": "", **faults},
        "choices": choices(found, now, zone),
        "other": OTHER,
        "most": formats.moment(most, zone),
        "ends": formats.moment(found.facts.expires_at, zone)
        if found.facts.held and found.facts.expires_at
        else "",
        "possible": attention is not None and most > now,
        "why_not": "It ends too soon to be left for later. Decide it now."
        if attention is not None
        else snoozes.NOTHING_TO_DO,
    }
    return await page(request, "holds/snooze.html", context, status)


handlers = [blank, create]
