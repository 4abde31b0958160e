"""The index that finds far lessons among all the others."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from dashboard.migrate import run_sql

ID = "2026-11-23T23:30:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "Far lessons are found by an index"


async def forwards() -> MigrationManager:
    """Run by `dashboard.migrate`, after the columns are there."""
    manager = MigrationManager(migration_id=ID, app_name="dashboard", description=DESCRIPTION)

    async def run() -> None:
        await run_sql(
            ["CREATE INDEX purchase_far ON purchase (hold_due_at) WHERE hold_due_at IS NOT NULL"]
        )

    manager.add_raw(run)
    return manager
