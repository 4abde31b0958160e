"""One message per event and template, and the trigger that hands every new event to the mail."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from dashboard import db
from dashboard.migrate import run_sql

ID = "2026-11-23T07:10:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "The mail's indexes and its trigger"

INDEXES = [
    "CREATE UNIQUE INDEX message_once ON message (event, template)",
    "CREATE INDEX message_state ON message (state, id)",
]
KEEP = (
    "INSERT INTO mail_unread (event, due_at, attempts, error)"
    " VALUES (NEW.id, NEW.recorded_at, 0, '');"
)
# Events of before are nobody's news any more: they are not handed over.
SQLITE = [
    f"CREATE TRIGGER payment_events_to_mail AFTER INSERT ON payment_events BEGIN {KEEP} END"
]
POSTGRESQL = [
    "CREATE FUNCTION keep_for_mail() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
    f"{KEEP} RETURN NULL; END $$",
    "CREATE TRIGGER payment_events_to_mail AFTER INSERT ON payment_events "
    "FOR EACH ROW EXECUTE FUNCTION keep_for_mail()",
]


async def forwards() -> MigrationManager:
    """Run by `dashboard.migrate`, after the tables are there."""
    manager = MigrationManager(migration_id=ID, app_name="dashboard", description=DESCRIPTION)

    async def run() -> None:
        sqlite = db.engine().engine_type == "sqlite"
        await run_sql([*INDEXES, *(SQLITE if sqlite else POSTGRESQL)])

    manager.add_raw(run)
    return manager
