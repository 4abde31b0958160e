"""A person at the desk, as a browser without scripts sees it: pages, forms, and their fields."""

import re
from dataclasses import dataclass, field
from html import unescape
from html.parser import HTMLParser
from typing import Any

import httpx

from dashboard.staff import auth
from tests.world import PASSWORD, World

HTML = {"Accept": "text/html"}


class _Fields(HTMLParser):
    """The fields of the movement's form, with their values."""

    def __init__(self) -> None:
        super().__init__()
        self.inside = False
        self.found: dict[str, str] = {}

    def handle_starttag(self, tag: str, attributes: Any) -> None:
        given = dict(attributes)
        if tag == "form":
            self.inside = given.get("id") == "movement-form"
        if not self.inside or "name" not in given:
            return
        if tag == "input" and (given.get("type") != "radio" or "checked" in given):
            self.found[given["name"]] = given.get("value") or ""


@dataclass
class Person:
    """A signed-in browser. `htmx` makes its requests look like those of the page's own script."""

    world: World
    browser: httpx.AsyncClient
    email: str
    csrf: str = ""
    headers: dict[str, str] = field(default_factory=lambda: dict(HTML))

    async def page(self, path: str, **more: Any) -> httpx.Response:
        return await self.browser.get(path, headers=self.headers, **more)

    async def form(self, payment_id: int, verb: str) -> dict[str, str]:
        """The fields of the form, as the page gave them."""
        answer = await self.page(f"/holds/{payment_id}/{verb}")
        assert answer.status_code == 200, text(answer)
        return fields(answer)

    async def send(
        self, payment_id: int, verb: str, given: dict[str, str], **headers: str
    ) -> httpx.Response:
        return await self.browser.post(
            f"/holds/{payment_id}/{verb}s", data=given, headers=self.headers | headers
        )

    async def move(self, payment_id: int, verb: str, **typed: str) -> httpx.Response:
        """Open the form, type, press the button. An amount means a part."""
        given = await self.form(payment_id, verb)
        if "amount" in typed:
            # A browser without scripts sends what the button named when the page was made; the
            # look before the press brings it in line.
            given |= {"scope": "part"}
            given.pop("agreed")
        return await self.send(payment_id, verb, given | typed)


async def sign_in(world: World, role: str = "support", name: str = "Ana") -> Person:
    """Somebody with this role, signed in through the page."""
    email = f"{name.lower()}.{role}@example.test"
    await auth.add_staff(email, role, PASSWORD, name)
    transport = world.client._transport
    browser = httpx.AsyncClient(transport=transport, base_url="http://shop.test")
    page = await browser.get("/sign-in", headers=HTML)
    token = hidden(page, "_csrf")
    answer = await browser.post(
        "/sign-in",
        data={"email": email, "password": PASSWORD, "_csrf": token, "next": "/holds"},
        headers=HTML,
    )
    assert answer.status_code == 303, answer.text
    person = Person(world, browser, email)
    # Pages carry it in another dress each time; this is what is behind all of them.
    person.csrf = browser.cookies["holdfast_csrf"]
    return person


def fields(answer: httpx.Response) -> dict[str, str]:
    parser = _Fields()
    parser.feed(answer.text)
    return parser.found


def hidden(answer: httpx.Response, name: str) -> str:
    match = re.search(rf'name="{name}" value="([^"]*)"', answer.text)
    assert match, answer.text[:500]
    return unescape(match[1])


def text(answer: httpx.Response) -> str:
    """What a person reads: without tags, without runs of blanks."""
    bare = re.sub(r"<(script|style|template)\b.*?</\1>|<[^>]+>", " ", answer.text, flags=re.S)
    return re.sub(r"\s+", " ", unescape(bare)).strip()
