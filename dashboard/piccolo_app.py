"""The tables that piccolo migrates."""

from pathlib import Path

from piccolo.conf.apps import AppConfig, table_finder

APP_CONFIG = AppConfig(
    app_name="dashboard",
    migrations_folder_path=Path(__file__).parent / "piccolo_migrations",
    table_classes=table_finder(
        modules=[
            "dashboard.payments.tables",
            "dashboard.payments.reconcile.tables",
            "dashboard.bookings.tables",
            "dashboard.batches.tables",
            "dashboard.staff.tables",
            "dashboard.support.tables",
            "dashboard.metrics.tables",
            "dashboard.mail.tables",
            "dashboard.audit.tables",
            "dashboard.alerts.tables",
            "dashboard.exports.tables",
            "dashboard.reports.tables",
        ],
        exclude_imported=True,
    ),
)
