"""Nonsense in every field of every form: a clear refusal, and nothing has changed."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from html.parser import HTMLParser
from typing import Any

import httpx
import pytest

from dashboard.bookings.tables import Booking, Package, Redemption
from dashboard.payments.tables import Operation, Payment, PaymentEvent, Purchase
from dashboard.support.tables import Ticket, TicketNote
from tests.web.desk import HTML, Person, sign_in
from tests.web.paying import Student
from tests.web.test_tickets import opened
from tests.world import World

# A number where a word is due, a word where a number is; too long, too large, unprintable, foreign.
NONSENSE = (
    "",
    " ",
    "-1",
    "0",
    "1e309",
    "NaN",
    "٣",
    "99999999999999999999999",
    "1.005",
    "x" * 20_000,
    "a\x00b",
    "a\u202eb",
    "<script>alert(1)</script>",
    "'; DROP TABLE payment; --",
    "2027-02-30T10:00",
    "00000000-0000-4000-8000-00000000000g",
)
# The sandbox moves no money of anybody's; a few of them show whether it breaks.
ROUGH = ("1e309", "a\x00b")
# No words are these.
UNKEPT = ("a\x00b",)
# These may be any words: what is typed there is kept as it is, or is looked for; a way back that is
# none of ours is not taken.
FREE = {"body", "note", "reason", "subject", "q", "name", "by", "back", "_csrf"}
GUARDS = {"authorized", "captured", "refunded", "most", "agreed"}
MONEY = (Payment, Purchase, PaymentEvent, Operation, Booking, Package, Redemption)
TICKETS = (Ticket, TicketNote)


@dataclass
class Form:
    """A form as a browser would send it; `buttons` are the choices of its last press."""

    action: str
    method: str
    fields: dict[str, str] = field(default_factory=dict)
    buttons: list[tuple[str, str]] = field(default_factory=list)


class _Forms(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[Form] = []
        self._select = self._area = ""
        self._open = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            self._open = True
            self.found.append(Form(given.get("action", ""), given.get("method", "get")))
        elif self._open:
            self._take(tag, given)

    def _take(self, tag: str, given: dict[str, str]) -> None:
        form, name = self.found[-1], given.get("name", "")
        if tag == "button" and name:
            form.buttons.append((name, given.get("value", "")))
        elif tag == "select":
            self._select = name
            form.fields.setdefault(name, "")
        elif (
            tag == "option"
            and self._select
            and ("selected" in given or not form.fields[self._select])
        ):
            form.fields[self._select] = given.get("value", "")
        elif tag == "textarea":
            form.fields[name] = ""
        elif tag == "input" and name:
            radio = given.get("type") in ("radio", "checkbox") and "checked" not in given
            if not radio or name not in form.fields:
                form.fields[name] = given.get("value", "")

    def handle_endtag(self, tag: str) -> None:
        if tag == "select":
            self._select = ""
        if tag == "form":
            self._open = False


def forms(answer: httpx.Response) -> list[Form]:
    parser = _Forms()
    parser.feed(answer.text)
    outside = ("/sign-out", "/theme")
    return [one for one in parser.found if one.method == "post" and one.action not in outside]


def spoiled(form: Form) -> Iterator[tuple[str, str, dict[str, str]]]:
    """The form with one field spoiled at a time, each of its buttons pressed."""
    presses = form.buttons or [("", "")]
    for button, value in presses:
        whole = form.fields | ({button: value} if button else {})
        for name in whole:
            for nonsense in NONSENSE:
                yield name, nonsense, whole | {name: nonsense}


async def rows(tables: tuple[type[Any], ...]) -> list[Any]:
    return [await table.select().order_by(table.id) for table in tables]


async def attack(
    browser: httpx.AsyncClient, headers: dict[str, str], form: Form, tables: tuple[type[Any], ...]
) -> list[str]:
    """What went wrong: a fault of ours, or a change by what has no meaning."""
    wrong: list[str] = []
    before = await rows(tables)
    for name, nonsense, data in spoiled(form):
        unused = name == "amount" and data.get("scope") == "all"
        true = name in GUARDS and nonsense == "0"
        if (name in FREE and nonsense not in UNKEPT) or unused or true:
            continue
        answer = await browser.post(form.action, data=data, headers=headers)
        told = f"{form.action} {name}={nonsense[:30]!r}: {answer.status_code}"
        if answer.status_code >= 500:
            wrong.append(told)
        after = await rows(tables)
        if after != before:
            wrong.append(f"{told} changed something")
            before = after
    return wrong


async def desk(world: World, ana: Person) -> dict[str, str]:
    """Something of everything, and the page where each of it is worked."""
    world.sandbox.next_authorization(6 * 24 * 3600)
    held = await world.book(timedelta(days=1))
    payment = int((await world.payment(held["id"])).id)
    bought = await world.buy_package()
    sold = (await Package.select(Package.id).first())["id"]
    ticket = await opened(ana, payment)
    charged = int((await world.payment(bought["id"])).id)
    return {
        "capture": f"/holds/{payment}/capture",
        "release": f"/holds/{payment}/release",
        "automation": f"/holds/{payment}/automation",
        "refund": f"/holds/{charged}/refund",
        "package": f"/packages/{sold}/refunds",
        "ticket": ticket,
        "new ticket": f"/tickets/new?hold={payment}",
    }


PAGES = ("capture", "release", "automation", "refund", "package", "ticket", "new ticket")


@pytest.mark.parametrize("name", PAGES)
async def test_nonsense_in_a_form_of_the_desk_moves_nothing(world: World, name: str):
    ana = await sign_in(world, "finance")
    pages = await desk(world, ana)
    found = forms(await ana.page(pages[name]))
    assert found, name
    # A key or a version that is none is a fresh one or an old one; neither moves money.
    tables = MONEY if "ticket" in name else (*MONEY, *TICKETS)
    wrong: list[str] = []
    for form in found:
        wrong += await attack(ana.browser, ana.headers, form, tables)
    assert not wrong, "\n".join(wrong)


async def test_nonsense_on_the_sandboxs_page_breaks_nothing(world: World):
    ana = await sign_in(world, "admin")
    await desk(world, ana)
    wrong: list[str] = []
    shown = forms(await ana.page("/sandbox"))
    for form in {re.sub(r"\d+", "", one.action): one for one in shown}.values():
        for name, nonsense, data in spoiled(form):
            if nonsense not in ROUGH:
                continue
            answer = await ana.browser.post(form.action, data=data, headers=ana.headers)
            if answer.status_code >= 500:
                wrong.append(f"{form.action} {name}={nonsense[:30]!r}: {answer.status_code}")
    assert not wrong, "\n".join(wrong)


async def test_nonsense_on_a_students_page_charges_nothing(world: World):
    answer = await world.post_booking(payment_method="pm_card_chargeDeclined")
    student = Student(world, int(answer.json()["booking"]["id"]))
    found = forms(await student.look())
    assert found
    calls = len(world.money_calls("/payment_intents"))
    wrong: list[str] = []
    for form in found:
        for name, nonsense, data in spoiled(form):
            if name != "key":
                given = data | {"key": form.fields.get("key", "")}
                path = form.action or student.path
                answer = await world.client.post(path, data=given, headers=HTML)
                if answer.status_code >= 500:
                    wrong.append(f"{path} {name}={nonsense[:30]!r}: {answer.status_code}")
    assert not wrong, "\n".join(wrong)
    assert len(world.money_calls("/payment_intents")) <= calls + 1


@pytest.mark.parametrize("number", ["0", "999999", "99999999999999999999999", "-1", "x", "٣"])
async def test_a_page_of_something_that_is_not_there_says_so(world: World, number: str):
    ana = await sign_in(world, "finance")
    for path in (
        f"/holds/{number}",
        f"/holds/{number}/what-if",
        f"/holds/{number}/automation",
        f"/holds/{number}/waive",
        f"/packages/{number}",
        f"/tickets/{number}",
        f"/tickets/new?hold={number}",
        f"/mail/{number}",
        f"/webhooks/{number}",
        f"/webhooks/{number}/dry-run",
    ):
        answer = await ana.page(path)
        assert answer.status_code in (404, 200 if "new" in path else 404), f"{path} {answer}"


@pytest.mark.parametrize("given", NONSENSE)
async def test_what_if_takes_nonsense_for_a_question_it_can_not_answer(world: World, given: str):
    booked = await world.book()
    ana = await sign_in(world)
    payment = (await world.payment(booked["id"])).id
    for name in ("at", "who", "what", "when"):
        answer = await ana.page(f"/holds/{payment}/what-if", params={name: given})
        assert answer.status_code < 500, (name, given)


@pytest.mark.parametrize(
    "path",
    ["/holds?q=", "/tickets?q=", "/mail?q=", "/webhooks?q=", "/audit?who=", "/sign-in?next="],
)
async def test_a_query_that_no_database_keeps_is_refused(world: World, path: str):
    ana = await sign_in(world, "admin")
    for given in ("%00", "a%00b", "x&a%00=1"):
        answer = await ana.page(path + given)
        assert answer.status_code == 422
        assert "That can’t be taken as it is" in answer.text
