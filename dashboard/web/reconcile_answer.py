"""Finance decides about a difference: knows of it and leaves it, or adopts an orphan of ours."""

from typing import Any

from litestar import Response, post
from litestar.exceptions import NotFoundException
from litestar.params import FromPath
from litestar.response import Redirect
from litestar_htmx import HTMXRequest

from dashboard import db
from dashboard.audit import record
from dashboard.audit.record import Action
from dashboard.payments.reconcile import differences
from dashboard.payments.reconcile.tables import ReconcileDifference
from dashboard.stripe_gateway import Unreachable
from dashboard.web import reconcile_words as words
from dashboard.web import trail
from dashboard.web.reconcile_page import LARGEST, reconcile_page
from dashboard.web.security import guard
from dashboard.web.wholes import whole
from jobs import nudges

LONGEST_REASON = 500
AWAY = "Stripe can't be reached right now. Nothing was changed; try again soon."
NOT_OURS = "Stripe does not show this payment as made by that operation. Nothing was changed."


@post("/reconcile/{difference_id:int}/acknowledge", guards=[guard("finance")])
async def acknowledge(request: HTMXRequest, difference_id: FromPath[int]) -> Response[Any]:
    """Somebody knows of it and leaves it as it is."""
    return await _decide(request, await _need(difference_id), adopt=False)


@post("/reconcile/{difference_id:int}/adopt", guards=[guard("finance")])
async def adopt(request: HTMXRequest, difference_id: FromPath[int]) -> Response[Any]:
    """A payment at Stripe is given to the payment of ours that it was made for."""
    return await _decide(request, await _need(difference_id), adopt=True)


async def _decide(request: HTMXRequest, row: ReconcileDifference, adopt: bool) -> Response[Any]:
    form = await request.form()
    reason = str(form.get("reason") or "").strip()
    if not reason or len(reason) > LONGEST_REASON:
        more = {"fault": row.id, "typed": reason}
        return await reconcile_page(request, more, 422)
    shown = whole(str(form.get("version") or ""), 9)
    version = -1 if shown is None else shown
    try:
        if adopt:
            await differences.check_adoption(row)
        await db.shielded(_written(request, row, version, reason, adopt))
    except differences.Decided as decided:
        said = words.faster(decided.row)
        return await reconcile_page(request, _kept(row, said, reason), 409)
    except differences.NotOurs:
        return await reconcile_page(request, _kept(row, NOT_OURS, reason), 409)
    except Unreachable:
        return await reconcile_page(request, _kept(row, AWAY, reason), 503)
    return Redirect(f"/reconcile?done={row.id}", status_code=303)


def _kept(row: ReconcileDifference, trouble: str, reason: str) -> dict[str, Any]:
    """What went wrong, and what was typed: at its form if that is there still, else beside it."""
    return {"trouble": trouble, "fault": row.id, "typed": reason}


async def _written(
    request: HTMXRequest, row: ReconcileDifference, version: int, reason: str, adopt: bool
) -> None:
    """The decision and its entry in the audit together; then what an adoption moves."""
    by, decide = request.state.actor, differences.adopt if adopt else differences.acknowledge
    async with db.transaction():
        after = await decide(row.id, version, by, reason)
        subject = f"/holds/{row.payment}" if row.payment else f"reconcile/{row.intent_id}"
        detail = {"did": after.state, "kind": row.kind, "intent": row.intent_id or ""}
        who = trail.who(request.scope)
        await record.write(who, Action.RECONCILE, subject, detail=detail | {"reason": reason})
    if adopt:
        await differences.take_in(after)
        purchase_id = await differences.purchase_of(after)
        if purchase_id is not None:
            nudges.settle(purchase_id)


async def _need(difference_id: int) -> ReconcileDifference:
    try:
        return await differences.need(min(difference_id, LARGEST))
    except LookupError as error:
        raise NotFoundException("There is no such difference.") from error


handlers = [acknowledge, adopt]
