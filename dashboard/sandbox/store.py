"""The sandbox's memory: one SQLite file, one connection, every object a JSON row.

A request is one transaction: the change, its events and deliveries, its idempotent result and its
line in the log come true together or not at all.
"""

import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec

from dashboard.sandbox.answers import Json

_SCHEMA = """
CREATE TABLE IF NOT EXISTS objects (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, kind TEXT NOT NULL,
    created INTEGER NOT NULL, customer TEXT, intent TEXT, charge TEXT, label TEXT,
    body BLOB NOT NULL);
CREATE INDEX IF NOT EXISTS objects_newest ON objects (kind, created, seq);
CREATE INDEX IF NOT EXISTS objects_customer ON objects (customer, kind) WHERE customer NOT NULL;
CREATE INDEX IF NOT EXISTS objects_intent ON objects (intent, kind) WHERE intent NOT NULL;
CREATE INDEX IF NOT EXISTS objects_charge ON objects (charge, kind) WHERE charge NOT NULL;
CREATE TABLE IF NOT EXISTS idempotency (
    key TEXT PRIMARY KEY, fingerprint TEXT NOT NULL, status INTEGER NOT NULL, body BLOB NOT NULL,
    request_id TEXT NOT NULL, at REAL NOT NULL);
CREATE TABLE IF NOT EXISTS due (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, at REAL NOT NULL, action TEXT NOT NULL,
    target TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS due_at ON due (at, seq);
CREATE TABLE IF NOT EXISTS deliveries (
    id INTEGER PRIMARY KEY AUTOINCREMENT, event TEXT NOT NULL, type TEXT NOT NULL,
    body BLOB NOT NULL, state TEXT NOT NULL, attempts INTEGER NOT NULL DEFAULT 0,
    last_status INTEGER, created_at REAL NOT NULL, next_attempt_at REAL);
CREATE INDEX IF NOT EXISTS deliveries_next ON deliveries (next_attempt_at) WHERE state = 'pending';
CREATE INDEX IF NOT EXISTS deliveries_event ON deliveries (event);
CREATE TABLE IF NOT EXISTS faults (
    id INTEGER PRIMARY KEY AUTOINCREMENT, times INTEGER NOT NULL, body BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS requests (
    id INTEGER PRIMARY KEY AUTOINCREMENT, method TEXT NOT NULL, path TEXT NOT NULL,
    idempotency_key TEXT, status INTEGER, executed INTEGER NOT NULL, replayed INTEGER NOT NULL,
    fault TEXT, at REAL NOT NULL);
CREATE TABLE IF NOT EXISTS notes (name TEXT PRIMARY KEY, value BLOB NOT NULL);
"""
_SAVE = (
    "INSERT INTO objects (id, kind, created, customer, intent, charge, label, body)"
    " VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET"
    " customer = excluded.customer, label = excluded.label, body = excluded.body"
)
_TABLES = "objects idempotency due deliveries faults requests notes".split()


class Store:
    """Rows of one sandbox, for one thread at a time: the core takes one request at a time."""

    def __init__(self, path: Path | str) -> None:
        if isinstance(path, Path):
            path.parent.mkdir(parents=True, exist_ok=True)
        self._db = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        self._db.row_factory = sqlite3.Row
        self._db.execute("PRAGMA journal_mode = WAL")
        # A killed process loses nothing; only a power cut could, and this is not real money.
        self._db.execute("PRAGMA synchronous = NORMAL")
        # Fewer and larger checkpoints: the file of a sandbox is written far more than it is read.
        self._db.execute("PRAGMA wal_autocheckpoint = 8000")
        self._db.executescript(_SCHEMA)

    def close(self) -> None:
        self._db.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Everything inside comes true together or not at all."""
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._db.execute("ROLLBACK")
            raise
        self._db.execute("COMMIT")

    def mark(self) -> None:
        """A point in the transaction that `undo` returns to."""
        self._db.execute("SAVEPOINT attempt")

    def undo(self) -> None:
        self._db.execute("ROLLBACK TO attempt")

    def run(self, statement: str, *values: Any) -> sqlite3.Cursor:
        return self._db.execute(statement, values)

    def wipe(self) -> None:
        for table in _TABLES:
            self._db.execute(f"DELETE FROM {table}")  # noqa: S608  The names are ours.

    def note(self, name: str, default: Any = None) -> Any:
        """A small remembered value."""
        row = self.run("SELECT value FROM notes WHERE name = ?", name).fetchone()
        return default if row is None else msgspec.json.decode(row["value"])

    def remember(self, name: str, value: Any) -> None:
        self.run("INSERT OR REPLACE INTO notes VALUES (?, ?)", name, msgspec.json.encode(value))

    def get(self, kind: str, name: str) -> Json | None:
        row = self.run("SELECT body FROM objects WHERE id = ? AND kind = ?", name, kind).fetchone()
        return None if row is None else self._decoded(row)

    def save(self, thing: Json) -> None:
        """Insert the object, or replace its row; its place in the lists stays."""
        self.save_all([thing])

    def save_all(self, things: Iterable[Json]) -> None:
        """Save many objects at once."""
        self._db.executemany(_SAVE, map(_row, things))

    def arrange(self, due: Iterable[tuple[float, str, str]]) -> None:
        """Have actions done to targets when the movable clock reaches their instants."""
        self._db.executemany("INSERT INTO due (at, action, target) VALUES (?, ?, ?)", due)

    def place(self, kind: str, name: str) -> tuple[int, int] | None:
        """Where the object stands in the newest-first order."""
        row = self.run(
            "SELECT created, seq FROM objects WHERE id = ? AND kind = ?", name, kind
        ).fetchone()
        return None if row is None else (row["created"], row["seq"])

    def find(
        self, kind: str, where: Mapping[str, Any], limit: int, newest_first: bool = True
    ) -> list[Json]:
        """Objects of a kind that meet every condition (SQL text with one `?` → value)."""
        conditions = " AND ".join(["kind = ?", *where])
        values = [kind]
        for value in where.values():
            values += value if isinstance(value, list | tuple) else [value]
        order = "DESC" if newest_first else "ASC"
        rows = self.run(
            # The conditions are written in `listing`; every value is bound.
            f"SELECT body FROM objects WHERE {conditions}"  # noqa: S608
            f" ORDER BY created {order}, seq {order} LIMIT {limit:d}",
            *values,
        )
        return [self._decoded(row) for row in rows]

    @staticmethod
    def _decoded(row: sqlite3.Row) -> Json:
        decoded: Json = msgspec.json.decode(row["body"])
        return decoded


def _row(thing: Json) -> tuple[Any, ...]:
    return (
        thing["id"],
        thing["object"],
        thing["created"],
        thing.get("customer"),
        thing.get("payment_intent"),
        thing.get("charge"),
        thing["type"] if thing["object"] == "event" else thing.get("email"),
        msgspec.json.encode(thing),
    )
