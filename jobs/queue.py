"""Huey: a clock tick every minute and nudges for speed. It carries nothing that a row doesn't.

SQLite in a file of its own by default, Redis by REDIS_URL. Losing either costs a minute.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from huey import Huey, RedisHuey, SqliteHuey

from dashboard.settings import Settings
from jobs import schedule
from jobs.bridge import Bridge

NAME = "holdfast"
THREADS = 4
# A web request's nudge never waits longer than this for Redis, nor for SQLite's lock.
CONNECT_WITHIN = 1.0
ANSWER_WITHIN = 5.0


@dataclass(frozen=True, slots=True)
class Queue:
    """Huey, and by name what puts a nudge in: a row, and the name of the request behind it."""

    huey: Huey
    nudges: dict[str, Callable[[Any, str], Any]]


def open_queue(settings: Settings, bridge: Bridge | None = None) -> Queue:
    """The queue with all tasks; without a `bridge` they can be put in but not run here."""
    if settings.redis_url:
        # An address and parameters can't both be given: the limits travel in the address.
        huey = RedisHuey(NAME, results=False, url=_with_limits(settings.redis_url))
    else:
        huey = SqliteHuey(NAME, results=False, filename=str(_file(settings)), timeout=1)
    return Queue(huey, schedule.register(huey, bridge))


def consumer(queue: Queue) -> Any:
    """The worker's threads. TERM lets running tasks end for two seconds."""
    return queue.huey.create_consumer(
        workers=THREADS,
        initial_delay=0.05,
        max_delay=0.25,
        shutdown_timeout=2,
        graceful_signal="TERM",
    )


def _file(settings: Settings) -> Path:
    settings.var_dir.mkdir(parents=True, exist_ok=True)
    return settings.var_dir / "huey.sqlite"


def _with_limits(url: str) -> str:
    limits = f"socket_connect_timeout={CONNECT_WITHIN}&socket_timeout={ANSWER_WITHIN}"
    return f"{url}{'&' if '?' in url else '?'}{limits}"
