"""One timeline of money, messages, system and staff on a hold's page, with filters and notes."""

import re
import uuid
from html import unescape

from dashboard.support.tables import HoldNote
from jobs import mail as post
from tests.web.desk import Person, hidden, sign_in, text
from tests.world import World


def lines(page: str) -> list[str]:
    story = page[page.index('id="story"') : page.index("</ol>", page.index('id="story"'))]
    return [unescape(line) for line in re.findall(r'<div class="said">\s*<p>(.*?)</p>', story)]


async def subject(world: World) -> tuple[Person, int]:
    booked = await world.book()
    ana = await sign_in(world)
    return ana, int((await world.payment(booked["id"])).id)


async def note(ana: Person, payment: int, body: str, key: str = ""):
    given = {"_csrf": ana.csrf, "key": key or str(uuid.uuid4()), "body": body}
    return await ana.browser.post(f"/holds/{payment}/notes", data=given, headers=ana.headers)


async def test_money_messages_and_staff_stand_in_one_story_and_each_can_be_shown_alone(
    world: World,
):
    ana, payment = await subject(world)
    await post.send_mail()
    assert (await note(ana, payment, "Maya called: she comes later.")).status_code == 303
    page = (await ana.page(f"/holds/{payment}")).text
    assert [line.split(":")[0] for line in lines(page)] == ["Reserved", "E-mail", "Note"]
    assert "Maya called: she comes later." in page
    counts = re.findall(r'id="story-(\w+)">\w+ <span class="count">(\d+)</span>', page)
    assert counts == [("all", "3"), ("money", "1"), ("message", "1"), ("staff", "1")]
    for show, found in (("money", "Reserved"), ("message", "E-mail"), ("staff", "Note")):
        alone = (await ana.page(f"/holds/{payment}?show={show}")).text
        assert [line.split(":")[0] for line in lines(alone)] == [found]
    assert len(lines((await ana.page(f"/holds/{payment}?show=nonsense")).text)) == 3


async def test_a_note_is_written_once_however_often_its_form_arrives(world: World):
    ana, payment = await subject(world)
    key = str(uuid.uuid4())
    for _ in range(2):
        assert (await note(ana, payment, "Once", key)).status_code == 303
    other = await note(ana, payment, "Another text", key)
    assert other.status_code == 422
    assert "This form wrote a note before" in text(other)
    assert [(row.author, row.body) for row in await HoldNote.objects()] == [("Ana", "Once")]


async def test_an_empty_or_endless_note_is_refused_with_what_was_typed(world: World):
    ana, payment = await subject(world)
    empty = await note(ana, payment, "  ")
    assert (empty.status_code, "This can't be empty." in text(empty)) == (422, True)
    long = "once <b>more\n" * 1000
    answer = await note(ana, payment, long)
    assert answer.status_code == 422
    kept = re.search(r'<textarea id="desk-note".*?>\n(.*?)</textarea>', answer.text, re.DOTALL)
    assert kept and unescape(kept[1]) == long
    assert 'id="desk-note-fault"' in answer.text and hidden(answer, "key")
    assert await HoldNote.count() == 0


async def test_a_note_is_shown_exactly_as_it_was_typed(world: World):
    ana, payment = await subject(world)
    typed = "<script>alert(1)</script>  two  spaces\nand a line & “quotes”"
    await note(ana, payment, typed)
    page = (await ana.page(f"/holds/{payment}")).text
    shown = re.search(r'<p class="sub text">(.*?)</p>', page, re.DOTALL)
    assert shown and unescape(shown[1]) == typed
    assert "<script>alert" not in page
