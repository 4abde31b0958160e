"""`POST /webhooks/stripe`: verified, kept durably, answered at once, handled afterwards."""

import json
from typing import Any

from litestar import Request, Response, post
from litestar.exceptions.http_exceptions import RequestEntityTooLarge

from dashboard.payments import inbox
from dashboard.payments.inbox import Notice
from dashboard.signatures import ForgedWebhook
from dashboard.stripe_gateway import gateway
from dashboard.web.limits import WEBHOOKS, limit
from dashboard.web.problems import problem
from jobs import nudges

AnyRequest = Request[Any, Any, Any]
REFUSALS = (ForgedWebhook, inbox.Malformed, RequestEntityTooLarge)


@post(
    "/webhooks/stripe",
    status_code=200,
    guards=[limit(WEBHOOKS)],
)
async def receive(request: AnyRequest) -> Response[Any]:
    """Keep a signed event. 400 for what Stripe did not sign, 413 above 256 KB: nothing is kept."""
    try:
        notice = await _notice(request)
    except REFUSALS as refused:
        return await _refused(request, refused)
    new = await inbox.keep(notice)
    nudges.event(notice.id)
    return Response({"received": True, "new": new})


async def _notice(request: AnyRequest) -> Notice:
    body = await request.body()
    place = gateway().verify_webhook(body, request.headers.get("Stripe-Signature"))
    try:
        payload = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise inbox.Malformed from error
    return inbox.notice(payload, place)


async def _refused(request: AnyRequest, error: Exception) -> Response[Any]:
    """Count it, and answer: what was refused is not kept, but that it happened is told."""
    named = "malformed" if isinstance(error, inbox.Malformed) else "too_large"
    reason = error.reason if isinstance(error, ForgedWebhook) else named
    await request.app.state.refused_deliveries.note(reason)
    if isinstance(error, inbox.Malformed):
        return problem(400, "", "The body is no event of Stripe's.")
    raise error
