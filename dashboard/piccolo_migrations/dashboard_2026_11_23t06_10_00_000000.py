"""Indexes that piccolo can't write, and the triggers that keep the story append-only."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from dashboard.migrate import append_only, run_sql

ID = "2026-11-23T06:10:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "Indexes and append-only triggers"

INDEXES = [
    # One payment of a purchase is the current one.
    'CREATE UNIQUE INDEX payment_one_current ON payment (purchase) WHERE "current"',
    # The queue: holds in order of expiry, a page at a time.
    "CREATE INDEX payment_queue ON payment (payment_status, authorization_expires_at, id)",
    "CREATE INDEX payment_post_due ON payment (post_due_at) WHERE post_due_at IS NOT NULL",
    "CREATE INDEX payment_ended ON payment (ended_at) WHERE ended_at IS NOT NULL",
    "CREATE INDEX purchase_attention ON purchase (attention, attention_since)"
    " WHERE attention IS NOT NULL",
    "CREATE INDEX payment_events_story ON payment_events (purchase, occurred_at, id)",
    "CREATE INDEX payment_events_kind ON payment_events (kind, occurred_at)",
    "CREATE INDEX stripe_event_state ON stripe_event (state, received_at)",
    "CREATE INDEX operation_closed ON operation (closed_at) WHERE closed_at IS NOT NULL",
    "CREATE INDEX booking_alive ON booking (status, ends_at)",
]


async def forwards() -> MigrationManager:
    """Run by `dashboard.migrate`, after the tables are there."""
    manager = MigrationManager(migration_id=ID, app_name="dashboard", description=DESCRIPTION)

    async def run() -> None:
        await run_sql([*INDEXES, *append_only("payment_events")])

    manager.add_raw(run)
    return manager
