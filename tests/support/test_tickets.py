"""Tickets: opened once, worked by several people at once, and never silently rewritten."""

import asyncio
from datetime import timedelta

import pytest

from dashboard import clock, db
from dashboard.bookings.errors import BadOrder, KeyReused
from dashboard.payments.actors import Actor
from dashboard.support import actions, links, queries
from dashboard.support.actions import Opening, Word
from dashboard.support.errors import NoSuchTicket, Stale
from dashboard.support.queries import Asked, asked
from dashboard.support.tables import Ticket, TicketNote
from tests.world import ANA, World

BO = Actor("Bo", "staff", 2)
TYPED = "Why <b>twice</b>?\n\tA & B, “ça” 👩‍👧 \u00a0end  "


async def opened(subject: str = "Charged twice?", topic: str = "hold", **more: object) -> int:
    about = more.pop("about", links.NOTHING)
    opening = Opening(topic, subject, TYPED, about, ANA, **more)  # type: ignore[arg-type]
    return await actions.open_ticket(opening)


async def kinds(ticket_id: int) -> list[str]:
    return [one.kind for one in await queries.entries([ticket_id])]


@pytest.mark.usefixtures("database")
async def test_what_was_typed_comes_back_exactly():
    made = await opened()
    await actions.note(made, Word(BO, None, TYPED))
    first, second = await queries.entries([made])
    assert (first.kind, first.author, first.body) == ("opened", "Ana", TYPED)
    assert (second.kind, second.author, second.body) == ("note", "Bo", TYPED)
    row = await queries.ticket(made)
    assert (row.status, row.topic, row.opened_topic) == ("open", "hold", "hold")
    assert row.opened_at == row.status_since <= first.written_at


@pytest.mark.usefixtures("database")
async def test_a_ticket_that_is_sent_twice_is_opened_once():
    async def send() -> int:
        return await opened(key="one", body_hash="a")

    assert len(set(await asyncio.gather(*(db.spawn(send(), name="send") for _ in range(5))))) == 1
    assert (await Ticket.count(), await TicketNote.count()) == (1, 1)
    with pytest.raises(KeyReused):
        await opened(key="one", body_hash="b")


@pytest.mark.usefixtures("database")
@pytest.mark.parametrize(
    ("field", "topic", "subject", "body"),
    [
        ("topic", "money", "s", "b"),
        ("subject", "hold", " ", "b"),
        ("subject", "hold", "x" * 201, "b"),
        ("subject", "hold", "two\nlines", "b"),
        ("body", "hold", "s", ""),
        ("body", "hold", "s", "x" * 10_001),
        ("body", "hold", "s", "a\x00b"),
        ("body", "hold", "s", "\u202e00.69$"),
    ],
)
async def test_what_can_not_be_a_ticket_is_named_and_stores_nothing(
    field: str, topic: str, subject: str, body: str
):
    with pytest.raises(BadOrder) as caught:
        await actions.open_ticket(Opening(topic, subject, body, links.NOTHING, ANA))
    assert [name for name, _ in caught.value.faults] == [field]
    assert await Ticket.count() == 0


@pytest.mark.usefixtures("database")
async def test_it_is_closed_opened_again_and_let_wait_with_its_story():
    made = await opened()
    await actions.turn(made, "waiting", Word(ANA, "k1", "asked the bank", 0))
    await actions.turn(made, "closed", Word(BO, "k2", "", 1))
    closed = await queries.ticket(made)
    assert (closed.status, closed.version) == ("closed", 2) and closed.closed_at is not None
    await actions.turn(made, "open", Word(ANA, "k3", "", 2))
    again = await queries.ticket(made)
    assert (again.status, again.closed_at) == ("open", None)
    assert again.status_since > again.opened_at
    assert await kinds(made) == ["opened", "waiting", "closed", "reopened"]


@pytest.mark.usefixtures("database")
async def test_what_an_old_page_asks_for_is_refused_and_leaves_no_entry():
    made = await opened()
    await actions.turn(made, "closed", Word(BO, "bo", "", 0))
    for ask in (
        actions.turn(made, "waiting", Word(ANA, "ana", "typed", 0)),
        actions.sort(made, "refund", Word(ANA, "ana", "", 0)),
        actions.link(made, links.NOTHING, "#1", Word(ANA, "ana", "", 0)),
        # Not of an old page, but it says nothing new.
        actions.turn(made, "closed", Word(ANA, "ana", "", 1)),
    ):
        with pytest.raises(Stale):
            await ask
    assert await kinds(made) == ["opened", "closed"]
    assert (await queries.ticket(made)).topic == "hold"


