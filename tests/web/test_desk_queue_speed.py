"""The queue costs the same however many holds have ended: what it reads, it reads by an index."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from piccolo.querystring import QueryString

from dashboard import clock, db
from dashboard.bookings import outlook, queue
from dashboard.bookings.queue import Filters
from dashboard.payments.tables import Payment, Purchase
from tests.conftest import POSTGRESQL
from tests.web.crowd import crowd
from tests.web.desk import Person, sign_in, text
from tests.world import World

MANY = 4_000
# Tables that grow with every booking; the others are small for ever.
GROWING = (
    "payment|purchase|booking|package|student|operation|payment_events|ticket|stripe_event|message"
)
# Where no index is named, `SEARCH` means that SQLite goes on until it meets a greatest value.
SCANNED = re.compile(
    rf"(?:SCAN (?:{GROWING})\b(?: USING (?:COVERING )?INDEX (\w+))?|SEARCH (?:{GROWING})$)", re.M
)
# The first holds what is disputed now. Of the others one is read as far as an archive is counted.
BOUNDED = ("payment_disputed", "payment_one_current", "payment_of_currency")
READ_WHOLE = re.compile(rf"Seq Scan on (?:{GROWING})\b")
LISTS = (
    "",
    "?view=expiring",
    "?view=person",
    "?view=disputed",
    "?view=failed",
    "?view=all",
    "?status=captured",
    "?expires=24h",
    "?view=all&currency=usd",
    "?view=all&currency=kwd",
    "?view=all&status=captured&currency=kwd",
    "?status=refunded&expires=7d",
    "?q=pi_nobody",
    "?q=4242",
    "?q=P7",
)


@contextmanager
def listening(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[QueryString]]:
    """The statements that reach the database meanwhile."""
    heard: list[QueryString] = []
    engine = type(db.engine())
    run = engine.run_querystring

    async def hear(self: Any, querystring: QueryString, in_pool: bool = False) -> Any:
        heard.append(querystring)
        return await run(self, querystring, in_pool)

    with monkeypatch.context() as patch:
        patch.setattr(engine, "run_querystring", hear)
        yield heard


async def plan(asked: QueryString) -> str:
    """How the database goes about it. PostgreSQL reads a table whole only where no index helps."""
    if db.engine().engine_type == "sqlite":
        rows = await db.engine().run_querystring(QueryString("EXPLAIN QUERY PLAN {}", asked))
        return "\n".join(row["detail"] for row in rows)
    async with db.transaction():
        await db.engine().run_ddl("SET LOCAL enable_seqscan = off")
        rows = await db.engine().run_querystring(QueryString("EXPLAIN {}", asked))
        return "\n".join(row["QUERY PLAN"] for row in rows)


async def many(world: World) -> int:
    """One hold that is open among thousands that are over; answers its id."""
    booking = await world.book()
    await crowd(booking["id"], MANY)
    return int((await world.payment(booking["id"])).id)


async def test_every_list_goes_by_indexes(world: World, monkeypatch: pytest.MonkeyPatch):
    held = await many(world)
    await Purchase.update({"attention": "keeps_failing", "attention_since": clock.now()}).where(
        Purchase.id <= 3
    )
    ana = await sign_in(world)
    for query in (*LISTS, f"?view=all&after=_{held + 2_000}"):
        with listening(monkeypatch) as heard:
            answer = await ana.page(f"/holds{query}")
        assert answer.status_code in (200, 303)
        selects = [one for one in heard if str(one).lstrip().startswith("SELECT")]
        assert len(selects) > 10 or answer.status_code == 303
        for asked in selects:
            way = await plan(asked)
            whole = [one for one in SCANNED.findall(way) if one not in BOUNDED]
            # A walk in the order of an index ends with its page.
            ends = "FOR ORDER BY" not in way and re.search("ORDER BY .* LIMIT|MAX.id. ", str(asked))
            assert ends or not (whole or READ_WHOLE.search(way)), f"{query}\n{asked}\n{way}"


async def test_a_list_costs_the_same_among_thousands_as_among_few(
    world: World, monkeypatch: pytest.MonkeyPatch
):
    """In steps of SQLite's own machine, which no other work on this computer slows down."""
    if POSTGRESQL:
        # It counts no steps; its plans are looked at above.
        return
    monkeypatch.setattr(outlook, "MOST", 50)
    ana = await sign_in(world)
    booking = await world.book()
    await crowd(booking["id"], 400)
    for at, query in enumerate(LISTS[1:11]):
        form = {"_csrf": ana.csrf, "name": f"View {at}", "holds": query[1:]}
        assert (await ana.browser.post("/holds/views", data=form)).status_code == 303
    before = {query: await steps(ana, query) for query in LISTS}
    await crowd(booking["id"], MANY, 1_000)
    for query, few in before.items():
        assert await steps(ana, query) < few * 1.2 + 200, query


async def steps(person: Person, query: str) -> int:
    """So many times ten steps the page takes."""
    pool, count = db.engine()._pools.here(), [0]

    def step() -> None:
        count[0] += 1

    for connection in pool._all:
        await connection.set_progress_handler(step, 10)
    await person.page(f"/holds{query}")
    for connection in pool._all:
        await connection.set_progress_handler(None, 0)
    return count[0]


async def test_a_page_asks_as_often_among_thousands_as_among_few(
    world: World, monkeypatch: pytest.MonkeyPatch
):
    ana = await sign_in(world)
    booking = await world.book()
    with listening(monkeypatch) as few:
        await ana.page("/holds")
    await crowd(booking["id"], MANY)
    with listening(monkeypatch) as heard:
        await ana.page("/holds")
    assert len(heard) == len(few)


async def test_work_is_counted_whole_and_an_archive_up_to_its_bound(
    world: World, monkeypatch: pytest.MonkeyPatch
):
    await many(world)
    failed = await Payment.count().where(Payment.payment_status == "failed")
    lists = [Filters(view=view) for view in ("open", "failed", "all")]
    assert await outlook.numbers(lists, clock.now()) == [1, failed, MANY + 1]
    monkeypatch.setattr("dashboard.findings.MOST", 1_000)
    monkeypatch.setattr(outlook, "MOST", 1_000)
    said = text(await (await sign_in(world)).page("/holds"))
    assert "All open 1 " in said and f"Failed {failed} " in said and "Everything 1,000+" in said


@pytest.mark.parametrize("most", [2, 10_000])
async def test_a_search_finds_the_same_by_either_way(
    world: World, monkeypatch: pytest.MonkeyPatch, most: int
):
    maya = await world.book(student={"name": "Maya Chen"})
    await world.book(student={"name": "Leo Park"}, starts_in=timedelta(days=3))
    package = await world.buy_package(student={"name": "Priya Chen"})
    await crowd(maya["id"], 30)
    monkeypatch.setattr("dashboard.bookings.search.MANY", most)
    ids = (await queue.listed(Filters(view="all", q="chen"), clock.now())).payment_ids
    rows = await Payment.select(Payment.id).where(Payment.purchase != 2)
    assert package and sorted(ids) == sorted(row["id"] for row in rows)
    (number,) = await outlook.numbers([Filters(view="all", q="chen")], clock.now())
    assert number == len(ids) == 32
