"""The one place where the parts of the web process meet."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from litestar import Litestar
from litestar.config.compression import CompressionConfig
from litestar.datastructures import State

from dashboard import clock, db, settings, stripe_gateway
from dashboard.payments.refused_deliveries import RefusedDeliveries
from dashboard.settings import Settings
from dashboard.web import (
    caching,
    desk,
    failures,
    health,
    pages,
    public,
    security,
    trail,
    unstorable,
    webhook,
)
from dashboard.web.limits import LARGEST_BODY, Limits
from jobs import journey, watch

# Fonts are compressed already; the administration is an application of its own. What is secret on a
# page looks different each time (`security.masked`), so that its length betrays nothing.
COMPRESSION = CompressionConfig(
    "gzip", gzip_compress_level=5, exclude=[r"^/admin", r"^/static/vendor/fonts/"]
)


def create_app(chosen: Settings) -> Litestar:
    """The web application with these settings; nothing is opened before its lifespan begins."""

    @asynccontextmanager
    async def lifespan(app: Litestar) -> AsyncIterator[None]:
        settings.use(chosen)
        refused = app.state.refused_deliveries = RefusedDeliveries()
        if chosen.sandbox:
            clock.follow(chosen.clock_file)
        gateway = stripe_gateway.StripeGateway(chosen, door="web")
        stripe_gateway.use(gateway)
        try:
            async with db.lifespan(), watch.standing_in():
                try:
                    yield
                finally:
                    await journey.end()
                    await refused.write_down()
        finally:
            stripe_gateway.use(None)
            await gateway.close()

    app = Litestar(
        route_handlers=[public.router, webhook.receive, *health.handlers, *desk.handlers],
        lifespan=[lifespan],
        # The description is our own (web/api_docs.py): every viewer that Litestar brings loads its
        # scripts from elsewhere.
        openapi_config=None,
        request_max_body_size=LARGEST_BODY,
        state=State({"limits": Limits(chosen)}),
        exception_handlers={Exception: failures.answer},
        template_config=pages.templates(),
        before_request=unstorable.refuse,
        before_send=[security.add_headers, caching.add_header, trail.write_down],
        compression_config=COMPRESSION,
        # The command that starts the process configures logging, once for everything in it.
        logging_config=None,
    )
    health.watch(app, chosen)
    return app
