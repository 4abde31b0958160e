"""Thousands of payments within a second: copies of a few real ones, at Stripe and in our rows."""

import re
import sqlite3
from collections.abc import Iterable
from typing import Any

from dashboard import db
from dashboard.payments.facts import Verb
from dashboard.payments.tables import Operation, Payment, PaymentEvent, Purchase
from tests.conftest import POSTGRESQL
from tests.payments.banking import dispute, paid
from tests.payments.conftest import Desk

TABLES = (Purchase, Payment, Operation, PaymentEvent)
KINDS = ("payment_intent", "charge", "refund", "dispute", "balance_transaction")
# Copies are counted in thousands, so that no id meets one that is given later.
STRIDE = 1000
Row = dict[str, Any]


async def samples(desk: Desk) -> int:
    """Payments of every ordinary shape, made through the real paths; how many there are."""
    for _ in range(5):
        await desk.buy()
        await paid(desk)
    await desk.buy(at_once=True)
    await desk.buy(at_once=True)
    await desk.buy(card="pm_card_chargeDeclined")
    await desk.buy(card="pm_card_authenticationRequired")
    part = await desk.buy()
    await desk.ask(Verb.CAPTURE, part, 6000)
    for _ in range(2):
        released = await desk.buy()
        await desk.ask(Verb.RELEASE, released)
    refunded = await paid(desk)
    await desk.ask(Verb.REFUND, refunded, 2500, reason="requested_by_customer")
    await dispute(desk, await paid(desk))
    return int(await Payment.count())


async def multiply(desk: Desk, copies: int) -> None:
    """Copy every payment that there is so many times, on both sides."""
    with sqlite3.connect(desk.sandbox.state_file, timeout=30) as store:
        ids = _copy_at_stripe(store, copies)
    operations = [row["id"] for row in await Operation.select(Operation.id)]
    names = re.compile("|".join(map(re.escape, [*ids, *operations])))
    for table in TABLES:
        name = table._meta.tablename
        rows = [dict(row) for row in await _read(name)]
        made = [_copy(row, number, names) for number in range(1, copies + 1) for row in rows]
        await _write(name, made)


def _copy_at_stripe(store: sqlite3.Connection, copies: int) -> list[str]:
    store.row_factory = sqlite3.Row
    kinds = ", ".join("?" * len(KINDS))
    # The names in these statements are ours.
    query = f"SELECT * FROM objects WHERE kind IN ({kinds}) ORDER BY seq"  # noqa: S608
    rows = [dict(row) for row in store.execute(query, KINDS)]
    bodies = b"".join(bytes(row["body"]) for row in rows).decode()
    ids = [row["id"] for row in rows]
    operations = re.findall(r'"operation_id":"([0-9a-f-]{36})"', bodies)
    names = re.compile("|".join(map(re.escape, [*ids, *operations])))
    for row in rows:
        row["body"] = bytes(row["body"]).decode()
        row["seq"] = None
    made = [_copy(row, number, names) for number in range(1, copies + 1) for row in rows]
    store.executemany(
        f"INSERT INTO objects VALUES ({', '.join('?' * len(rows[0]))})",  # noqa: S608
        [[*list(row.values())[:-1], row["body"].encode()] for row in made],
    )
    return ids


def _copy(row: Row, number: int, names: re.Pattern[str]) -> Row:
    """The same row with the ids of another payment."""

    def other(found: re.Match[str]) -> str:
        old = found[0]
        # An operation's id has no room for more letters.
        return f"{number:08d}{old[8:]}" if "-" in old else f"{old}x{number}"

    def value(name: str, old: Any) -> Any:
        if isinstance(old, str):
            return names.sub(other, old)
        if old is not None and name in ("id", "purchase", "payment", "open_for"):
            return old + number * STRIDE
        return old

    return {name: value(name, old) for name, old in row.items()}


async def _read(table: str) -> Iterable[Any]:
    if POSTGRESQL:
        return await db.engine().run_ddl(f"SELECT * FROM {table}")  # noqa: S608
    with sqlite3.connect(db.engine().path) as connection:
        connection.row_factory = sqlite3.Row
        return connection.execute(f"SELECT * FROM {table}").fetchall()  # noqa: S608


async def _write(table: str, rows: list[Row]) -> None:
    columns = list(rows[0])
    records = [tuple(row.values()) for row in rows]
    if POSTGRESQL:
        connection = await db.engine().get_new_connection()
        await connection.copy_records_to_table(table, records=records, columns=columns)
        await connection.close()
        return
    with sqlite3.connect(db.engine().path, timeout=30) as own:
        places = ", ".join("?" * len(columns))
        into = f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({places})"  # noqa: S608
        own.executemany(into, records)
