"""The triggers that mark days to be counted, the metrics' indexes, and the days of before."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from dashboard import db
from dashboard.migrate import append_only, run_sql

ID = "2026-11-25T02:00:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "The metrics' triggers and indexes"

INDEXES = [
    "CREATE UNIQUE INDEX metrics_day_once ON metrics_day (day, currency)",
    "CREATE UNIQUE INDEX metrics_crossing_once ON metrics_crossing (metric, currency, day)",
    "CREATE UNIQUE INDEX metrics_forecast_once ON metrics_forecast (made_on, day, currency)",
    "CREATE INDEX metrics_threshold_order ON metrics_threshold (metric, currency, id)",
]
SOURCES = (("payment_events", "occurred_at", "NEW.payment"), ("ticket", "opened_at", "NULL"))
# A day of any zone that has time in a day of UTC is met by one of three moments of that.
MOMENTS = ("00:00:00", "12:00:00", "23:59:59")


def sqlite(table: str, column: str, payment: str) -> list[str]:
    kept = f"INSERT INTO metrics_touched (at, payment) VALUES (NEW.{column}, {payment})"  # noqa: S608
    before = [
        "INSERT INTO metrics_touched (at) SELECT DISTINCT"  # noqa: S608
        f" substr({column}, 1, 10) || ' {moment}+00:00' FROM {table}"
        for moment in MOMENTS
    ]
    trigger = f"CREATE TRIGGER {table}_to_metrics AFTER INSERT ON {table} BEGIN {kept}; END"
    return [trigger, *before]


def postgresql(table: str, column: str, payment: str) -> list[str]:
    kept = f"INSERT INTO metrics_touched (at, payment) VALUES (NEW.{column}, {payment})"  # noqa: S608
    before = [
        f"INSERT INTO metrics_touched (at) SELECT DISTINCT date_trunc('day', {column}, 'UTC')"  # noqa: S608
        f" + interval '{moment}' FROM {table}"
        for moment in MOMENTS
    ]
    function = (
        f"CREATE FUNCTION {table}_to_metrics() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
        f" {kept}; RETURN NULL; END $$"
    )
    trigger = (
        f"CREATE TRIGGER {table}_to_metrics AFTER INSERT ON {table}"
        f" FOR EACH ROW EXECUTE FUNCTION {table}_to_metrics()"
    )
    return [function, trigger, *before]


async def forwards() -> MigrationManager:
    """Run by `dashboard.migrate`, after the tables are there."""
    manager = MigrationManager(migration_id=ID, app_name="dashboard", description=DESCRIPTION)

    async def run() -> None:
        made = sqlite if db.engine().engine_type == "sqlite" else postgresql
        sources = [statement for source in SOURCES for statement in made(*source)]
        if made is postgresql:
            # A part of the durations is read without the others: not where they are compressed.
            await run_sql(["ALTER TABLE metrics_day ALTER COLUMN waits SET STORAGE EXTERNAL"])
        await run_sql([*INDEXES, *append_only("metrics_threshold"), *sources])

    manager.add_raw(run)
    return manager
