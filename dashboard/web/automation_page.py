"""What the automation is told about one hold: to wait, to go on, or how to treat its end."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from litestar import Response, get, post
from litestar.params import FromPath
from litestar.response import Redirect
from litestar_htmx import HTMXRequest

from dashboard import clock, formats, settings
from dashboard.bookings.errors import BadOrder
from dashboard.bookings.holds import Hold
from dashboard.payments import instructions, queries
from dashboard.payments.errors import Busy, NotAllowed
from dashboard.web import pause_form
from dashboard.web.hold_page import need
from dashboard.web.pages import page
from dashboard.web.security import guard


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
        until = pause_form.until(typed.until, settings.current().zone)
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
        pause_form.require_reason(typed.reason)
        await act(found, typed)
    except BadOrder as wrong:
        return await _page(request, found, typed, wrong.faults[0], 422)
    except (Busy, NotAllowed) as no:
        fault = pause_form.refused(no, found.currency, zone)
        return await _page(request, await need(payment_id), typed, fault, 409)
    return Redirect(f"/holds/{payment_id}", status_code=303)


def _read(given: Any) -> Typed:
    return Typed(
        *(str(given.get(name) or "").strip()[:2000] for name in ("until", "policy", "reason"))
    )


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
        "paused_by": purchase.paused_by,
        "chosen": queries.policy(purchase),
        "by_hand": purchase.policy_override is not None,
        "policies": pause_form.policies(found, zone),
        "can_renew": purchase.saves_card,
    }
    return await page(request, "holds/automation.html", context, status)


handlers = [show, pause, unpause, policy]
