"""A month's report is written to a person once."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from dashboard.migrate import run_sql

ID = "2026-11-29T05:01:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "A report is sent once for each month and person"


async def forwards() -> MigrationManager:
    """Run by `dashboard.migrate`, after the table is there."""
    manager = MigrationManager(migration_id=ID, app_name="dashboard", description=DESCRIPTION)

    async def run() -> None:
        await run_sql(["CREATE UNIQUE INDEX report_sent_once ON report_sent (month, staff)"])

    manager.add_raw(run)
    return manager
