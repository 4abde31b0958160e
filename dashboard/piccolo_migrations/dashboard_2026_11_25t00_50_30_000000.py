"""What an event is found by: its state in the order of the list, an object, an operation."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from dashboard.migrate import run_sql

ID = "2026-11-25T00:50:30:000000"
VERSION = "1.38.0"
DESCRIPTION = "Events are found by object and by operation"


async def forwards() -> MigrationManager:
    """Run by `dashboard.migrate`, after the columns are there."""
    manager = MigrationManager(migration_id=ID, app_name="dashboard", description=DESCRIPTION)

    async def run() -> None:
        await run_sql(
            [
                # In the order of the list, id included: else PostgreSQL walks a million handled
                # events backwards to find that none waits.
                "DROP INDEX stripe_event_state",
                "CREATE INDEX stripe_event_state ON stripe_event (state, received_at, id)",
                "CREATE INDEX stripe_event_object ON stripe_event (object_id)",
                "CREATE INDEX stripe_event_operation ON stripe_event (operation_id)"
                " WHERE operation_id IS NOT NULL",
            ]
        )

    manager.add_raw(run)
    return manager
