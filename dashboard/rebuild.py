"""The recipe for a migration that changes a CHECK, which piccolo's own reports and does not do.

PostgreSQL drops the constraint and adds it anew. SQLite can't, so there the table is built anew and
filled with its own rows. Only tables that no other table refers to: a foreign key that restricts
would refuse the drop.
"""

from dashboard import db
from dashboard.migrate import run_sql
from dashboard.schema import span_of_check


async def change_check(table: str, constraint: str, condition: str) -> None:
    """Give `table` another condition under the name `constraint`, inside a migration.

    Raises LookupError when there is no such constraint, and the database's IntegrityError when a
    row does not meet the new condition. Nothing is changed then.
    """
    if db.engine().engine_type == "postgres":
        await run_sql(
            [
                f'ALTER TABLE "{table}" DROP CONSTRAINT "{constraint}"',
                f'ALTER TABLE "{table}" ADD CONSTRAINT "{constraint}" CHECK ({condition})',
            ]
        )
        return
    await _rebuild(table, constraint, condition)


async def _rebuild(table: str, constraint: str, condition: str) -> None:
    named = f"WHERE tbl_name = '{table}' AND sql IS NOT NULL"
    rows = await db.engine().run_ddl(f"SELECT type, sql FROM sqlite_master {named}")  # noqa: S608
    old = next(row["sql"] for row in rows if row["type"] == "table")
    start, end = span_of_check(old, constraint)
    made = f"{old[:start]}{condition}{old[end:]}"
    fresh = f"{table}__rebuilt"
    counted = f"SELECT seq FROM sqlite_sequence WHERE name = '{table}'"  # noqa: S608
    await run_sql(
        [
            made.replace(f'"{table}"', f'"{fresh}"', 1),
            f'INSERT INTO "{fresh}" SELECT * FROM "{table}"',  # noqa: S608
            # Ids that were given and deleted again are not given a second time.
            f"UPDATE sqlite_sequence SET seq = max(seq, coalesce(({counted}), 0))"  # noqa: S608
            f" WHERE name = '{fresh}'",
            f'DROP TABLE "{table}"',
            f'ALTER TABLE "{fresh}" RENAME TO "{table}"',
            *(row["sql"] for row in rows if row["type"] != "table"),
        ]
    )