@pytest.mark.usefixtures("database")
async def test_of_two_people_at_once_one_is_refused_and_a_double_click_counts_once():
    made = await opened()
    words = [Word(ANA, "ana", "", 0), Word(ANA, "ana", "", 0), Word(BO, "bo", "", 0)]
    tasks = [db.spawn(actions.turn(made, "closed", word), name="turn") for word in words]
    ended = await asyncio.gather(*tasks, return_exceptions=True)
    assert (await queries.ticket(made)).version == 1
    assert await kinds(made) == ["opened", "closed"]
    assert sum(isinstance(one, Stale) for one in ended) in (1, 2)


@pytest.mark.usefixtures("database")
async def test_a_note_whose_text_changed_after_it_was_sent_is_not_swallowed():
    made = await opened()
    await actions.note(made, Word(ANA, "key", "first"))
    await actions.note(made, Word(ANA, "key", "first"))
    with pytest.raises(KeyReused):
        await actions.note(made, Word(ANA, "key", "second"))
    assert await kinds(made) == ["opened", "note"]


@pytest.mark.usefixtures("database")
async def test_the_topic_at_the_opening_stays_whatever_it_is_sorted_under():
    made = await opened(topic="hold")
    await actions.sort(made, "refund", Word(BO, None, "", 0))
    row = await queries.ticket(made)
    assert (row.topic, row.opened_topic) == ("refund", "hold")
    entry = (await queries.entries([made]))[-1]
    assert (entry.kind, entry.author, entry.detail) == ("topic", "Bo", "refund")


@pytest.mark.usefixtures("database")
async def test_a_ticket_that_is_not_there_can_not_be_worked():
    for ask in (
        actions.note(7, Word(ANA, None, "x")),
        actions.turn(7, "closed", Word(ANA, None)),
        queries.ticket(7),
        queries.ticket(2**70),
    ):
        with pytest.raises(NoSuchTicket):
            await ask


async def test_a_link_finds_student_booking_and_payment(world: World):
    booked = await world.book()
    payment = await world.payment(booked["id"])
    whole = links.Link(booked["student"]["id"], booked["id"], payment.id)
    assert await links.of_payment(payment.id) == whole
    assert await links.of_booking(booked["id"]) == whole
    assert await links.named(f" #{booked['id']} ") == whole
    assert await links.named(str(payment.stripe_intent_id)) == whole
    package = await world.buy_package()
    found = await links.named(f"P{package['package_id']}")
    assert found.payment == (await world.payment(package["id"])).id
    await opened(about=whole)
    assert list(await queries.of_purchases([payment.purchase, 999])) == [payment.purchase]


@pytest.mark.usefixtures("database")
@pytest.mark.parametrize("text", ["#999", "nobody@example.test", "P9", "pi_none", "Maya", "", "²"])
async def test_what_names_nothing_is_refused(text: str):
    with pytest.raises(BadOrder):
        await links.named(text)


@pytest.mark.usefixtures("database")
async def test_whoever_waits_longest_stands_first_and_a_page_goes_on_where_one_ended():
    made = [await opened(f"number {n}") for n in range(120)]
    # A ticket that was opened again waits since then.
    await actions.turn(made[0], "closed", Word(ANA, None, "", 0))
    await actions.turn(made[0], "open", Word(ANA, None, "", 1))
    wanted = [*made[1:], made[0]]
    for asked_for, order in ((Asked("open"), wanted), (Asked("all"), made[::-1])):
        seen: list[int] = []
        after = ""
        for _ in range(3):
            what = Asked(asked_for.view, after=after)
            rows, after = await queries.listed(what)
            seen += [row.id for row in rows]
        assert (seen, after) == (order, "")


@pytest.mark.usefixtures("database")
async def test_a_list_is_narrowed_by_status_topic_and_text():
    one = await opened("A 100% riddle", "refund")
    two = await opened("Something", "hold")
    await actions.turn(two, "closed", Word(ANA, None, "", 0))

    async def found(**given: str) -> list[int]:
        return [row.id for row in (await queries.listed(asked(given)))[0]]

    assert await found() == [one]
    assert await found(view="closed") == [two]
    assert await found(view="all", topic="refund") == [one]
    assert await found(q="100%") == [one]
    assert await found(q="thing") == [two]
    assert await found(q=f"T{two}") == [two]
    assert await found(q="ana") == [two, one]
    assert await found(view="nonsense", topic="x", after="_²") == [one]
    assert await queries.counts() == {"open": 1, "waiting": 0, "closed": 1, "all": 2}
    since = await queries.longest("open")
    assert since is not None and clock.now() - since < timedelta(minutes=1)
    assert await queries.longest("waiting") is None
