"""The pages of the tickets, as a browser without scripts sees them."""

import html
import re
from datetime import timedelta

import httpx
import pytest

from dashboard.support import queries
from dashboard.support.tables import Ticket, TicketNote
from tests.web.desk import Person, fields, sign_in, text
from tests.world import World

TYPED = "Why <b>twice</b>?\n\tA & B, “ça” 👩‍👧 \u00a0end"


async def held(world: World) -> tuple[Person, int]:
    booking = await world.book()
    return await sign_in(world), int((await world.payment(booking["id"])).id)


async def send(ana: Person, path: str, data: dict[str, str]) -> httpx.Response:
    return await ana.browser.post(path, data=data, headers=ana.headers)


async def blank(ana: Person, payment_id: int) -> dict[str, str]:
    """The fields of the form that opens a ticket from a hold's page."""
    found = re.search(
        r'href="([^"]+)">Open a ticket', (await ana.page(f"/holds/{payment_id}")).text
    )
    assert found
    page = await ana.page(html.unescape(found[1]))
    return fields(page) | {"topic": "hold"}


async def opened(ana: Person, payment_id: int, **typed: str) -> str:
    """Open a ticket from the hold's page; its address."""
    given = {"subject": "Charged twice?", "body": TYPED} | typed
    answer = await send(ana, "/tickets/new", await blank(ana, payment_id) | given)
    assert answer.status_code == 303, text(answer)
    return str(answer.headers["Location"])


async def work(
    ana: Person, path: str, deed: str, form: str = "notes", **typed: str
) -> httpx.Response:
    """Open the ticket, type, press one of the buttons."""
    given = fields(await ana.page(path)) | {"deed": deed} | typed
    return await send(ana, f"{path}/{form}", given)


async def test_a_ticket_is_opened_from_a_hold_and_stands_beside_it_everywhere(world: World):
    ana, payment_id = await held(world)
    path = await opened(ana, payment_id)
    assert path == "/tickets/1"
    page = await ana.page(path)
    assert html.escape(TYPED, quote=False) in page.text and "Maya Chen" in text(page)
    row = await queries.ticket(1)
    assert (row.payment, row.booking, row.opened_by) == (payment_id, 1, "Ana")
    queue, hold = await ana.page("/holds"), await ana.page(f"/holds/{payment_id}")
    assert "Ticket T1 is open: Charged twice?" in text(queue)
    assert "Ticket T1 opened: Charged twice?" in text(hold)
    assert "T1 Charged twice? Open for" in text(hold)
    assert "1 ticket is open; it waits for" in text(await ana.page("/tickets"))
    assert f'href="/holds/{payment_id}/automation"' in page.text


async def test_its_notes_and_its_end_stand_in_the_holds_story_in_order_of_time(world: World):
    ana, payment_id = await held(world)
    path = await opened(ana, payment_id)
    await world.advance(timedelta(minutes=5))
    assert (await work(ana, path, "note", body=TYPED)).status_code == 303
    await world.advance(timedelta(minutes=5))
    moved = await ana.move(payment_id, "release", reason="requested_by_customer")
    assert moved.status_code == 303
    await world.advance(timedelta(minutes=5))
    assert (await work(ana, path, "closed", body="It was released.")).status_code == 303
    said = text(await ana.page(f"/holds/{payment_id}"))
    story = said[said.index("What happened") :]
    places = [story.index(part) for part in ("T1 opened", "T1 note", "Released", "T1 closed")]
    assert places == sorted(places)
    assert "It was released." in story
    assert "Ticket T1" not in text(await ana.page("/holds?view=all"))
    assert "No ticket is open; 1 is closed" in text(await ana.page("/tickets"))


async def test_what_was_typed_is_kept_on_an_error_and_the_fault_stands_at_its_field(world: World):
    ana, payment_id = await held(world)
    given = await blank(ana, payment_id)
    for wrong, at in (
        ({"subject": " ", "body": TYPED}, "subject"),
        ({"subject": "s", "body": ""}, "body"),
        ({"subject": "s", "body": TYPED, "topic": "money"}, "topic"),
        ({"subject": "s", "body": TYPED + "\x07"}, "body"),
    ):
        answer = await send(ana, "/tickets/new", given | wrong)
        assert answer.status_code == 422
        assert f'id="{at}-fault"' in answer.text and f'aria-describedby="{at}-fault"' in answer.text
        if wrong["body"] == TYPED:
            assert html.escape(TYPED, quote=False) in answer.text
    assert await Ticket.count() == 0


async def test_a_form_that_arrives_twice_opens_one_ticket_and_another_text_is_not_lost(
    world: World,
):
    ana, payment_id = await held(world)
    given = await blank(ana, payment_id) | {"subject": "s", "body": "first"}
    answers = [await send(ana, "/tickets/new", given) for _ in range(2)]
    assert [answer.headers["Location"] for answer in answers] == ["/tickets/1", "/tickets/1"]
    again = await send(ana, "/tickets/new", given | {"body": "second"})
    assert again.status_code == 409 and "second" in again.text
    fresh = fields(again) | {"topic": "hold", "body": "second"}
    assert (await send(ana, "/tickets/new", fresh)).headers["Location"] == "/tickets/2"


