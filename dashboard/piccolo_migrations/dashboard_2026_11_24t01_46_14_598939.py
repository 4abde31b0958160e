from piccolo.apps.migrations.auto.migration_manager import MigrationManager
from dashboard.columns import Instant
from dashboard.columns import Minor
from piccolo.columns.indexes import IndexMethod

ID = "2026-11-24T01:46:14:598939"
VERSION = "1.38.0"
DESCRIPTION = "Refunds that take time"


async def forwards():
    manager = MigrationManager(
        migration_id=ID, app_name="dashboard", description=DESCRIPTION
    )

    manager.add_column(
        table_class_name="Payment",
        tablename="payment",
        column_name="refund_pending_since",
        db_column_name="refund_pending_since",
        column_class_name="Instant",
        column_class=Instant,
        params={
            "default": None,
            "check": None,
            "null": True,
            "primary_key": False,
            "unique": False,
            "index": False,
            "index_method": IndexMethod.btree,
            "choices": None,
            "db_column_name": None,
            "secret": False,
        },
        schema=None,
    )

    manager.add_column(
        table_class_name="Payment",
        tablename="payment",
        column_name="withdrawn_amount",
        db_column_name="withdrawn_amount",
        column_class_name="Minor",
        column_class=Minor,
        params={
            "default": 0,
            "check": "withdrawn_amount >= 0",
            "null": False,
            "primary_key": False,
            "unique": False,
            "index": False,
            "index_method": IndexMethod.btree,
            "choices": None,
            "db_column_name": None,
            "secret": False,
        },
        schema=None,
    )

    return manager
