"""Schedules on the product's real PostgreSQL engine: time is virtual, the database is not.

While a statement is under way no virtual time passes and nobody is chosen: the loop waits for the
server. What else can run meanwhile does, so that transactions meet each other's locks as they do in
life. In which order the server answers is its own affair: a seed is replayed nearly, not exactly.
"""

import asyncio
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import asyncpg

from dashboard.engine_parts import DatabaseUnreachable
from dashboard.postgres_engine import PooledPostgres, Transaction
from dashboard.sqlite_connections import writes
from tests.simulation.virtual import Killed, Loop, Stuck

LONGEST = 30.0


class _Waiting:
    """The selector of a loop whose only partner is the database."""

    def __init__(self, loop: "ServedLoop", real: Any) -> None:
        self._loop, self._real = loop, real

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)

    def select(self, timeout: float | None) -> list[Any]:
        found: list[Any] = self._real.select(0)
        if found or (timeout is not None and timeout <= 0):
            return found
        if not self._loop.under_way:
            self._loop.idle(timeout)
            return []
        found = self._real.select(LONGEST)
        if not found:
            raise Stuck("the database does not answer")
        return found


class ServedLoop(Loop, asyncio.SelectorEventLoop):
    """The same loop, with sockets."""

    _process_events = asyncio.SelectorEventLoop._process_events  # type: ignore[attr-defined]
    _write_to_self = asyncio.SelectorEventLoop._write_to_self  # type: ignore[attr-defined]
    under_way = 0

    def _chooser(self) -> Any:
        return _Waiting(self, self._selector)

    @contextmanager
    def waiting(self) -> Iterator[None]:
        """While the server is at it."""
        self.under_way += 1
        try:
            yield
        finally:
            self.under_way -= 1


class Watched(Transaction):
    """The product's transaction, where a process can be hit before and after it."""

    engine: "ServedEngine"

    async def __aenter__(self) -> Any:
        await self.engine.loop.point("begin")
        with self.engine.loop.waiting():
            return await super().__aenter__()

    async def __aexit__(self, kind: Any, error: Any, traceback: Any) -> bool:
        loop = self.engine.loop
        lost = error is None and self.engine.fails("commit")
        with loop.waiting():
            await super().__aexit__(kind, DatabaseUnreachable("lost") if lost else error, traceback)
        if lost:
            if loop.here().dead:
                raise Killed
            raise DatabaseUnreachable("simulated")
        if error is None:
            self.engine.committed()
            await loop.point("committed")
        return error is None


class ServedEngine(PooledPostgres):
    """What `dashboard.db` and every table use while a schedule runs on PostgreSQL."""

    def __init__(self, loop: ServedLoop, url: str) -> None:
        super().__init__(url)
        self.loop = loop
        # Whether the database is out of reach for this statement; the schedule decides.
        self.fails: Any = lambda _what: False
        # Called when a transaction has come true, before anybody else goes on.
        self.committed: Any = lambda: None
        self.heard: list[Any] | None = None
        self._beside = _Beside(url)
        names = self.statement(
            "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"
            " AND tablename <> 'migration'",
            (),
        )
        self._tables = ", ".join(f'"{row["tablename"]}"' for row in names)
        loop.run_until_complete(self.start_connection_pool())

    async def _open(self) -> asyncpg.Pool:
        # Days of virtual time are no reason to close a connection that was used a moment ago.
        with self.loop.waiting():
            return await asyncpg.create_pool(
                min_size=1, max_size=10, max_inactive_connection_lifetime=0, **self.config
            )

    def fresh(self) -> None:
        """The migrated, empty database."""
        # The append-only tables refuse a TRUNCATE, too: as a replica the server fires no triggers.
        self.committed = lambda: None
        self.statement("SET session_replication_role = replica", ())
        self.statement(f"TRUNCATE {self._tables} RESTART IDENTITY CASCADE", ())

    def statement(self, sql: str, args: Sequence[Any]) -> list[Any]:
        """The rows of one statement, read beside the product."""
        return self._beside.rows(sql, args)

    async def _run(self, sql: str, args: Sequence[Any]) -> Any:
        if self.current_transaction.get() is None:
            await self.loop.point("write" if writes(sql) else "read")
            if self.fails("statement"):
                raise DatabaseUnreachable("simulated")
        elif self.loop.here().dead:
            raise Killed
        with self.loop.waiting():
            return await super()._run(sql, args)

    def transaction(self, allow_nested: bool = True) -> Watched:
        return Watched(engine=self, allow_nested=allow_nested)


class _Beside:
    """A connection of the harness, in a thread with a loop of its own and the real time."""

    def __init__(self, url: str) -> None:
        self._loop = asyncio.new_event_loop()
        threading.Thread(target=self._loop.run_forever, daemon=True).start()
        self._connection = self._await(asyncpg.connect(url, server_settings={"timezone": "UTC"}))

    def rows(self, sql: str, args: Sequence[Any]) -> list[dict[str, Any]]:
        return [dict(row) for row in self._await(self._connection.fetch(sql, *args))]

    def _await(self, work: Any) -> Any:
        async def done() -> Any:
            return await work

        return asyncio.run_coroutine_threadsafe(done(), self._loop).result(LONGEST)
