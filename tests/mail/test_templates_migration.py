"""The migration that lets messages have the new templates, on a table with rows."""

from importlib import import_module

from dashboard import db
from dashboard.mail.tables import Message
from dashboard.rebuild import change_check
from dashboard.schema import differences
from jobs.mail import send_mail
from tests.world import World

MIGRATION = import_module("dashboard.piccolo_migrations.dashboard_2026_11_24t02_16_09_348113")
BEFORE = "reserved paid charged_early released expired refunded declined".split()


async def attached() -> list[dict[str, object]]:
    """The indexes and triggers of the table, as the database writes them down."""
    query = (
        "SELECT indexname AS name, indexdef AS sql FROM pg_indexes WHERE tablename = 'message'"
        if db.engine().engine_type == "postgres"
        else "SELECT name, sql FROM sqlite_master WHERE tbl_name = 'message' AND type <> 'table'"
    )
    return sorted(map(dict, await db.engine().run_ddl(query)), key=lambda row: str(row["name"]))


async def wrong() -> list[str]:
    """What the table and its model disagree about."""
    return [one for one in await differences() if ": message" in one]


async def test_rows_indexes_and_schema_survive_the_new_templates(shop: World):
    await shop.book()
    await shop.post_booking(payment_method="pm_card_chargeDeclined")
    await send_mail()
    words = ", ".join(f"'{word}'" for word in BEFORE)
    async with db.transaction():
        await change_check("message", "template_word", f'"template" IN ({words})')
    assert len(await wrong()) == 2
    rows, around = await Message.select().order_by(Message.id), await attached()
    async with db.transaction():
        await (await MIGRATION.forwards()).run()
    assert await wrong() == []
    assert await Message.select().order_by(Message.id) == rows
    assert len(rows) == 2 and await attached() == around
