"""A hold is once in a batch; what is due of batches is found among all that was done."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from dashboard.migrate import run_sql

ID = "2026-11-29T04:29:24:000000"
VERSION = "1.38.0"
DESCRIPTION = "A hold is once in a batch; due rows are found by an index"


async def forwards() -> MigrationManager:
    """Run by `dashboard.migrate`, after the tables are there."""
    manager = MigrationManager(migration_id=ID, app_name="dashboard", description=DESCRIPTION)

    async def run() -> None:
        await run_sql(
            [
                "CREATE UNIQUE INDEX batch_row_once ON batch_row (batch, payment)",
                "CREATE INDEX batch_row_due ON batch_row (due_at, id) WHERE due_at IS NOT NULL",
            ]
        )

    manager.add_raw(run)
    return manager
