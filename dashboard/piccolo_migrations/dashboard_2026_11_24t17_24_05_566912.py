from piccolo.apps.migrations.auto.migration_manager import MigrationManager
from dashboard.columns import OneOf
from dashboard.rebuild import change_check
from piccolo.columns.column_types import Varchar
from piccolo.columns.indexes import IndexMethod

ID = "2026-11-24T17:24:05:566912"
VERSION = "1.38.0"
DESCRIPTION = "A ticket can pause a capture, and who paused it is kept"
# The words as they were at this migration: a later one changes them again.
WORDS = "opened note reopened waiting closed topic linked paused".split()


async def forwards():
    manager = MigrationManager(migration_id=ID, app_name="dashboard", description=DESCRIPTION)

    manager.add_column(
        table_class_name="Purchase",
        tablename="purchase",
        column_name="paused_by",
        db_column_name="paused_by",
        column_class_name="Varchar",
        column_class=Varchar,
        params={
            "length": 255,
            "default": "",
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

    manager.alter_column(
        table_class_name="TicketNote",
        tablename="ticket_note",
        column_name="kind",
        db_column_name="kind",
        params={
            "values": [
                "opened",
                "note",
                "reopened",
                "waiting",
                "closed",
                "topic",
                "linked",
                "paused",
            ]
        },
        old_params={
            "values": [
                "opened",
                "note",
                "reopened",
                "waiting",
                "closed",
                "topic",
                "linked",
            ]
        },
        column_class=OneOf,
        old_column_class=OneOf,
        schema=None,
    )

    async def run():
        words = ", ".join(f"'{word}'" for word in WORDS)
        await change_check("ticket_note", "kind_word", f'"kind" IN ({words})')

    manager.add_raw(run)
    return manager
