"""Indexes for lists of one currency: a saved view of them is counted with every look."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from dashboard.migrate import run_sql

ID = "2026-11-29T05:24:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "Lists of one currency go by indexes"


async def forwards() -> MigrationManager:
    """Run by `dashboard.migrate`, after the columns are there."""
    manager = MigrationManager(migration_id=ID, app_name="dashboard", description=DESCRIPTION)

    async def run() -> None:
        await run_sql(
            [
                'CREATE INDEX payment_of_currency ON payment (currency, id) WHERE "current"',
                "CREATE INDEX payment_of_currency_status ON payment"
                ' (currency, payment_status, id) WHERE "current"',
            ]
        )

    manager.add_raw(run)
    return manager
