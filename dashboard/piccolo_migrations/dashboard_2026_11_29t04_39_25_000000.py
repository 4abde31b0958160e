"""A snooze is never changed: a later one takes its place."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from dashboard.migrate import append_only, run_sql

ID = "2026-11-29T04:39:25:000000"
VERSION = "1.38.0"
DESCRIPTION = "Snoozes are append-only"


async def forwards() -> MigrationManager:
    """Run by `dashboard.migrate`, after the table is there."""
    manager = MigrationManager(migration_id=ID, app_name="dashboard", description=DESCRIPTION)

    async def run() -> None:
        await run_sql(append_only("snooze"))

    manager.add_raw(run)
    return manager
