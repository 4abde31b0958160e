"""`POST /webhooks/stripe`: verified, kept durably, answered at once, handled afterwards."""

import json
from typing import Any

from litestar import Request, Response, post

from dashboard.payments import inbox
from dashboard.stripe_gateway import gateway
from dashboard.web.limits import WEBHOOKS, limit
from dashboard.web.problems import problem
from jobs import nudges


@post(
    "/webhooks/stripe",
    status_code=200,
    guards=[limit(WEBHOOKS)],
)
async def receive(request: Request[Any, Any, Any]) -> Response[Any]:
    """Keep a signed event. 400 for what Stripe did not sign, 413 above 256 KB: nothing is kept."""
    body = await request.body()
    gateway().verify_webhook(body, request.headers.get("Stripe-Signature"))
    try:
        notice = inbox.notice(json.loads(body))
    except (ValueError, RecursionError):
        return problem(400, "", "The body is no event of Stripe's.")
    new = await inbox.keep(notice)
    nudges.event(notice.id)
    return Response({"received": True, "new": new})
