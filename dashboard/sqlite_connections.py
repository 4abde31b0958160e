"""SQLite connections: how they are opened, shared, and waited for.

The writers of a process queue behind a lock, and processes take turns at the file. A file that
is locked is tried again by us: SQLite's own busy timeout sleeps by a fixed ladder and made the
unlucky wait for seconds.
"""

import asyncio
import logging
import random
import re
import sqlite3
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TypeVar

import aiosqlite
from piccolo.engine.sqlite import dict_factory

from dashboard.engine_parts import DatabaseBusy, DatabaseUnreachable

log = logging.getLogger(__name__)
T = TypeVar("T")
READERS = 3
CLOSE_LIMIT = 5.0
PRAGMAS = (
    "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;"
    " PRAGMA foreign_keys = ON; PRAGMA recursive_triggers = ON;"
)
# Comes last: a connection that may only query could not switch the journal.
QUERY_ONLY = " PRAGMA query_only = ON;"
_BUSY = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)
_UNREACHABLE = (
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_READONLY,
)
_SPACE = re.compile(r"(?:\s+|--[^\n]*(?:\n|\Z)|/\*.*?\*/)*", re.DOTALL)
_READS = re.compile(r"(?:SELECT|VALUES|EXPLAIN)\b", re.IGNORECASE)
_WITH = re.compile(r"WITH\b", re.IGNORECASE)
_CHANGE = re.compile(r"\b(?:INSERT|UPDATE|DELETE|REPLACE)\b", re.IGNORECASE)


def writes(sql: str) -> bool:
    """Whether a statement may change the database; in doubt, yes."""
    start = _SPACE.match(sql)
    body = sql[start.end() :] if start else sql
    if _WITH.match(body):
        return _CHANGE.search(body) is not None
    return _READS.match(body) is None


async def patiently(attempt: Callable[[], Awaitable[T]], deadline: float) -> T:
    """What `attempt` answers, tried until `deadline` (monotonic) while others hold the file."""
    while True:
        try:
            return await attempt()
        except sqlite3.OperationalError as error:
            refuse_unreachable(error)
            if _code(error) not in _BUSY:
                raise
            if time.monotonic() >= deadline:
                raise DatabaseBusy("another writer kept the database locked") from error
        await asyncio.sleep(random.uniform(0.0005, 0.004))  # noqa: S311


def refuse_unreachable(error: sqlite3.OperationalError) -> None:
    """Raise DatabaseUnreachable for a file that can't be read or written, or a full disk."""
    if _code(error) in _UNREACHABLE:
        raise DatabaseUnreachable(str(error)) from error


def _code(error: sqlite3.OperationalError) -> int:
    # The low byte is the primary code; the rest tells its varieties apart.
    return error.sqlite_errorcode & 0xFF


async def execute(
    connection: aiosqlite.Connection, sql: str, args: Sequence[Any], deadline: float
) -> list[Any]:
    """The rows of one statement, in one trip to the connection's thread."""
    return list(await patiently(lambda: connection.execute_fetchall(sql, args), deadline))


async def connect(
    options: dict[str, Any], limit: float, *, query_only: bool = False
) -> aiosqlite.Connection:
    """A connection with our pragmas; raises DatabaseUnreachable or, after `limit`, DatabaseBusy."""
    Path(options["database"]).parent.mkdir(parents=True, exist_ok=True)
    connection = aiosqlite.connect(**options)
    # A thread that a dying event loop left behind must not keep the process alive.
    connection._thread.daemon = True
    pragmas = PRAGMAS + QUERY_ONLY * query_only
    try:
        deadline = time.monotonic() + limit
        await patiently(lambda: _started(connection), deadline)
        connection.row_factory = dict_factory  # type: ignore[assignment]
        await patiently(lambda: connection.executescript(pragmas), deadline)
    except BaseException:
        connection.stop()
        raise
    return connection


async def _started(connection: aiosqlite.Connection) -> None:
    await connection


class Pool:
    """The connections of one event loop: a writer and its readers."""

    def __init__(self, connections: list[aiosqlite.Connection]) -> None:
        self.writer, *self._free = self._all = connections
        # A lock and a semaphore wake their waiters in turn; a queue let some starve for seconds.
        self._lock = asyncio.Lock()
        self._gate = asyncio.Semaphore(len(self._free))
        self._closed = False

    @classmethod
    async def open(cls, options: dict[str, Any], limit: float) -> "Pool":
        """Open all connections, or none."""
        opened: list[aiosqlite.Connection] = []
        try:
            for number in range(1 + READERS):
                opened.append(await connect(options, limit, query_only=number > 0))
        except BaseException:
            for connection in opened:
                connection.stop()
            raise
        return cls(opened)

    async def close(self) -> None:
        """Close all, after the transaction that is under way; those who wait are turned away."""
        self._closed = True
        try:
            async with asyncio.timeout(CLOSE_LIMIT):
                await self._lock.acquire()
        except TimeoutError:
            log.warning("database.closed_over_an_open_transaction")
        else:
            self._lock.release()
        for connection in self._all:
            await connection.close()

    @asynccontextmanager
    async def writing(self, deadline: float) -> AsyncIterator[aiosqlite.Connection]:
        """The writer, alone; raises DatabaseBusy if it is not free by `deadline` (monotonic)."""
        try:
            async with asyncio.timeout(max(0.0, deadline - time.monotonic())):
                await self._lock.acquire()
        except TimeoutError:
            raise DatabaseBusy("another transaction of this process did not end") from None
        try:
            if self._closed:
                raise DatabaseUnreachable("the database has been closed")
            yield self.writer
        finally:
            self._lock.release()

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[aiosqlite.Connection]:
        """A reader that nobody else uses meanwhile."""
        async with self._gate:
            if self._closed:
                raise DatabaseUnreachable("the database has been closed")
            reader = self._free.pop()
            try:
                yield reader
            finally:
                self._free.append(reader)
