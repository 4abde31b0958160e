"""A note on a hold is never changed."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from dashboard.migrate import append_only, run_sql

ID = "2026-11-25T04:48:49:000000"
VERSION = "1.38.0"
DESCRIPTION = "Notes on holds are append-only"


async def forwards() -> MigrationManager:
    """Run by `dashboard.migrate`, after the table is there."""
    manager = MigrationManager(migration_id=ID, app_name="dashboard", description=DESCRIPTION)

    async def run() -> None:
        await run_sql(append_only("hold_note"))

    manager.add_raw(run)
    return manager
