"""Open pages stay true: a script asks every few seconds whether what they show has changed."""

import hashlib
from typing import Any

from litestar import Request, Response

from dashboard import clock, formats, settings
from dashboard.support import versions
from dashboard.web import outages, security


async def of_desk(request: Request[Any, Any, Any]) -> str:
    """The tag of the queue as this person sees it."""
    return _tag(request, await versions.of_desk(clock.now()))


async def of_payment(request: Request[Any, Any, Any], payment_id: int) -> str:
    """The tag of a payment's page as this person sees it."""
    return _tag(request, await versions.of_payment(payment_id, clock.now()))


def unchanged(request: Request[Any, Any, Any], tag: str) -> Response[Any] | None:
    """304 for a script that has this very version already; None for everybody else."""
    known = request.headers.get("If-None-Match")
    if not tag or known != tag or not security.only_looks(request):
        return None
    return Response(None, status_code=304, headers={"ETag": tag, **heard(request)})


def heard(request: Request[Any, Any, Any]) -> dict[str, str]:
    """What every answer to the script brings: the desk's time, and the proof for open forms,
    which is another one after somebody signed in anew."""
    now = formats.time_of_day(clock.now(), settings.current().zone)
    return {"X-As-Of": now, security.CSRF_HEADER: request.state.get("csrf", "")}


def _tag(request: Request[Any, Any, Any], version: str) -> str:
    staff = request.state.get("staff")
    seen_by = f"{staff.id} {staff.role}" if staff is not None else ""
    away = outages.away(outages.STRIPE, clock.now())
    seen = f"{version} {away} {seen_by} {request.state.get('csrf', '')}"
    return f'"{hashlib.sha256(seen.encode()).hexdigest()[:16]}"'
