"""Finance's last word where nothing moves by itself: give up, keep what is kept, accept a loss."""

from collections.abc import Callable, Coroutine
from typing import Any

from litestar import Response, post
from litestar.params import FromPath
from litestar.response import Redirect
from litestar_htmx import HTMXRequest

from dashboard import db, sentences, settings
from dashboard.bookings import package_refunds
from dashboard.bookings.holds import Hold
from dashboard.payments import losses
from dashboard.payments.actors import Actor
from dashboard.payments.errors import Busy, NotAllowed
from dashboard.payments.facts import State
from dashboard.payments.resume import give_up
from dashboard.stripe_gateway import NotThere, Unreachable
from dashboard.web.hold_page import hold_context, need, unreachable
from dashboard.web.pages import page
from dashboard.web.security import guard
from jobs import nudges

LONGEST_REASON = 500
Deed = Callable[[Hold, Actor, str], Coroutine[Any, Any, None]]


@post("/holds/{payment_id:int}/give-up", guards=[guard("finance")])
async def give_up_operation(request: HTMXRequest, payment_id: FromPath[int]) -> Response[Any]:
    """Close an operation that Stripe shows no trace of; what is owed stays as it is."""
    return await _close(request, await need(payment_id), _give_up)


@post("/holds/{payment_id:int}/keep", guards=[guard("finance")])
async def keep(request: HTMXRequest, payment_id: FromPath[int]) -> Response[Any]:
    """Withdraw a refund that failed: the student pays what is kept, or was paid back elsewhere."""
    return await _close(request, await need(payment_id), _withdraw)


@post("/holds/{payment_id:int}/accept-loss", guards=[guard("finance")])
async def accept_loss(request: HTMXRequest, payment_id: FromPath[int]) -> Response[Any]:
    """Nobody is asked for what a lost dispute took; what is owed is what is kept."""
    return await _close(request, await need(payment_id), _accept)


async def _give_up(found: Hold, by: Actor, reason: str) -> None:
    operation = found.books.operation
    if operation is None or operation.state != State.STALLED:
        raise NotAllowed("not_stalled")
    await give_up(operation.id, by.name, reason)


async def _withdraw(found: Hold, by: Actor, reason: str) -> None:
    if not found.payment.refund_trouble:
        raise NotAllowed("not_stalled")
    await package_refunds.withdraw(found.books.purchase.id, by, reason, found.payment.id)


async def _accept(found: Hold, by: Actor, reason: str) -> None:
    await losses.accept(found.books.purchase.id, reason, by)


async def _close(request: HTMXRequest, found: Hold, deed: Deed) -> Response[Any]:
    reason = str((await request.form()).get("reason") or "").strip()
    if not reason or len(reason) > LONGEST_REASON:
        return await _again(request, found, "Say in a sentence why, for the story.", reason, 422)
    try:
        await db.shielded(deed(found, request.state.actor, reason))
    except NotAllowed as refused:
        said = sentences.not_allowed(
            refused.code, refused.values, found.currency, settings.current().zone
        )
        return await _again(request, found, said, reason, 409)
    except Busy as busy:
        said = sentences.busy(busy.operation, settings.current().zone)
        return await _again(request, found, said, reason, 409)
    except (Unreachable, NotThere):
        return await _again(request, found, unreachable(found), reason, 503)
    nudges.settle(found.books.purchase.id)
    return Redirect(f"/holds/{found.payment.id}", status_code=303)


async def _again(
    request: HTMXRequest, found: Hold, trouble: str, typed: str, status: int
) -> Response[Any]:
    context = await hold_context(request, await need(found.payment.id))
    more = {"trouble": trouble, "typed_reason": typed}
    return await page(request, "holds/show.html", {**context, **more}, status)


handlers = [give_up_operation, keep, accept_loss]
