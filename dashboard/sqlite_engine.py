"""Piccolo on SQLite for many writers, where nobody is told "database is locked".

Piccolo's own engine opens a connection and a thread for each query and begins DEFERRED: two
tasks that read, then write, fail each other, and a failed BEGIN leaves a thread that hangs the
exit.
"""

import sqlite3
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import aiosqlite
from piccolo.engine.sqlite import Atomic, SQLiteEngine, SQLiteTransaction, TransactionType
from piccolo.querystring import QueryString

from dashboard.engine_parts import Current, Ending, PerLoop, refuse_unsafe, to_the_end
from dashboard.sqlite_connections import Pool, connect, execute, refuse_unreachable, writes


class Transaction(Ending, SQLiteTransaction):
    """A transaction that begins IMMEDIATE, whatever was asked for, and always ends."""

    engine: "WalEngine"
    _parent: SQLiteTransaction | None

    async def __aenter__(self) -> SQLiteTransaction:
        if self._parent is not None:
            return self._parent
        deadline = time.monotonic() + self.engine.busy_limit
        self._borrowed = AsyncExitStack()
        self.connection = await self._borrowed.enter_async_context(
            self.engine.borrow(deadline, write=True)
        )
        try:
            await execute(self.connection, "BEGIN IMMEDIATE", (), deadline)
        except BaseException:
            # A cancelled BEGIN may still succeed in its thread: the rollback queues behind it.
            await to_the_end(self._close(commit=False))
            raise
        self.engine.current_transaction.set(self)
        return self

    async def _close(self, *, commit: bool) -> None:
        try:
            if commit:
                await self._commit()
            else:
                await self.connection.rollback()
        finally:
            await self._borrowed.aclose()

    async def _commit(self) -> None:
        try:
            await self.connection.commit()
        except BaseException as error:
            # A deferred constraint, or a full disk, refuses the commit and leaves it open.
            await self.connection.rollback()
            if isinstance(error, sqlite3.OperationalError):
                refuse_unreachable(error)
            raise


class WalEngine(SQLiteEngine):
    """Piccolo's SQLite engine with connections that stay open between start and close.

    `busy_limit` is how long, in seconds, a query waits for other writers before DatabaseBusy.
    """

    current_transaction: Any

    def __init__(self, path: str, *, busy_limit: float = 30.0) -> None:
        if sqlite3.sqlite_version_info < (3, 35):
            raise RuntimeError("SQLite 3.35 or newer is needed, for RETURNING")
        super().__init__(path=path, timeout=0)
        self.busy_limit = busy_limit
        self.current_transaction = Current("sqlite_current_transaction")
        self._pools: PerLoop[Pool] = PerLoop()

    async def start_connection_pool(self) -> None:
        """Open the writer and the readers for the running event loop."""
        await self._pools.enter(lambda: Pool.open(self.connection_kwargs, self.busy_limit))

    async def close_connection_pool(self) -> None:
        """Close what `start_connection_pool` opened."""
        await self._pools.leave(Pool.close)

    async def get_connection(self) -> aiosqlite.Connection:
        """A connection of one's own that may only query; piccolo's batches use it."""
        return await connect(self.connection_kwargs, self.busy_limit, query_only=True)

    @asynccontextmanager
    async def borrow(self, deadline: float, *, write: bool) -> AsyncIterator[aiosqlite.Connection]:
        """The connection for a statement; a fresh one while no pool is open in this loop."""
        pool = self._pools.here()
        if pool is not None:
            async with pool.writing(deadline) if write else pool.reading() as connection:
                yield connection
            return
        connection = await connect(self.connection_kwargs, self.busy_limit)
        try:
            yield connection
        finally:
            await connection.close()

    async def run_querystring(self, querystring: QueryString, in_pool: bool = False) -> Any:
        """The rows of a query, as dictionaries."""
        sql, args = querystring.compile_string(engine_type=self.engine_type)
        refuse_unsafe(querystring, args)
        return await self._run(sql, args)

    async def run_ddl(self, ddl: str, in_pool: bool = False) -> Any:
        """The rows of a statement without values."""
        return await self._run(ddl, ())

    async def _run(self, sql: str, args: Sequence[Any]) -> list[Any]:
        deadline = time.monotonic() + self.busy_limit
        inside = self.current_transaction.get()
        if inside is not None:
            return await execute(inside.connection, sql, args, deadline)
        async with self.borrow(deadline, write=writes(sql)) as connection:
            rows = await execute(connection, sql, args, deadline)
            if connection.in_transaction:
                await to_the_end(connection.rollback())
                raise RuntimeError("a transaction is opened with transaction(), not with SQL")
            return rows

    def transaction(
        self,
        transaction_type: TransactionType = TransactionType.immediate,
        allow_nested: bool = True,
    ) -> Transaction:
        """A transaction that holds the write lock from its first moment to its last."""
        return Transaction(self, TransactionType.immediate, allow_nested)

    def atomic(self, transaction_type: TransactionType = TransactionType.immediate) -> Atomic:
        """Several queries in one transaction."""
        return Atomic(engine=self, transaction_type=TransactionType.immediate)
