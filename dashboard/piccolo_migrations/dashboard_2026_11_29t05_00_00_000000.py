"""A fee that becomes known later counts on the day on which the money was taken."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from dashboard import db
from dashboard.migrate import run_sql

ID = "2026-11-29T05:00:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "Days are counted again when a fee becomes known"

KEPT = "INSERT INTO metrics_touched (at, payment) VALUES (NEW.created_at, NEW.id)"
COLUMNS = ("fee_amount", "fee_currency", "dispute_fee_amount")
# Days that were counted before there was anything to say of fees; see the first such migration.
MOMENTS = ("00:00:00", "12:00:00", "23:59:59")
TAKEN = "FROM payment_events WHERE kind IN ('captured', 'charged')"


def sqlite() -> list[str]:
    changed = " OR ".join(f"OLD.{name} IS NOT NEW.{name}" for name in COLUMNS)
    return [
        f"CREATE TRIGGER payment_to_metrics AFTER UPDATE OF {', '.join(COLUMNS)} ON payment"
        f" WHEN {changed} BEGIN {KEPT}; END",
        *(
            "INSERT INTO metrics_touched (at) SELECT DISTINCT"
            f" substr(occurred_at, 1, 10) || ' {moment}+00:00' {TAKEN}"
            for moment in MOMENTS
        ),
    ]


def postgresql() -> list[str]:
    changed = " OR ".join(f"OLD.{name} IS DISTINCT FROM NEW.{name}" for name in COLUMNS)
    return [
        "CREATE FUNCTION payment_to_metrics() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
        f" {KEPT}; RETURN NULL; END $$",
        f"CREATE TRIGGER payment_to_metrics AFTER UPDATE OF {', '.join(COLUMNS)} ON payment"
        f" FOR EACH ROW WHEN ({changed}) EXECUTE FUNCTION payment_to_metrics()",
        *(
            "INSERT INTO metrics_touched (at) SELECT DISTINCT"
            f" date_trunc('day', occurred_at, 'UTC') + interval '{moment}' {TAKEN}"
            for moment in MOMENTS
        ),
    ]


async def forwards() -> MigrationManager:
    """Run by `dashboard.migrate`, after the columns are there."""
    manager = MigrationManager(migration_id=ID, app_name="dashboard", description=DESCRIPTION)

    async def run() -> None:
        made = sqlite if db.engine().engine_type == "sqlite" else postgresql
        await run_sql(made())

    manager.add_raw(run)
    return manager
