"""What machines ask: is the process up, is it fit for work, and how do the numbers stand."""

import asyncio
import hmac
import time
from dataclasses import replace
from typing import Any

import structlog
from litestar import Litestar, Request, Response, get
from litestar.exceptions import PermissionDeniedException
from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from dashboard import clock, db, formats
from dashboard.observability import readings
from dashboard.observability.readiness import Part, Readiness
from dashboard.settings import Settings
from dashboard.web import outages
from dashboard.web.requests import Requests

log = structlog.get_logger()
AnyRequest = Request[Any, Any, Any]
FRESH = 5.0
LOCAL = ("127.0.0.1", "::1")
# A proxy on this machine: what it hands on comes from elsewhere.
FORWARDED = ("forwarded", "x-forwarded-for", "x-real-ip")
NO_STORE = {"Cache-Control": "no-store"}


class Health(Collector):
    """What one application knows of its own health: measurements, readings, readiness."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.readiness = Readiness(settings)
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        self._read: tuple[float, list[Metric]] | None = None
        self._lock = asyncio.Lock()
        self.registry.register(self)

    def collect(self) -> list[Metric]:
        """What was read last; Prometheus' client asks while it writes its text."""
        return self._read[1] if self._read else []

    async def text(self) -> bytes:
        """All numbers in Prometheus' text format, the rows' ones at most five seconds old."""
        async with self._lock:
            if self._read is None or time.monotonic() - self._read[0] > FRESH:
                try:
                    found = await readings.read(self.settings)
                except db.CONNECTION_ERRORS as error:
                    # What this process has measured itself is still worth telling.
                    log.warning("metrics.unread", error=type(error).__name__)
                    found = []
                self._read = time.monotonic(), found
            return generate_latest(self.registry)


def watch(app: Litestar, settings: Settings) -> None:
    """Have every request of `app` named, timed and told, and its health known to the handlers."""
    health = Health(settings)
    app.state.health = health
    # Around the router itself: a middleware would miss addresses that don't exist.
    app.asgi_handler = Requests(app.asgi_handler, health.registry)


@get("/healthz", sync_to_thread=False, include_in_schema=False)
def up() -> Response[Any]:
    """The process is up. It asks nothing of anything: a restart would mend nothing else."""
    return Response({"status": "ok"}, headers=NO_STORE)


@get("/readyz", include_in_schema=False)
async def ready(request: AnyRequest) -> Response[Any]:
    """Each part's state; 503 when no request should be sent here."""
    parts = [_as_missed(part) for part in await request.app.state.health.readiness.parts()]
    levels = {part.level for part in parts}
    status = "unready" if "unready" in levels else "degraded" if "degraded" in levels else "ok"
    body = {
        "status": status,
        "parts": {part.name: {"status": part.level, "detail": part.said} for part in parts},
    }
    return Response(body, status_code=503 if status == "unready" else 200, headers=NO_STORE)


@get("/metrics", include_in_schema=False)
async def metrics(request: AnyRequest) -> Response[bytes]:
    """The numbers for Prometheus: with METRICS_TOKEN if one is set, else from this machine only."""
    health: Health = request.app.state.health
    _admit(request, health.settings.metrics_token)
    return Response(await health.text(), media_type=CONTENT_TYPE_PLAIN_0_0_4, headers=NO_STORE)


def _as_missed(part: Part) -> Part:
    """The database as requests have met it: a locked or a full one still answers what is read."""
    now = clock.now()
    missed = next((one for one in outages.standing(now) if one.what == outages.DATABASE), None)
    if part.name != "database" or part.level != "ok" or missed is None:
        return part
    first, last = formats.ago(missed.first, now), formats.ago(missed.last, now)
    said = f"answers, but a request failed on it {last} ago; first {first} ago"
    return replace(part, level="degraded", said=said)


def _admit(request: AnyRequest, token: str | None) -> None:
    if token:
        given = request.headers.get("Authorization", "")
        if hmac.compare_digest(given.encode(), f"Bearer {token}".encode()):
            return
        raise PermissionDeniedException("Send METRICS_TOKEN as a bearer token.")
    local = request.client is not None and request.client.host in LOCAL
    if not local or any(name in request.headers for name in FORWARDED):
        raise PermissionDeniedException("Only from this machine, unless METRICS_TOKEN is set.")


handlers = [up, ready, metrics]
