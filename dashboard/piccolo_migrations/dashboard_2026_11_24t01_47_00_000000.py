"""The index that finds disputed payments among all the others."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from dashboard.migrate import run_sql

ID = "2026-11-24T01:47:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "Disputed payments are found by an index"


async def forwards() -> MigrationManager:
    """Run by `dashboard.migrate`, after the columns are there."""
    manager = MigrationManager(migration_id=ID, app_name="dashboard", description=DESCRIPTION)

    async def run() -> None:
        await run_sql(
            ["CREATE INDEX payment_disputed ON payment (dispute_due_at) WHERE disputed_amount > 0"]
        )

    manager.add_raw(run)
    return manager
