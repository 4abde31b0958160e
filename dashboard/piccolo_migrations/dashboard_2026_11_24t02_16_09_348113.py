from piccolo.apps.migrations.auto.migration_manager import MigrationManager
from dashboard.columns import OneOf
from dashboard.rebuild import change_check

ID = "2026-11-24T02:16:09:348113"
VERSION = "1.38.0"
DESCRIPTION = "A refund that came back is told"


WORDS = (
    "reserved paid charged_early released expired refunded refund_failed declined planned"
    " card_refused confirm_card authenticate hold_refused renewed let_go"
).split()


async def forwards():
    manager = MigrationManager(
        migration_id=ID, app_name="dashboard", description=DESCRIPTION
    )

    manager.alter_column(
        table_class_name="Message",
        tablename="message",
        column_name="template",
        db_column_name="template",
        params={
            "values": [
                "reserved",
                "paid",
                "charged_early",
                "released",
                "expired",
                "refunded",
                "refund_failed",
                "declined",
                "planned",
                "card_refused",
                "confirm_card",
                "authenticate",
                "hold_refused",
                "renewed",
                "let_go",
            ]
        },
        old_params={
            "values": [
                "reserved",
                "paid",
                "charged_early",
                "released",
                "expired",
                "refunded",
                "declined",
                "planned",
                "card_refused",
                "confirm_card",
                "authenticate",
                "hold_refused",
                "renewed",
                "let_go",
            ]
        },
        column_class=OneOf,
        old_column_class=OneOf,
        schema=None,
    )

    async def run():
        # The words as they were at this migration: a later one changes them again.
        words = ", ".join(f"'{word}'" for word in WORDS)
        await change_check("message", "template_word", f'"template" IN ({words})')

    manager.add_raw(run)
    return manager
