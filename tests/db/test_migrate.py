"""Migrations: written by piccolo, run by us, and true to the models afterwards."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import pytest
from piccolo.apps.migrations.commands.new import NoChanges, _create_new_migration
from piccolo.apps.migrations.tables import Migration
from piccolo.conf.apps import AppConfig
from piccolo.table import Table

from dashboard import db
from dashboard.columns import Minor, SerialId
from dashboard.migrate import append_only, migrate, run_sql
from dashboard.rebuild import change_check
from dashboard.schema import checks_in, differences
from tests.db.processes import start
from tests.db.toys import TOYS, Toy, drop

pytestmark = pytest.mark.usefixtures("database")
CHECK_VIOLATIONS = (sqlite3.IntegrityError, asyncpg.CheckViolationError)
REFUSED = (sqlite3.IntegrityError, asyncpg.RestrictViolationError)
TRIGGERS = """
from dashboard.migrate import append_only, run_sql
from piccolo.apps.migrations.auto.migration_manager import MigrationManager

ID = "9999-01-01T00:00:00:000000"


async def forwards():
    manager = MigrationManager(migration_id=ID, app_name="toys")

    async def triggers():
        await run_sql(append_only("toy"))

    manager.add_raw(triggers)
    return manager
"""


@pytest.fixture
async def app(tmp_path: Path) -> AsyncIterator[AppConfig]:
    """An app of toys with the migration that piccolo writes for it."""
    folder = tmp_path / "migrations"
    folder.mkdir()
    app = AppConfig(app_name="toys", migrations_folder_path=folder, table_classes=list(TOYS))
    await _create_new_migration(app, auto=True)
    yield app
    if db.engine().engine_type == "postgres":
        await drop()
        await Migration.delete().where(Migration.app_name == "toys")


async def test_the_checks_survive_the_way_through_a_migration_file(app: AppConfig) -> None:
    assert await migrate([app]) == 1
    assert await differences(TOYS) == []
    with pytest.raises(CHECK_VIOLATIONS):
        await Toy.insert(Toy(price=10, paid=11))
    with pytest.raises(CHECK_VIOLATIONS):
        await Toy.insert(Toy(colour="green"))
    await Toy.insert(Toy(colour="blue's"))
    with pytest.raises(NoChanges):
        await _create_new_migration(app, auto=True)


async def test_a_migration_runs_once_and_in_silence(
    app: AppConfig, capsys: pytest.CaptureFixture[str]
) -> None:
    assert await migrate([app]) == 1
    assert await migrate([app]) == 0
    assert capsys.readouterr().out == ""


async def test_a_migration_that_fails_leaves_nothing_behind(app: AppConfig) -> None:
    folder = Path(app.resolved_migrations_folder_path)
    broken = TRIGGERS.replace('append_only("toy")', '["CREATE TABLE half (a int)", "nonsense"]')
    name = f"broken_{folder.parent.name}.py"
    (folder / name).write_text(broken)
    with pytest.raises((sqlite3.OperationalError, asyncpg.PostgresSyntaxError)):
        await migrate([app])
    assert len(await Migration.get_migrations_which_ran("toys")) == 1
    with pytest.raises((sqlite3.OperationalError, asyncpg.UndefinedTableError)):
        await db.engine().run_ddl("SELECT * FROM half")


async def test_processes_that_migrate_at_once_run_each_migration_once(app: AppConfig) -> None:
    folder = Path(app.resolved_migrations_folder_path)
    (folder / f"triggers_{folder.parent.name}.py").write_text(TRIGGERS)
    children = [start("migrate", str(folder)) for _ in range(3)]
    answers = []
    for child in children:
        output, errors = await asyncio.to_thread(child.communicate, timeout=60)
        assert child.returncode == 0, errors
        answers.append(int(output))
    assert sum(answers) == 2
    await Toy.insert(Toy())
    with pytest.raises(REFUSED):
        await Toy.update({Toy.tally: 1}, force=True)


async def test_an_append_only_table_refuses_every_other_change(app: AppConfig) -> None:
    await migrate([app])
    await run_sql(append_only("toy"))
    await Toy.insert(Toy(id=1), Toy(id=2))
    changes = ["UPDATE toy SET tally = 1", "DELETE FROM toy WHERE id = 1"]
    if db.engine().engine_type == "sqlite":
        changes += [
            "INSERT OR REPLACE INTO toy (id, price, paid, colour) VALUES (1, 5, 0, 'red')",
            "REPLACE INTO toy (id, price, paid, colour) VALUES (2, 5, 0, 'red')",
            "UPDATE OR REPLACE toy SET id = 2 WHERE id = 1",
        ]
    else:
        changes += [
            "TRUNCATE toy",
            "INSERT INTO toy (id, price, paid, colour) VALUES (1, 5, 0, 'red')"
            " ON CONFLICT (id) DO UPDATE SET price = 5",
        ]
    for change in changes:
        with pytest.raises(REFUSED, match="append-only"):
            await db.engine().run_ddl(change)
    rows = await Toy.select(Toy.id, Toy.price, Toy.tally).order_by(Toy.id)
    assert [tuple(row.values()) for row in rows] == [(1, 100, 0), (2, 100, 0)]
    await Toy.insert(Toy(id=3))


async def test_the_migrated_product_looks_as_its_models_say() -> None:
    assert await differences() == []


async def test_a_check_that_changed_without_a_migration_is_noticed(app: AppConfig) -> None:
    class Changed(Table, tablename="toy"):
        id = SerialId()
        price = Minor(check="price > 0", null=True)
        size = Minor(default=0)

    await migrate([app])
    found = "\n".join(await differences([Changed]))
    assert "price_check" in found and "size" in found and "unexpected: toy.colour" in found


def test_a_check_is_found_whole() -> None:
    sql = """CREATE TABLE t (a INT CONSTRAINT "a_check" CHECK (a IN (1, 2)
        AND b <> ')'), c INT CONSTRAINT "c_word" CHECK ("c" IN ('it''s (')))"""
    assert checks_in(sql) == [
        "a_check (a IN (1, 2) AND b <> ')')",
        "c_word (\"c\" IN ('it''s ('))",
    ]


async def test_a_changed_check_keeps_rows_indexes_triggers_and_numbers(app: AppConfig) -> None:
    await migrate([app])
    await run_sql(append_only("toy"))
    await run_sql(["CREATE INDEX toy_paid ON toy (paid) WHERE paid IS NOT NULL"])
    for price in (10, 20):
        await Toy.insert(Toy(price=price, paid=1))
    async with db.transaction():
        await change_check("toy", "paid_check", "paid <= price + 5")
    assert await Toy.count() == 2
    await Toy.insert(Toy(price=10, paid=15))
    with pytest.raises(CHECK_VIOLATIONS):
        await Toy.insert(Toy(price=10, paid=16))
    with pytest.raises(REFUSED):
        await Toy.update({Toy.paid: 2}).where(Toy.id == 1)
    newest = await Toy.objects().order_by(Toy.id, ascending=False).first()
    assert newest is not None and newest.id == 3
    assert any("toy_paid" in row for row in await indexes_of("toy"))


async def test_a_check_that_a_row_does_not_meet_changes_nothing(app: AppConfig) -> None:
    await migrate([app])
    await Toy.insert(Toy(price=10, paid=9))
    with pytest.raises(CHECK_VIOLATIONS):
        async with db.transaction():
            await change_check("toy", "paid_check", "paid <= 5")
    assert await differences(TOYS) == []
    with pytest.raises(LookupError):
        await _no_such_check()


async def _no_such_check() -> None:
    if db.engine().engine_type == "postgres":
        raise LookupError("PostgreSQL says so itself")
    async with db.transaction():
        await change_check("toy", "no_such", "paid <= 5")


async def indexes_of(table: str) -> list[str]:
    """The names of a table's indexes."""
    query = (
        f"SELECT indexname AS name FROM pg_indexes WHERE tablename = '{table}'"  # noqa: S608
        if db.engine().engine_type == "postgres"
        else f"SELECT name FROM pragma_index_list('{table}')"  # noqa: S608
    )
    return [row["name"] for row in await db.engine().run_ddl(query)]
