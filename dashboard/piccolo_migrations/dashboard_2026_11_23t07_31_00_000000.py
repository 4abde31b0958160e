"""The order in which the audit is read, and the triggers that keep it append-only."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from dashboard.migrate import append_only, run_sql

ID = "2026-11-23T07:31:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "The audit's order and its triggers"


async def forwards() -> MigrationManager:
    """Run by `dashboard.migrate`, after the table is there."""
    manager = MigrationManager(migration_id=ID, app_name="dashboard", description=DESCRIPTION)

    async def run() -> None:
        await run_sql(
            ["CREATE INDEX audit_entry_order ON audit_entry (at, id)", *append_only("audit_entry")]
        )

    manager.add_raw(run)
    return manager
