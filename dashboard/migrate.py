"""Migrations: run what is pending, and the SQL that piccolo can't write by itself.

A migration runs in one transaction together with the note that it has run, which piccolo's own
command writes afterwards: a crash between the two would leave a database that can't be migrated
any more. `wrap_in_transaction=False` is therefore refused.

In a migration, piccolo runs what `add_raw` was given *before* it creates tables: triggers and
partial indexes belong into the migration after the one that creates their table.
"""

import contextlib
import io
from collections.abc import Iterable, Sequence

from piccolo.apps.migrations.auto.migration_manager import MigrationManager
from piccolo.apps.migrations.commands.base import BaseMigrationManager
from piccolo.apps.migrations.tables import Migration
from piccolo.conf.apps import AppConfig, MigrationModule

from dashboard import db

# Any number will do, as long as nothing else on the server takes the same one.
_ADVISORY_LOCK = 7_305_414_120


async def migrate(apps: Sequence[AppConfig] | None = None) -> int:
    """Run the pending migrations of the registered apps; answers how many were run here.

    Safe when several processes start it at once: each migration is run by one of them.
    """
    finder = BaseMigrationManager()
    count = 0
    async with db.transaction():
        await _take_turn()
        await finder.create_migration_table()
    for app in finder.get_app_configs() if apps is None else apps:
        modules = finder.get_migration_modules(app.resolved_migrations_folder_path)
        for name in sorted(modules):
            count += await _run(app.app_name, name, modules[name])
    return count


async def _take_turn() -> None:
    # SQLite lets in one writing transaction anyway.
    if db.engine().engine_type == "postgres":
        await run_sql(
            ["SET LOCAL lock_timeout = '10min'", f"SELECT pg_advisory_xact_lock({_ADVISORY_LOCK})"]
        )


async def _run(app_name: str, name: str, module: MigrationModule) -> bool:
    async with db.transaction():
        await _take_turn()
        if name in await Migration.get_migrations_which_ran(app_name):
            return False
        manager = await module.forwards()
        if isinstance(manager, MigrationManager) and not manager.fake:
            if not manager.wrap_in_transaction:
                raise RuntimeError(f"{name} must run in a transaction")
            # Piccolo prints its progress; whoever starts this says what there is to say.
            with contextlib.redirect_stdout(io.StringIO()):
                await manager.run()
        await Migration.insert(Migration(name=name, app_name=app_name))
    return True


async def run_sql(statements: Iterable[str]) -> None:
    """Run statements without values, one after the other."""
    for statement in statements:
        await db.engine().run_ddl(statement)


def append_only(table: str) -> list[str]:
    """The statements that make `table` refuse every change but an INSERT, for this database.

    A refusal is sqlite3.IntegrityError or asyncpg.RestrictViolationError. On SQLite `INSERT OR
    REPLACE` is refused only where recursive_triggers is on, as on all of our connections.
    """
    if db.engine().engine_type == "sqlite":
        return [
            f'CREATE TRIGGER "{table}_no_{verb.lower()}" BEFORE {verb} ON "{table}" BEGIN '
            f"SELECT RAISE(ABORT, '{table} is append-only'); END"
            for verb in ("UPDATE", "DELETE")
        ]
    return [
        "CREATE OR REPLACE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        "RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'restrict_violation'; "
        "END $$",
        f'CREATE TRIGGER "{table}_no_change" BEFORE UPDATE OR DELETE ON "{table}" '
        "FOR EACH ROW EXECUTE FUNCTION refuse_change()",
        f'CREATE TRIGGER "{table}_no_truncate" BEFORE TRUNCATE ON "{table}" '
        "FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()",
    ]