async def test_of_two_tabs_the_stale_one_is_refused_with_fresh_state_and_its_text(world: World):
    ana, payment_id = await held(world)
    bo = await sign_in(world, name="Bo")
    path = await opened(ana, payment_id)
    stale = fields(await ana.page(path)) | {"deed": "waiting", "body": TYPED}
    assert (await work(bo, path, "closed")).status_code == 303
    answer = await send(ana, f"{path}/notes", stale)
    said = text(answer)
    assert answer.status_code == 409
    assert "Bo changed this ticket" in said and "Closed" in said and "Open again" in said
    assert html.escape(TYPED, quote=False) in answer.text
    assert (await queries.ticket(1)).status == "closed"
    # The page that came back is fresh: the same button works from it.
    again = fields(answer) | {"deed": "open", "body": TYPED}
    assert (await send(ana, f"{path}/notes", again)).status_code == 303
    assert (await queries.ticket(1)).status == "open"


async def test_a_note_is_written_from_an_old_page_since_it_contradicts_nothing(world: World):
    ana, payment_id = await held(world)
    path = await opened(ana, payment_id)
    old = fields(await ana.page(path)) | {"deed": "note", "body": "x"}
    assert (await work(ana, path, "closed")).status_code == 303
    assert [(await send(ana, f"{path}/notes", old)).status_code for _ in range(2)] == [303, 303]
    assert await TicketNote.count() == 3
    other = await send(ana, f"{path}/notes", old | {"body": "y"})
    assert other.status_code == 409 and "with another text" in text(other)


async def test_it_is_sorted_and_linked_and_says_what_it_counts_as(world: World):
    ana, payment_id = await held(world)
    path = await opened(ana, payment_id)
    assert (await work(ana, path, "", "topic", topic="refund")).status_code == 303
    said = text(await ana.page(path))
    assert "Sorted under refund" in said and "counted, as hold" in said
    second = await world.book(student={"name": "Theo Lind", "email": "theo@example.test"})
    answer = await work(ana, path, "", "link", about=f"#{second['id']}")
    assert answer.status_code == 303 and "Theo Lind" in text(await ana.page(path))
    assert "Ticket T1" not in text(await ana.page(f"/holds/{payment_id}"))
    wrong = await work(ana, path, "", "link", about="#999")
    assert wrong.status_code == 422 and 'value="#999"' in wrong.text
    assert (await work(ana, path, "", "link", about="theo@example.test")).status_code == 303
    assert (await queries.ticket(1)).payment is None
    assert (await work(ana, path, "", "link", about="")).status_code == 303
    assert "Nobody named" in text(await ana.page(path))


async def test_a_viewer_reads_and_is_offered_nothing(world: World):
    ana, payment_id = await held(world)
    path = await opened(ana, payment_id)
    viewer = await sign_in(world, "viewer", "Vera")
    page = await viewer.page(path)
    assert page.status_code == 200 and "Charged twice?" in page.text
    assert "/notes" not in page.text and "Close the ticket" not in page.text
    for address in (f"/holds/{payment_id}", "/tickets"):
        assert "Open a ticket" not in (await viewer.page(address)).text
    form = {"_csrf": viewer.csrf, "deed": "closed", "shown": "0", "body": ""}
    assert (await send(viewer, f"{path}/notes", form)).status_code == 403


async def test_the_list_says_what_was_found_and_keeps_its_filters(world: World):
    ana, payment_id = await held(world)
    assert "No ticket was opened yet" in text(await ana.page("/tickets"))
    for number in range(52):
        await opened(ana, payment_id, subject=f"Question {number}", topic="charge")
    await world.advance(timedelta(days=3, hours=4, minutes=1))
    page = await ana.page("/tickets?topic=charge&q=question")
    assert "52 tickets are open; the oldest waits for 3 d 4 h" in text(page)
    assert len(re.findall(r'id="ticket-\d+"', page.text)) == 50
    more = re.search(r'href="(/tickets\?[^"]*after=[^"]+)">Next', page.text)
    assert more
    rest = await ana.page(html.unescape(more[1]))
    assert len(re.findall(r'id="ticket-\d+"', rest.text)) == 2 and "Back to the first" in rest.text
    assert "No tickets match" in text(await ana.page("/tickets?q=nothing+like+it"))
    assert "Nobody waits for us" not in text(page)


@pytest.mark.parametrize(
    "path", ["/tickets/99", "/tickets/99999999999999999999", "/tickets/new?hold=99"]
)
async def test_what_is_not_there_is_a_404(world: World, path: str):
    ana = await sign_in(world)
    assert (await ana.page(path)).status_code == 404


async def test_hostile_words_stay_words(world: World):
    ana, payment_id = await held(world)
    evil = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>"
    path = await opened(ana, payment_id, subject=evil, body=evil)
    for address in (path, "/tickets", "/holds", f"/holds/{payment_id}"):
        page = await ana.page(address)
        assert "<script>alert" not in page.text and "<img src=x" not in page.text
        assert "alert(1)" in page.text
