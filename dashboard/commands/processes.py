"""The processes of the product: the web, the worker, and the migrations before them."""

import asyncio
import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

import uvicorn

from dashboard import db
from dashboard.commands import BadInput, ports
from dashboard.migrate import migrate
from dashboard.observability import logs
from dashboard.settings import Settings

# Seconds: longer than the proxies in front of us keep an idle connection. Whoever closes first
# must not be the server, or a form that is sent at that moment is lost on its way.
KEEP_ALIVE = 180


def web(settings: Settings) -> int:
    """Serve the desk and the public endpoints until told to stop."""
    from dashboard.app import create_app

    logs.configure(settings)
    ports.require_free(settings.host, settings.port, "PORT")
    uvicorn.run(
        create_app(settings),
        host=settings.host,
        port=settings.port,
        log_config=None,
        access_log=False,
        server_header=False,
        forwarded_allow_ips=settings.forwarded_allow_ips,
        timeout_keep_alive=KEEP_ALIVE,
        timeout_graceful_shutdown=2,
    )
    return 0


def worker(settings: Settings) -> int:
    """Run the sweeps and the nudges until told to stop."""
    from jobs.bridge import Bridge
    from jobs.queue import consumer, open_queue

    logs.configure(settings)
    bridge = Bridge(settings)
    try:
        bridge.start()
    except db.CONNECTION_ERRORS as error:
        raise BadInput(f"The database can't be reached: {error}") from error
    try:
        running = consumer(open_queue(settings, bridge))
        with _told_ready(settings.var_dir / "worker.ready"):
            running.run()
    finally:
        bridge.stop()
    return 0


def migrations(settings: Settings) -> int:
    """Run what is pending; answers how many migrations that were."""
    settings.var_dir.mkdir(parents=True, exist_ok=True)
    try:
        return asyncio.run(_migrate())
    except db.CONNECTION_ERRORS as error:
        raise BadInput(f"The database can't be reached: {error}") from error


async def _migrate() -> int:
    async with db.lifespan():
        return await migrate()


@contextlib.contextmanager
def _told_ready(file: Path) -> Iterator[None]:
    """Say in a file that this process is up: a worker listens nowhere to be asked."""
    file.write_text(str(os.getpid()))
    try:
        yield
    finally:
        file.unlink(missing_ok=True)
