"""Writes rows by the thousand, in the caller's transaction, on either database."""

from collections.abc import Iterable, Sequence
from operator import itemgetter
from typing import Any

from piccolo.table import Table

from dashboard import db
from dashboard.postgres_engine import PooledPostgres


async def last_ids(tables: Iterable[type[Table]]) -> dict[type[Table], int]:
    """The highest id of each table, 0 where it has no row."""
    found = {}
    for table in tables:
        name = table._meta.tablename
        rows = await table.raw(f'SELECT max(id) AS last FROM "{name}"')  # noqa: S608
        found[table] = int(rows[0]["last"] or 0)
    return found


async def insert(table: type[Table], rows: Sequence[Table]) -> None:
    """Insert rows with the ids that they bring."""
    if not rows:
        return
    names = [column._meta.name for column in table._meta.columns]
    taken = itemgetter(*names)
    # A word of an Enum is a text, and both databases take it as one.
    values = [taken(row.__dict__) for row in rows]
    columns = [str(column._meta.db_column_name) for column in table._meta.columns]
    engine = db.engine()
    connection: Any = engine.current_transaction.get().connection
    if isinstance(engine, PooledPostgres):
        await connection.copy_records_to_table(
            table._meta.tablename, records=values, columns=columns
        )
        return
    quoted, marks = ", ".join(f'"{name}"' for name in columns), ", ".join("?" * len(columns))
    statement = f'INSERT INTO "{table._meta.tablename}" ({quoted}) VALUES ({marks})'  # noqa: S608
    await connection.executemany(statement, values)


async def go_on_after(tables: Iterable[type[Table]]) -> None:
    """Let the next ids of the tables come after the ones that were brought along."""
    if not isinstance(db.engine(), PooledPostgres):
        # SQLite has seen them already.
        return
    for table, last in (await last_ids(tables)).items():
        if last:
            name = table._meta.tablename
            counter = f"pg_get_serial_sequence('{name}', 'id')"
            await table.raw(f"SELECT setval({counter}, {last})")
