"""One event loop for a worker's threads: the database and Stripe's client live there alone.

Huey runs its tasks in threads and refuses coroutines, while connections belong to the loop that
opened them. So every task hands its coroutine to this one loop and waits.
"""

import asyncio
import concurrent.futures
import threading
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any, TypeVar

import structlog

from dashboard import db, stripe_gateway
from dashboard.settings import Settings

log = structlog.get_logger()
T = TypeVar("T")
# Time for cancelled work to let go of its locks before the connections are closed.
LET_GO = 1.0
START_WITHIN = 30.0


class Bridge:
    """The loop's thread. Started once, stopped once."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._thread = threading.Thread(target=self._main, name="bridge", daemon=True)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stopping: asyncio.Event | None = None
        self._open: concurrent.futures.Future[None] = concurrent.futures.Future()
        self._tasks: set[asyncio.Task[Any]] = set()

    def start(self) -> None:
        """Open the loop, the database and the gateway; raises what kept them from opening."""
        self._thread.start()
        self._open.result(START_WITHIN)

    def run(self, work: Callable[[], Coroutine[Any, Any, T]], timeout: float) -> T:
        """The result of `work()` on the loop, waited for in the calling thread.

        Raises TimeoutError after `timeout` seconds, when the work is cancelled, and CancelledError
        when the bridge stops. Both leave rows behind that are due, never half a movement.
        """
        if self._loop is None:
            raise RuntimeError("the bridge has not been started")
        if not self._thread.is_alive():
            raise concurrent.futures.CancelledError
        future = asyncio.run_coroutine_threadsafe(self._tracked(work), self._loop)
        try:
            return future.result(timeout)
        except TimeoutError:
            future.cancel()
            raise

    def stop(self, timeout: float = 10.0) -> None:
        """Cancel what runs, close the database, then the gateway, then the loop."""
        if self._loop is not None and self._stopping is not None and self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._stopping.set)
        self._thread.join(timeout)

    async def _tracked(self, work: Callable[[], Coroutine[Any, Any, T]]) -> T:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            return await work()
        finally:
            self._tasks.discard(task)

    def _main(self) -> None:
        try:
            asyncio.run(self._live())
        except Exception as error:
            if self._open.done():
                raise
            self._open.set_exception(error)

    async def _live(self) -> None:
        stopping = asyncio.Event()
        # The database closes first: it waits a moment for shielded work, which still needs Stripe.
        async with opened_gateway(self._settings), db.lifespan():
            self._loop, self._stopping = asyncio.get_running_loop(), stopping
            self._open.set_result(None)
            await stopping.wait()
            await self._let_go()

    async def _let_go(self) -> None:
        running = set(self._tasks)
        for task in running:
            task.cancel()
        if running:
            await asyncio.wait(running, timeout=LET_GO)


@asynccontextmanager
async def opened_gateway(settings: Settings) -> AsyncIterator[None]:
    """The worker's door to Stripe, for the running loop and for the length of the block."""
    gateway = stripe_gateway.StripeGateway(settings, door="worker")
    stripe_gateway.use(gateway)
    try:
        yield
    finally:
        stripe_gateway.use(None)
        await gateway.close()
