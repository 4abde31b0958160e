"""PostgreSQL through an asyncpg pool that starts with the process and not with the import."""

import asyncio
import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import asyncpg
from piccolo.engine.postgres import PostgresEngine, PostgresTransaction
from piccolo.querystring import QueryString

from dashboard.engine_parts import (
    Current,
    DatabaseBusy,
    DatabaseUnreachable,
    Ending,
    PerLoop,
    refuse_unsafe,
    to_the_end,
)

log = logging.getLogger(__name__)
POOL_SIZE = 10
END_LIMIT = 10.0
_OUT_OF_REACH = (
    OSError,
    asyncpg.PostgresConnectionError,
    asyncpg.CannotConnectNowError,
    asyncpg.TooManyConnectionsError,
)


class Transaction(Ending, PostgresTransaction):
    """A transaction that gives its connection back however it ends."""

    engine: "PooledPostgres"
    _parent: PostgresTransaction | None

    async def __aenter__(self) -> PostgresTransaction:
        if self._parent is not None:
            return self._parent
        self._borrowed = AsyncExitStack()
        self.connection = await self._borrowed.enter_async_context(self.engine.borrow())
        self.transaction = self.connection.transaction()
        try:
            await self.transaction.start()
        except BaseException:
            # Whether it has begun is not known: the pool opens another connection instead.
            self.connection.terminate()
            await to_the_end(self._borrowed.aclose())
            raise
        self.engine.current_transaction.set(self)
        return self

    async def _close(self, *, commit: bool) -> None:
        try:
            if not self._committed and not self._rolled_back:
                async with asyncio.timeout(END_LIMIT):
                    await (self.transaction.commit() if commit else self.transaction.rollback())
        except BaseException:
            self.connection.terminate()
            # A failed rollback must not hide why there was one; the server rolls back by itself.
            if commit:
                raise
            log.warning("database.rollback_failed", exc_info=True)
        finally:
            await self._borrowed.aclose()


class PooledPostgres(PostgresEngine):
    """Piccolo's PostgreSQL engine with one pool per event loop and UTC everywhere.

    `busy_limit` is how long, in seconds, a query waits for a connection or a lock.
    """

    current_transaction: Any

    def __init__(self, url: str, *, busy_limit: float = 30.0) -> None:
        self.busy_limit = busy_limit
        server = {"timezone": "UTC", "lock_timeout": str(int(busy_limit * 1000))}
        super().__init__(config={"dsn": url, "server_settings": server, "timeout": 10})
        self.current_transaction = Current("postgres_current_transaction")
        self._pools: PerLoop[asyncpg.Pool] = PerLoop()

    async def check_version(self) -> None:
        """Nothing: piccolo would connect as soon as the settings are imported."""

    async def start_connection_pool(self, **kwargs: Any) -> None:
        """Open the pool for the running event loop."""
        await self._pools.enter(self._open)

    async def close_connection_pool(self) -> None:
        """Close the pool, after the queries that are under way."""
        await self._pools.leave(self._close)

    async def _open(self) -> asyncpg.Pool:
        try:
            return await asyncpg.create_pool(min_size=1, max_size=POOL_SIZE, **self.config)
        except _OUT_OF_REACH as error:
            raise DatabaseUnreachable(f"PostgreSQL: {error}") from error

    async def _close(self, pool: asyncpg.Pool) -> None:
        try:
            async with asyncio.timeout(END_LIMIT):
                await pool.close()
        except TimeoutError:
            log.warning("database.closed_over_an_open_transaction")
            pool.terminate()

    async def get_new_connection(self) -> Any:
        """A connection of one's own, outside the pool."""
        try:
            return await asyncpg.connect(**self.config)
        except _OUT_OF_REACH as error:
            raise DatabaseUnreachable(f"PostgreSQL: {error}") from error

    @asynccontextmanager
    async def borrow(self) -> AsyncIterator[Any]:
        """A connection of the pool; a fresh one while no pool is open in this loop."""
        pool = self._pools.here()
        if pool is None:
            connection = await self.get_new_connection()
            try:
                yield connection
            finally:
                await connection.close()
            return
        connection = await self._from(pool)
        try:
            yield connection
        finally:
            await pool.release(connection)

    async def _from(self, pool: asyncpg.Pool) -> Any:
        try:
            return await pool.acquire(timeout=self.busy_limit)
        except TimeoutError:
            raise DatabaseBusy("no connection to PostgreSQL became free") from None
        except _OUT_OF_REACH as error:
            raise DatabaseUnreachable(f"PostgreSQL: {error}") from error

    async def run_querystring(self, querystring: QueryString, in_pool: bool = True) -> Any:
        sql, args = querystring.compile_string(engine_type=self.engine_type)
        refuse_unsafe(querystring, args)
        return await self._run(sql, args)

    async def run_ddl(self, ddl: str, in_pool: bool = True) -> Any:
        return await self._run(ddl, ())

    async def _run(self, sql: str, args: Sequence[Any]) -> Any:
        inside = self.current_transaction.get()
        if inside is not None:
            return await inside.connection.fetch(sql, *args)
        async with self.borrow() as connection:
            return await connection.fetch(sql, *args)

    def transaction(self, allow_nested: bool = True) -> Transaction:
        return Transaction(engine=self, allow_nested=allow_nested)
