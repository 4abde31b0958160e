"""Indexes of what the desk lists: of the few rows that are open, not of all that ever were."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from dashboard.migrate import run_sql

ID = "2026-11-29T04:30:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "The desk's lists go by indexes"


async def forwards() -> MigrationManager:
    """Run by `dashboard.migrate`, after the columns are there."""
    manager = MigrationManager(migration_id=ID, app_name="dashboard", description=DESCRIPTION)

    async def run() -> None:
        await run_sql(
            [
                "CREATE INDEX payment_held ON payment (authorization_expires_at, id)"
                " WHERE \"current\" AND payment_status = 'authorized'",
                'CREATE INDEX payment_of_status ON payment (payment_status, id) WHERE "current"',
                "CREATE INDEX purchase_waiting ON purchase (attention_since, id)"
                " WHERE attention IS NOT NULL",
                # Open pages ask every few seconds when something was last decided.
                "CREATE INDEX purchase_decided ON purchase (decided_at)"
                " WHERE decided_at IS NOT NULL",
            ]
        )

    manager.add_raw(run)
    return manager
