"""Does the migrated database look as the models say?

A changed CHECK gives a migration that reports success and does nothing, and on SQLite so do
other changes. Both schemas are therefore read back from a database, the models' from a scratch
one, and compared as sets of plain sentences.
"""

import re
import sqlite3
from collections.abc import Iterable, Sequence

import asyncpg
from piccolo.conf.apps import Finder
from piccolo.table import Table, sort_table_classes

from dashboard import db
from dashboard.postgres_engine import PooledPostgres

SCRATCH = "scratch_schema"
_CHECK = re.compile(r"CONSTRAINT\s+\"?(\w+)\"?\s+CHECK\s*\(", re.IGNORECASE)
_WORD = re.compile(r"[. ]")
# Marks what only the models can ask for: migrations add indexes of their own in plain SQL.
_INDEX = " has an index on "
_COLUMNS_SQL = """
    SELECT c.relname || '.' || a.attname || ' is ' || format_type(a.atttypid, a.atttypmod)
        || CASE WHEN a.attnotnull THEN ', not null' ELSE '' END
    FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
    WHERE c.relkind = 'r' AND c.relnamespace = $1::text::regnamespace
        AND a.attnum > 0 AND NOT a.attisdropped AND c.relname <> 'migration'"""
_CONSTRAINTS_SQL = """
    SELECT c.relname || ' has '
        || CASE k.contype WHEN 'c' THEN k.conname || ' ' ELSE '' END || pg_get_constraintdef(k.oid)
    FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid
    WHERE k.connamespace = $1::text::regnamespace AND k.contype IN ('c', 'f', 'u', 'p', 'x')
        AND c.relname <> 'migration'"""
_INDEXES_SQL = """
    SELECT c.relname || ' has an index on ' || (
        SELECT string_agg(a.attname, ', ' ORDER BY k.place)
        FROM unnest(i.indkey::int[]) WITH ORDINALITY AS k(number, place)
        JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = k.number)
    FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid
    WHERE c.relkind = 'r' AND c.relnamespace = $1::text::regnamespace
        AND i.indpred IS NULL AND i.indexprs IS NULL"""


async def differences(tables: Sequence[type[Table]] | None = None) -> list[str]:
    """What the live database and the models disagree about; empty when they agree.

    Compares columns, types, nullability, primary keys, CHECKs, uniqueness and foreign keys with
    what happens on delete. Of the indexes, those that a model asks for must exist. With `tables`
    the others are not looked at.
    """
    models = Finder().get_table_classes() if tables is None else tables
    ddl = [text for table in sort_table_classes(list(models)) for text in table.create_table().ddl]
    here = db.engine()
    if isinstance(here, PooledPostgres):
        live, wanted = await _postgres(here, ddl)
    else:
        live, wanted = _sqlite(here.path, ddl)
    if tables is not None:
        names = {table._meta.tablename for table in tables}
        live = {fact for fact in live if _WORD.split(fact, maxsplit=1)[0] in names}
    extra = {fact for fact in live - wanted if _INDEX not in fact}
    return sorted(
        [f"missing: {fact}" for fact in wanted - live] + [f"unexpected: {fact}" for fact in extra]
    )


def _sqlite(path: str, ddl: Iterable[str]) -> tuple[set[str], set[str]]:
    live = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    scratch = sqlite3.connect(":memory:")
    try:
        for text in ddl:
            scratch.execute(text)
        return _facts_of_sqlite(live), _facts_of_sqlite(scratch)
    finally:
        scratch.close()
        live.close()


def _facts_of_sqlite(connection: sqlite3.Connection) -> set[str]:
    facts: set[str] = set()
    rows = connection.execute("SELECT name, sql FROM sqlite_master WHERE type = 'table'")
    for table, sql in rows.fetchall():
        if table == "migration" or table.startswith("sqlite_"):
            continue
        if "AUTOINCREMENT" in sql:
            facts.add(f"{table} never reuses an id")
        facts.update(f"{table} has {check}" for check in checks_in(sql))
        for row in connection.execute(f'PRAGMA table_info("{table}")'):
            _, name, kind, not_null, _, key = row
            words = ", not null" * not_null + ", primary key" * key
            facts.add(f"{table}.{name} is {kind}{words}")
        for row in connection.execute(f'PRAGMA foreign_key_list("{table}")'):
            _, _, other, name, target, on_update, on_delete, _ = row
            facts.add(
                f"{table}.{name} references {other}.{target}"
                f" on update {on_update}, on delete {on_delete}"
            )
        facts.update(_indexes_of_sqlite(connection, table))
    return facts


def _indexes_of_sqlite(connection: sqlite3.Connection, table: str) -> set[str]:
    facts = set()
    for _, name, unique, origin, partial in connection.execute(f'PRAGMA index_list("{table}")'):
        columns = [str(row[2]) for row in connection.execute(f'PRAGMA index_info("{name}")')]
        if origin == "u":
            facts.add(f"{table} is unique in {', '.join(columns)}")
        elif origin == "c" and not partial:
            facts.add(f"{table}{_INDEX}{', '.join(columns)}" + " (unique)" * unique)
    return facts


def checks_in(sql: str) -> list[str]:
    """The named CHECKs in the text of a CREATE TABLE, as `name (condition)`."""
    return [
        f"{match[1]} ({' '.join(sql[match.end() : _closed(sql, match.end())].split())})"
        for match in _CHECK.finditer(sql)
    ]


def span_of_check(sql: str, name: str) -> tuple[int, int]:
    """Where the condition of the CHECK `name` begins and ends in the text of a CREATE TABLE.

    Raises LookupError if there is none of that name.
    """
    for match in _CHECK.finditer(sql):
        if match[1] == name:
            return match.end(), _closed(sql, match.end())
    raise LookupError(name)


def _closed(sql: str, start: int) -> int:
    """Where the bracket closes that was opened right before `start`."""
    depth, end, quoted = 1, start, False
    while depth and end < len(sql):
        character = sql[end]
        quoted ^= character == "'"
        if not quoted:
            depth += (character == "(") - (character == ")")
        end += 1
    return end - 1


async def _postgres(here: PooledPostgres, ddl: Iterable[str]) -> tuple[set[str], set[str]]:
    connection = await here.get_new_connection()
    try:
        live = await _facts_of_postgres(connection, "public")
        scratch = connection.transaction()
        await scratch.start()
        try:
            await connection.execute(f"CREATE SCHEMA {SCRATCH}")
            await connection.execute(f"SET LOCAL search_path = {SCRATCH}")
            for text in ddl:
                await connection.execute(text)
            return live, await _facts_of_postgres(connection, SCRATCH)
        finally:
            await scratch.rollback()
    finally:
        await connection.close()


async def _facts_of_postgres(connection: asyncpg.Connection, schema: str) -> set[str]:
    facts: set[str] = set()
    for query in (_COLUMNS_SQL, _CONSTRAINTS_SQL, _INDEXES_SQL):
        facts.update(row[0] for row in await connection.fetch(query, schema))
    return facts
