"""An application that runs in the test's own loop, without a server."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from litestar import Litestar


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
