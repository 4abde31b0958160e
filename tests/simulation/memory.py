"""The product's SQLite engine without its threads: the same SQL on one connection in memory.

A transaction runs from its BEGIN to its end without another process in between. Nothing is lost by
that: it awaits the database alone, a second writer would have to wait for it, and a reader of a
database in WAL mode sees what was there before it, as if it had read first.
"""

import sqlite3
from collections.abc import Sequence
from typing import Any

from piccolo.engine.sqlite import SQLiteTransaction, TransactionType

from dashboard.engine_parts import DatabaseUnreachable
from dashboard.sqlite_connections import writes
from dashboard.sqlite_engine import WalEngine
from tests.simulation import fast_rows
from tests.simulation.virtual import Killed, Loop


class Atomic(SQLiteTransaction):
    """BEGIN IMMEDIATE … COMMIT on the one connection; a dead process's work is rolled back."""

    engine: "MemoryEngine"
    ended = False

    async def __aenter__(self) -> SQLiteTransaction:
        await self.engine.loop.point("begin")
        self.engine.statement("BEGIN IMMEDIATE", ())
        self.engine.current_transaction.set(self)
        return self

    async def __aexit__(self, kind: Any, error: Any, traceback: Any) -> bool:
        self.ended = True
        self.engine.current_transaction.set(None)
        engine = self.engine
        if error is None and engine.fails("commit"):
            engine.statement("ROLLBACK", ())
            if engine.loop.here().dead:
                raise Killed
            raise DatabaseUnreachable("simulated")
        engine.statement("COMMIT" if error is None else "ROLLBACK", ())
        if error is None:
            engine.committed()
            await engine.loop.point("committed")
        return error is None


class MemoryEngine(WalEngine):
    """What `dashboard.db` and every table use while a schedule runs."""

    def __init__(self, loop: Loop, template: str, *, quick: bool = False) -> None:
        super().__init__(path=":memory:")
        self.loop = loop
        # Whether the database is out of reach for this statement; the schedule decides.
        self.fails: Any = lambda _what: False
        # Called when a transaction has come true, before anybody else goes on.
        self.committed: Any = lambda: None
        # Every statement, its values and its rows since the schedule began, to be compared.
        self.heard: list[Any] | None = None
        self.connection = connection = _copy(template, quick)
        self._read = fast_rows.reader() if quick else _plain_rows
        self._keeping = False
        connection.create_function("a_schedule_runs", 0, lambda: self._keeping)
        self._tables = _let_it_be_emptied(connection)
        self.fresh()

    def fresh(self) -> None:
        """The migrated, empty database. It stays the same one: its statements are compiled."""
        if self.connection.in_transaction:
            self.connection.rollback()
        self.committed = lambda: None
        self._keeping = False
        self.connection.execute("PRAGMA foreign_keys = OFF")
        for table in self._tables:
            self.connection.execute(f'DELETE FROM "{table}"')  # noqa: S608
        self.connection.execute("PRAGMA foreign_keys = ON")
        self._keeping = True
        if self.heard is not None:
            self.heard.clear()

    async def start_connection_pool(self) -> None:
        return

    async def close_connection_pool(self) -> None:
        return

    def statement(self, sql: str, args: Sequence[Any]) -> list[Any]:
        """The rows of one statement, at once."""
        rows = self._read(sql, self.connection.execute(sql, args))
        if self.heard is not None:
            self.heard.append((sql, args, rows))
        return rows

    async def _run(self, sql: str, args: Sequence[Any]) -> list[Any]:
        if self.current_transaction.get() is not None:
            if self.loop.here().dead:
                raise Killed
            return self.statement(sql, args)
        await self.loop.point("write" if writes(sql) else "read")
        if self.fails("statement"):
            raise DatabaseUnreachable("simulated")
        return self.statement(sql, args)

    def transaction(
        self,
        transaction_type: TransactionType = TransactionType.immediate,
        allow_nested: bool = True,
    ) -> Any:
        return Atomic(self, TransactionType.immediate, allow_nested)


def _plain_rows(_sql: str, cursor: sqlite3.Cursor) -> list[Any]:
    rows = cursor.fetchall()
    if not rows:
        return rows
    names = [one[0] for one in cursor.description]
    return [dict(zip(names, row, strict=True)) for row in rows]


def _copy(template: str, quick: bool) -> sqlite3.Connection:
    connection = sqlite3.connect(
        ":memory:",
        isolation_level=None,
        # Without it the driver need not ask each column of each statement for its type.
        detect_types=0 if quick else sqlite3.PARSE_DECLTYPES,
        cached_statements=1000,
    )
    connection.execute("PRAGMA synchronous = OFF")
    connection.execute("PRAGMA recursive_triggers = ON")
    source = sqlite3.connect(template)
    source.backup(connection)
    source.close()
    return connection


def _let_it_be_emptied(connection: sqlite3.Connection) -> list[str]:
    """The tables that a schedule fills; append-only ones refuse a deletion while one runs."""
    rows = connection.execute("SELECT type, name, sql FROM sqlite_master").fetchall()
    for kind, name, sql in rows:
        if kind == "trigger" and "BEFORE DELETE" in sql:
            connection.execute(f'DROP TRIGGER "{name}"')
            connection.execute(sql.replace(" BEGIN ", " WHEN a_schedule_runs() BEGIN ", 1))
    tables = [name for kind, name, _ in rows if kind == "table" and name != "migration"]
    filled = [
        name
        for name in tables
        if name != "sqlite_sequence"
        and connection.execute(f'SELECT 1 FROM "{name}" LIMIT 1').fetchone()  # noqa: S608
    ]
    assert not filled, f"a migrated database is empty, but for {filled}"
    return tables
