"""The database: which one, when it is open, and what may happen inside a transaction."""

import asyncio
import contextvars
import logging
import re
import sqlite3
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from functools import cache
from typing import Any, TypeVar

import asyncpg
import structlog
from piccolo.engine import engine_finder

from dashboard.engine_parts import DatabaseBusy, DatabaseUnreachable, NaiveDatetime, to_the_end
from dashboard.postgres_engine import PooledPostgres
from dashboard.settings import Settings
from dashboard.sqlite_engine import WalEngine

__all__ = [
    "CONNECTION_ERRORS",
    "DatabaseBusy",
    "DatabaseUnreachable",
    "NaiveDatetime",
    "engine",
    "engine_from",
    "in_transaction",
    "is_unique_violation",
    "lifespan",
    "require_no_transaction",
    "shielded",
    "spawn",
    "transaction",
]

log = logging.getLogger(__name__)
T = TypeVar("T")
Engine = WalEngine | PooledPostgres
# The database is out of reach or busy, on either engine: to be answered with "try again".
CONNECTION_ERRORS: tuple[type[BaseException], ...] = (
    DatabaseUnreachable,
    ConnectionError,
    asyncpg.PostgresConnectionError,
    asyncpg.CannotConnectNowError,
    # A full disk, no memory, too many connections.
    asyncpg.InsufficientResourcesError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.LockNotAvailableError,
    asyncpg.InterfaceError,
)
GRACE = 2.0
_UNIQUE = (
    sqlite3.SQLITE_CONSTRAINT_UNIQUE,
    sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY,
    sqlite3.SQLITE_CONSTRAINT_ROWID,
)
_SQLITE_COLUMN = re.compile(r"[^.,\s]+\.([^,]+)")
_SQLITE_INDEX = re.compile(r"index '([^']+)'")
_POSTGRES_KEY = re.compile(r"Key \((.*?)\)=")

# asyncio itself keeps only weak references: an unreferenced task can vanish half way.
_tasks: set[asyncio.Task[Any]] = set()
_promised: set[asyncio.Task[Any]] = set()


def engine_from(settings: Settings) -> Engine:
    """The engine for `DATABASE_URL`; nothing is connected yet."""
    url = settings.database_url
    if url.startswith("sqlite:///"):
        return WalEngine(url.removeprefix("sqlite:///"))
    return PooledPostgres(url)


@cache
def engine() -> Engine:
    """The engine of this process, from piccolo_conf.py; raises RuntimeError if there is none."""
    found = engine_finder()
    if not isinstance(found, WalEngine | PooledPostgres):
        raise RuntimeError("piccolo_conf.py defines no database of ours")
    return found


@asynccontextmanager
async def lifespan() -> AsyncIterator[None]:
    """Hold the connections open, for the running event loop. May be nested."""
    here = engine()
    await here.start_connection_pool()
    try:
        yield
    finally:
        await to_the_end(_close(here))


async def _close(here: Engine) -> None:
    # Shielded work is mostly a few statements away from its end: let it get there.
    loop = asyncio.get_running_loop()
    if mine := [task for task in _promised if task.get_loop() is loop]:
        await asyncio.wait(mine, timeout=GRACE)
    await here.close_connection_pool()


@asynccontextmanager
async def transaction() -> AsyncIterator[None]:
    """All or nothing. On SQLite it holds the write lock from its first moment to its last.

    Await nothing but the database inside. A nested one raises RuntimeError: it would be no
    transaction of its own. After a failed statement PostgreSQL accepts no other: let the error
    leave the block.
    """
    require_no_transaction("another transaction")
    async with engine().transaction():
        yield


def in_transaction() -> bool:
    """Whether a transaction is open here. One that has ended does not count, even if inherited."""
    return engine().transaction_exists()


def require_no_transaction(what: str) -> None:
    """Raise RuntimeError, naming `what`, when a transaction is open here."""
    if in_transaction():
        raise RuntimeError(f"{what} must not happen inside a database transaction")


def spawn(coro: Coroutine[Any, Any, T], *, name: str) -> asyncio.Task[T]:
    """Start a task that can't join the caller's transaction: of the context it inherits only what
    log lines tell of their cause."""
    context = contextvars.Context()
    context.run(structlog.contextvars.bind_contextvars, **structlog.contextvars.get_contextvars())
    task = asyncio.create_task(coro, name=name, context=context)
    _tasks.add(task)
    task.add_done_callback(_tasks.discard)
    return task


async def shielded(coro: Coroutine[Any, Any, T]) -> T:
    """The result of `coro`, which goes on to its end even if the caller is cancelled.

    The caller is cancelled at once; an error of the work that nobody waits for any more is
    logged.
    """
    task = spawn(coro, name=f"shielded {getattr(coro, '__qualname__', '')}")
    _promised.add(task)
    task.add_done_callback(_promised.discard)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        task.add_done_callback(_log_abandoned)
        raise


def _log_abandoned(task: asyncio.Task[Any]) -> None:
    if task.cancelled():
        log.warning("task.abandoned_and_cancelled task=%s", task.get_name())
    elif (error := task.exception()) is not None:
        log.error("task.abandoned_and_failed task=%s", task.get_name(), exc_info=error)


def is_unique_violation(error: BaseException, column_or_index: str | None = None) -> bool:
    """Whether `error` is a refused duplicate, of that column or index if one is given.

    Name a column where you can: for an index over plain columns SQLite tells only the columns.
    """
    named: list[str]
    if isinstance(error, asyncpg.UniqueViolationError):
        key = _POSTGRES_KEY.search(error.detail or "")
        named = [part.strip(' "') for part in key[1].split(",")] if key else []
        named.append(error.constraint_name or "")
    elif isinstance(error, sqlite3.IntegrityError) and error.sqlite_errorcode in _UNIQUE:
        named = _SQLITE_COLUMN.findall(str(error)) + _SQLITE_INDEX.findall(str(error))
    else:
        return False
    return column_or_index is None or column_or_index in named
