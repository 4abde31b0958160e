"""The index that counts operations by what was asked for and how it ended."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from dashboard.migrate import run_sql

ID = "2026-11-23T07:45:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "The outcomes of operations"


async def forwards() -> MigrationManager:
    """Run by `dashboard.migrate`, after the tables are there."""
    manager = MigrationManager(migration_id=ID, app_name="dashboard", description=DESCRIPTION)

    async def run() -> None:
        await run_sql(["CREATE INDEX operation_outcomes ON operation (asked_verb, state)"])

    manager.add_raw(run)
    return manager
