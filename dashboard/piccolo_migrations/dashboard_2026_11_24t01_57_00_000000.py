"""The order of the tickets, and what keeps one that was sent once from being opened twice."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from dashboard.migrate import run_sql

ID = "2026-11-24T01:57:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "The order of tickets and their keys"


async def forwards() -> MigrationManager:
    """Run by `dashboard.migrate`, after the columns are there."""
    manager = MigrationManager(migration_id=ID, app_name="dashboard", description=DESCRIPTION)

    async def run() -> None:
        await run_sql(
            [
                "UPDATE ticket SET opened_topic = topic, status_since = opened_at",
                "CREATE UNIQUE INDEX ticket_key ON ticket (key)",
                "CREATE UNIQUE INDEX ticket_note_key ON ticket_note (key)",
                "CREATE INDEX ticket_order ON ticket (status, status_since, id)",
            ]
        )

    manager.add_raw(run)
    return manager
