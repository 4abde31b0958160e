"""One line and one measurement per request, whatever answers it: a page, a mount, or an error."""

import re
import secrets
import time
from typing import Any

import structlog
from litestar.enums import ScopeType
from litestar.types import ASGIApp, Message, Receive, Scope, Send
from prometheus_client import CollectorRegistry, Histogram

log = structlog.get_logger()
# Ours are twelve hex digits; a caller's own, such as a UUID, is kept if it is as harmless, and
# short enough for the audit to keep it whole.
_GOOD_ID = re.compile(rb"[A-Za-z0-9][A-Za-z0-9._-]{7,39}")
UNMATCHED = "(none)"
# Asked every few seconds by machines: worth a line only when the answer is bad.
PROBES = ("/healthz", "/readyz", "/metrics")
# What an open page is told every few seconds.
UNCHANGED = 304
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)


class Requests:
    """Names every request, times it, and says how it ended.

    The line and the measurement carry the route's template: a path may hold ids, and a query an
    e-mail address.
    """

    def __init__(self, app: ASGIApp, registry: CollectorRegistry) -> None:
        self._app = app
        self._seconds = Histogram(
            "holdfast_request_seconds",
            "How long requests took, by the route's template.",
            ("method", "route", "status"),
            registry=registry,
            buckets=BUCKETS,
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request; an error that nobody answered is counted as 500 and goes on."""
        if scope["type"] != ScopeType.HTTP:
            await self._app(scope, receive, send)
            return
        status, started = 500, time.perf_counter()

        async def watched(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        # Whoever asks for the name later, for a page or a header, finds this one.
        name = scope["state"]["request_id"] = _name(scope)
        with structlog.contextvars.bound_contextvars(request_id=name):
            try:
                await self._app(scope, receive, watched)
            finally:
                self._tell(scope, status, time.perf_counter() - started)

    def _tell(self, scope: Any, status: int, seconds: float) -> None:
        route = scope.get("path_template") or UNMATCHED
        method = scope["method"] if scope["method"] in METHODS else "OTHER"
        self._seconds.labels(method, route, str(status)).observe(seconds)
        quiet = (route in PROBES and status < 400) or status == UNCHANGED
        say = log.debug if quiet else log.info
        staff = scope["state"].get("staff")
        by = {} if staff is None else {"staff": staff.id}
        say(
            "web.request", method=method, route=route, status=status, ms=round(seconds * 1000), **by
        )


def _name(scope: Scope) -> str:
    """The caller's X-Request-Id if it is a harmless word, else a name of our own."""
    given = next((value for name, value in scope["headers"] if name == b"x-request-id"), b"")
    return given.decode("ascii") if _GOOD_ID.fullmatch(given) else secrets.token_hex(6)
