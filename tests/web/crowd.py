"""Thousands of bookings in a moment: copies of one that was really made, past and paid."""

from typing import Any

from piccolo.table import Table

from dashboard import db
from dashboard.bookings.tables import Booking, Student
from dashboard.payments.tables import Operation, Payment, PaymentEvent, Purchase

# What is of its own in a copy; `n` numbers them, and a hundred rows before them are left free.
# Four of them are one student's.
OWN: dict[type[Table], dict[str, str]] = {
    Student: {"id": "id + 100 + n", "email": "'student' || n || '@example.test'"},
    Purchase: {"id": "id + 100 + n", "setup_intent_id": "NULL", "due_at": "NULL"},
    Payment: {
        "id": "id + 100 + n",
        "purchase": "purchase + 100 + n",
        "stripe_intent_id": "'pi_copy_' || n",
        "stripe_charge_id": "'ch_copy_' || n",
        "payment_status": "CASE WHEN n % 10 = 0 THEN 'failed' ELSE 'captured' END",
    },
    Booking: {
        "id": "id + 100 + n",
        "student": "student + 100 + n - n % 4",
        "purchase": "purchase + 100 + n",
        "slot": "NULL",
    },
    Operation: {
        "id": "substr(id, 1, 28) || n",
        "purchase": "purchase + 100 + n",
        "payment": "payment + 100 + n",
    },
    PaymentEvent: {
        "id": "id + 100 + n",
        "key": "key || n",
        "purchase": "purchase + 100 + n",
        "payment": "payment + 100 + n",
    },
}


async def crowd(booking_id: int, number: int, first: int = 4) -> None:
    """So many more bookings like this one, each long paid for or declined."""
    row: Any = await Booking.objects().get(Booking.id == booking_id)
    payment: Any = await Payment.objects().get(Payment.purchase == row.purchase)
    originals = {
        Student: f"id = {row.student}",
        Purchase: f"id = {row.purchase}",
        Payment: f"id = {payment.id}",
        Booking: f"id = {row.id}",
        Operation: f"payment = {payment.id}",
        PaymentEvent: f"payment = {payment.id} AND kind = 'authorized'",
    }
    for table, original in originals.items():
        names = [column._meta.db_column_name for column in table._meta.columns]
        values = [OWN[table].get(name, f'"{name}"') for name in names]
        listed = ", ".join(f'"{name}"' for name in names)
        await db.engine().run_ddl(
            f"INSERT INTO {table._meta.tablename} ({listed})"  # noqa: S608
            f" WITH RECURSIVE many(n) AS (SELECT {first} UNION ALL SELECT n + 1 FROM many"
            f" WHERE n < {first + number - 1})"
            f" SELECT {', '.join(values)} FROM {table._meta.tablename}, many WHERE {original}"
        )
    if db.engine().engine_type == "postgres":
        await db.engine().run_ddl("ANALYZE")
