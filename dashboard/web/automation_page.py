"""What the automation is told about one hold: to wait, to go on, or how to treat its end."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from litestar import Response, get, post
from litestar.params import FromPath
from litestar.response import Redirect
from litestar_htmx import HTMXRequest

from dashboard import clock, formats, sentences, settings
from dashboard.bookings.holds import Hold
from dashboard.payments import instructions, queries
from dashboard.payments.case import POLICY_BEFORE_EXPIRY
from dashboard.payments.errors import Busy, NotAllowed
from dashboard.payments.facts import POLICIES
from dashboard.web.hold_page import need
from dashboard.web.pages import page
from dashboard.web.security import guard

LONGEST_REASON = 400


class _Faulty(Exception):
    """A form that can't be taken: the field, and what is wrong with it."""

    def __init__(self, field: str, said: str) -> None:
        super().__init__(said)
        self.field, self.said = field, said


@dataclass(frozen=True, slots=True)
class Typed:
    """What one of the forms sent, as it was typed."""

    until: str = ""
    policy: str = ""
    reason: str = ""


@get("/holds/{payment_id:int}/automation", guards=[guard("support")])
async def show(request: HTMXRequest, payment_id: FromPath[int]) -> Response[Any]:
    """The forms: a pause or its end, and the policy for this hold."""
    return await _page(request, await need(payment_id), Typed())


@post("/holds/{payment_id:int}/pause", guards=[guard("support")])
async def pause(request: HTMXRequest, payment_id: FromPath[int]) -> Response[Any]:
    """Capture nothing by itself before the given time."""

    async def act(found: Hold, typed: Typed) -> None:
        until = _until(typed.until, settings.current().zone)
        await instructions.pause(
            found.books.purchase.id, until, typed.reason, request.state.actor, typed.policy or None
        )

    return await _do(request, payment_id, act)


@post("/holds/{payment_id:int}/unpause", guards=[guard("support")])
async def unpause(request: HTMXRequest, payment_id: FromPath[int]) -> Response[Any]:
    """Let the automatic capture go on."""

    async def act(found: Hold, typed: Typed) -> None:
        await instructions.unpause(found.books.purchase.id, typed.reason, request.state.actor)

    return await _do(request, payment_id, act)


@post("/holds/{payment_id:int}/policy", guards=[guard("support")])
async def policy(request: HTMXRequest, payment_id: FromPath[int]) -> Response[Any]:
    """Treat the end of this hold in another way than the deployment does."""

    async def act(found: Hold, typed: Typed) -> None:
        await instructions.choose_policy(
            found.books.purchase.id, typed.policy, typed.reason, request.state.actor
        )

    return await _do(request, payment_id, act)


async def _do(
    request: HTMXRequest, payment_id: int, act: Callable[[Hold, Typed], Awaitable[None]]
) -> Response[Any]:
    """Check the reason, act, and go back to the payment; else the forms with what is wrong."""
    found, typed = await need(payment_id), _read(await request.form())
    zone = settings.current().zone
    try:
        _require_reason(typed.reason)
        await act(found, typed)
    except _Faulty as faulty:
        return await _page(request, found, typed, (faulty.field, faulty.said), 422)
    except NotAllowed as refused:
        at = "until" if refused.code in ("needs_policy", "until_past") else "form"
        said = sentences.not_allowed(refused.code, refused.values, found.currency, zone)
        return await _page(request, await need(payment_id), typed, (at, said), 409)
    except Busy as busy:
        said = sentences.busy(busy.operation, zone)
        return await _page(request, await need(payment_id), typed, ("form", said), 409)
    return Redirect(f"/holds/{payment_id}", status_code=303)


def _read(given: Any) -> Typed:
    return Typed(
        *(str(given.get(name) or "").strip()[:2000] for name in ("until", "policy", "reason"))
    )


def _require_reason(reason: str) -> None:
    if not reason:
        raise _Faulty("reason", "Say in a sentence why, for the story.")
    if len(reason) > LONGEST_REASON:
        raise _Faulty("reason", f"Keep it under {LONGEST_REASON} characters.")


def _until(typed: str, zone: ZoneInfo) -> datetime:
    """A time of the desk's own zone; where the clocks go back, the later of the two."""
    try:
        local = datetime.fromisoformat(typed)
    except ValueError:
        raise _Faulty("until", "Give a date and a time.") from None
    if local.tzinfo is not None or not 2000 <= local.year <= 2999:
        raise _Faulty("until", "Give a date and a time of the desk's own zone.")
    at = local.replace(tzinfo=zone, fold=1).astimezone(UTC)
    if at.astimezone(zone).replace(tzinfo=None) != local:
        raise _Faulty("until", "The clocks skip this time that day. Give another one.")
    return at


async def _page(
    request: HTMXRequest,
    found: Hold,
    typed: Typed,
    fault: tuple[str, str] = ("", ""),
    status: int = 200,
) -> Response[Any]:
    now, zone, purchase = clock.now(), settings.current().zone, found.books.purchase
    until = purchase.paused_until
    context = {
        "hold": found,
        "typed": typed,
        "fault": {"at": fault[0], "said": fault[1]},
        "paused": formats.moment(until, zone) if until is not None and until > now else "",
        "paused_why": purchase.pause_reason,
        "chosen": queries.policy(purchase),
        "by_hand": purchase.policy_override is not None,
        "policies": {name: _consequence(name, found, zone) for name in POLICIES},
        "can_renew": purchase.saves_card,
    }
    return await page(request, "holds/automation.html", context, status)


def _consequence(name: str, found: Hold, zone: ZoneInfo) -> str:
    """What a policy would do to this hold, where its planned capture comes too late."""
    ends = found.facts.expires_at
    when = f"On {formats.moment(ends - POLICY_BEFORE_EXPIRY, zone)}" if ends else "A day before"
    owed = found.books.purchase.owed
    amount = formats.money(found.facts.authorized if owed is None else owed, found.currency)
    return {
        "capture": f"{when} {amount} is captured early.",
        "renew": f"{when} a new hold is placed on the saved card; this one is released after that.",
        "release": f"{when} it is released, and nothing is charged.",
        "alert": f"{when} it goes on the needs-a-person list, and nothing happens by itself.",
    }[name]


handlers = [show, pause, unpause, policy]
