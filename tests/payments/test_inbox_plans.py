"""A page of the inbox costs the same however many events there are: it is read by index."""

import os
import re
from typing import Any

import pytest

from dashboard import db
from dashboard.payments import deliveries
from dashboard.payments.deliveries import Asked
from dashboard.payments.tables import StripeEvent

pytestmark = pytest.mark.usefixtures("database")
POSTGRESQL = os.environ.get("TEST_DATABASE") == "postgresql"
# Enough for PostgreSQL to find an index worth its while; the plans are those of a million.
MANY = 30_000
MIDDLE = f"evt_{MANY // 2:09d}"
ASKED = {
    "the first page": Asked(),
    "a view": Asked("handled"),
    "an empty view": Asked("waiting"),
    "a rare view": Asked("dead"),
    "a later page": Asked("all", "", MIDDLE),
    "a later page of a view": Asked("handled", "", MIDDLE),
    "an event": Asked("all", MIDDLE),
    "a payment": Asked("all", f"pi_{MANY // 10}"),
    "a payment in a view": Asked("handled", f"pi_{MANY // 10}"),
    "a payment in a later page": Asked("handled", f"pi_{MANY // 10}", MIDDLE),
    "an operation": Asked("all", f"op_{MANY // 2}"),
    "nothing": Asked("all", "evt_nothing"),
}
COLUMNS = (
    "id, type, object_id, intent_id, operation_id, api_version, livemode, created_at, received_at,"
    " state, attempts, error, deliveries, replays, replayed_by"
)
STATES = (
    "CASE WHEN i % 1000 = 0 THEN 'dead' WHEN i % 100 = 1 THEN 'orphan'"
    " WHEN i % 10 = 1 THEN 'ignored' ELSE 'handled' END, 1, '', 1, 0, ''"
)
ON_SQLITE = f"""INSERT INTO stripe_event ({COLUMNS})
    WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {MANY})
    SELECT printf('evt_%09d', i), 'charge.captured', 'ch_' || i, 'pi_' || (i / 5),
    CASE WHEN i % 5 = 0 THEN 'op_' || i END, 'v', 0,
    datetime(1764000000 + i, 'unixepoch') || '+00:00',
    datetime(1764000002 + i, 'unixepoch') || '+00:00', {STATES} FROM n"""  # noqa: S608
ON_POSTGRESQL = f"""INSERT INTO stripe_event ({COLUMNS})
    SELECT 'evt_' || lpad(i::text, 9, '0'), 'charge.captured', 'ch_' || i, 'pi_' || (i / 5),
    CASE WHEN i % 5 = 0 THEN 'op_' || i END, 'v', false,
    to_timestamp(1764000000 + i), to_timestamp(1764000002 + i), {STATES}
    FROM generate_series(1, {MANY}) AS i"""  # noqa: S608


async def _asked(engine: Any, monkeypatch: pytest.MonkeyPatch, what: Any) -> list[Any]:
    """The statements that an action sends."""
    seen: list[Any] = []
    run = engine.run_querystring

    async def watched(querystring: Any, *more: Any, **named: Any) -> Any:
        seen.append(querystring)
        return await run(querystring, *more, **named)

    monkeypatch.setattr(engine, "run_querystring", watched)
    await what
    monkeypatch.undo()
    return [one for one in seen if "stripe_event" in str(one)]


async def _plan(engine: Any, statement: Any) -> str:
    explain = "EXPLAIN" if POSTGRESQL else "EXPLAIN QUERY PLAN"
    rows = await engine.run_ddl(f"{explain} {statement}")
    return "\n".join(str(tuple(row.values())[-1]) for row in rows)


def _whole_table(plan: str) -> list[str]:
    lines = [line.strip() for line in plan.splitlines()]
    return [line for line in lines if re.search(r"Seq Scan|SCAN (?!few|.*USING)", line)]


async def test_no_page_and_no_count_reads_the_whole_inbox(monkeypatch: pytest.MonkeyPatch):
    engine: Any = db.engine()
    await engine.run_ddl(ON_POSTGRESQL if POSTGRESQL else ON_SQLITE)
    if POSTGRESQL:
        await engine.run_ddl("ANALYZE stripe_event")
    assert await StripeEvent.count() == MANY
    seen = 0
    for name, what in ASKED.items():
        for statement in await _asked(engine, monkeypatch, deliveries.listed(what)):
            plan = await _plan(engine, statement)
            assert not _whole_table(plan), (name, plan)
            # In the order of an index: nothing but what few rows are alike in is sorted.
            whole_sort = re.search(r"TEMP B-TREE FOR ORDER BY|(?<!Incremental )Sort  \(", plan)
            assert what.q or not whole_sort, (name, plan)
            # Not by the time alone: a view that is empty would walk all the others.
            rare = what.view in ("waiting", "dead")
            assert not rare or "stripe_event_state" in plan, (name, plan)
            # What is looked for is found, and not met on a walk through all of them.
            assert not (what.q and re.search("SCAN|stripe_event_received_at", plan)), (name, plan)
            seen += 1
    for statement in await _asked(engine, monkeypatch, deliveries.counts()):
        plan = await _plan(engine, statement)
        assert not _whole_table(plan), plan
        seen += 1
    assert seen >= len(ASKED) + len(deliveries.VIEWS)


async def test_a_count_ends_where_nobody_counts_any_more():
    await db.engine().run_ddl(ON_POSTGRESQL if POSTGRESQL else ON_SQLITE)
    more = deliveries.MOST_COUNTED + 1
    found = await deliveries.counts()
    assert found == {"all": more, "waiting": 0, "dead": MANY // 1000, "orphan": MANY // 100} | {
        "handled": more,
        "ignored": more,
    }


async def test_every_event_is_on_one_page_also_where_many_came_at_once():
    await db.engine().run_ddl(ON_POSTGRESQL if POSTGRESQL else ON_SQLITE)
    few = StripeEvent.id > f"evt_{MANY - 170:09d}"
    await StripeEvent.delete().where(StripeEvent.id <= f"evt_{MANY - 170:09d}")
    newest = await StripeEvent.select(StripeEvent.received_at).where(few).first()
    await StripeEvent.update({"received_at": newest["received_at"]}).where(
        StripeEvent.id > f"evt_{MANY - 120:09d}"
    )
    seen, after = [], ""
    while True:
        rows, after = await deliveries.listed(Asked("all", "", after))
        seen += [row.id for row in rows]
        if not after:
            break
    assert len(seen) == len(set(seen)) == 170
    # Nonsense for a place begins again.
    rows, _ = await deliveries.listed(Asked("all", "", "evt_nonsense"))
    assert [row.id for row in rows] == seen[:50]
