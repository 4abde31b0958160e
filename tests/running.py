"""An application that runs in the test's own loop, without a server."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import cache

from litestar import Litestar
from litestar.types import ASGIApp

from dashboard.app import create_app
from dashboard.settings import Settings
from dashboard.web import health, outages
from dashboard.web.limits import Limits
from dashboard.web.requests import Requests


@asynccontextmanager
async def alive(app: Litestar) -> AsyncIterator[None]:
    """The app between start and stop: in a task of its own, which has to be the same for both."""
    started, over = asyncio.Event(), asyncio.Event()

    async def live() -> None:
        async with app.lifespan():
            started.set()
            await over.wait()

    living = asyncio.create_task(live())
    starting = asyncio.create_task(started.wait())
    await asyncio.wait((living, starting), return_when=asyncio.FIRST_COMPLETED)
    try:
        if living.done():
            starting.cancel()
            living.result()
        yield
    finally:
        over.set()
        await living


@cache
def _built(own: Settings) -> tuple[Litestar, ASGIApp]:
    app = create_app(own)
    watched = app.asgi_handler
    assert isinstance(watched, Requests)
    return app, watched._app


def application(own: Settings) -> Litestar:
    """The app with nothing counted and nothing read yet.

    Its routes and compiled pages, which take longer than most tests, are made once.
    """
    app, router = _built(own)
    app.asgi_handler = router
    app.state.limits = Limits(own)
    health.watch(app, own)
    # What another test failed to reach is no outage of this one.
    outages._missed.clear()
    return app
