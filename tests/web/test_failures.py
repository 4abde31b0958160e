"""Each failure has a page and words of its own, loses nothing that was typed, and can be named."""

import re
import uuid
from html import unescape

import httpx
import pytest
import structlog

from dashboard import db
from dashboard.staff.tables import StaffSession
from dashboard.support import notes
from dashboard.support.tables import HoldNote
from dashboard.web import outages, queue_page
from tests.web.desk import Person, sign_in, text
from tests.world import World

OURS = {"Sec-Fetch-Site": "same-origin"}
HTMX = {"HX-Request": "true", "HX-Target": "dialog-body"}
TYPED = 'She said: "later" & <b>left</b>\n— twice'


@pytest.fixture(autouse=True)
def nothing_missed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outages, "_missed", {})


async def held(world: World) -> int:
    return int((await world.payment((await world.book())["id"])).id)


async def note(ana: Person, payment: int, headers: dict[str, str], **more: str) -> httpx.Response:
    given = {"_csrf": ana.csrf, "key": str(uuid.uuid4()), "body": TYPED} | more
    path = f"/holds/{payment}/notes"
    return await ana.browser.post(path, data=given, headers=ana.headers | headers)


def carried(answer: httpx.Response) -> dict[str, str]:
    """The fields of the form that sends it again."""
    start = answer.text.index('class="fields resend"')
    form = answer.text[start : answer.text.index("</form>", start)]
    found = re.findall(r'<input type="hidden" name="([^"]*)" value="([^"]*)">', form)
    return {name: unescape(value) for name, value in found}


async def test_an_ended_session_keeps_what_was_typed_until_it_is_sent_again(world: World):
    payment, ana = await held(world), await sign_in(world)
    await StaffSession.delete(force=True)
    answer = await note(ana, payment, OURS)
    assert answer.status_code == 401
    assert "Your session has ended, and nothing was done." in text(answer)
    shown = re.search(r'<dd class="text">(.*?)</dd>', answer.text, re.DOTALL)
    assert shown and unescape(shown[1]) == TYPED
    again = carried(answer)
    assert again["body"] == TYPED and "password" not in again
    # Signed in anew, in another tab of the same browser: the old page's form is told so, once.
    new = await sign_in(world, name="Anna")
    new.browser.headers.update(OURS)
    late = await new.browser.post(f"/holds/{payment}/notes", data=again, headers=new.headers)
    assert (late.status_code, "This form is out of date" in text(late)) == (403, True)
    assert await HoldNote.count() == 0
    sent = await new.browser.post(
        f"/holds/{payment}/notes", data=carried(late), headers=new.headers
    )
    assert sent.status_code == 303
    [row] = await HoldNote.objects()
    assert row.body == TYPED


@pytest.mark.parametrize("site", [{}, {"Sec-Fetch-Site": "cross-site"}, {"Origin": "https://x.y"}])
async def test_another_site_s_form_is_never_offered_to_be_sent_again(
    world: World, site: dict[str, str]
):
    payment, ana = await held(world), await sign_in(world)
    answer = await note(ana, payment, site, _csrf="forged")
    assert answer.status_code == 403
    assert "resend" not in answer.text and ana.csrf not in answer.text.split("sign-out")[0]
    partial = await note(ana, payment, site | HTMX, _csrf="forged")
    assert partial.status_code == 403
    assert "X-CSRF-Token" not in partial.headers
    assert await HoldNote.count() == 0


@pytest.mark.parametrize("trouble", ["unexpected", "database"])
async def test_a_failure_in_the_middle_keeps_what_was_typed_and_it_can_go_again(
    world: World, monkeypatch: pytest.MonkeyPatch, trouble: str
):
    payment, ana = await held(world), await sign_in(world)

    async def fail(*_: object) -> None:
        raise db.DatabaseUnreachable("disk") if trouble == "database" else ZeroDivisionError

    with monkeypatch.context() as broken:
        broken.setattr(notes, "write", fail)
        with structlog.testing.capture_logs(
            processors=[structlog.contextvars.merge_contextvars]
        ) as lines:
            answer = await note(ana, payment, OURS)
    assert answer.status_code == (503 if trouble == "database" else 500)
    name = re.search(r"Request <code>(\w+)</code>", answer.text)
    assert name and name[1] == answer.headers["x-request-id"]
    told = [line for line in lines if line["event"] in ("web.failed", "web.unavailable")]
    assert [line["request_id"] for line in told] == [name[1]]
    again = carried(answer)
    assert again["body"] == TYPED
    sent = await ana.browser.post(f"/holds/{payment}/notes", data=again, headers=ana.headers)
    assert sent.status_code == 303
    assert await HoldNote.count() == 1


async def test_for_a_dialog_the_error_goes_beside_the_form_and_never_in_its_place(
    world: World, monkeypatch: pytest.MonkeyPatch
):
    payment, ana = await held(world), await sign_in(world)
    answers = [await ana.browser.get("/holds/999999/capture", headers=HTMX)]

    async def fail(*_: object) -> None:
        raise ZeroDivisionError

    with monkeypatch.context() as broken:
        broken.setattr(notes, "write", fail)
        answers.append(await note(ana, payment, HTMX | OURS))
    answers.append(await note(ana, payment, HTMX | OURS, _csrf="old"))
    assert answers[-1].headers["X-CSRF-Token"] == ana.csrf
    await StaffSession.delete(force=True)
    answers.append(await note(ana, payment, HTMX | OURS))
    answers.append(await ana.browser.get(f"/holds/{payment}/capture", headers=HTMX))
    assert [one.status_code for one in answers] == [404, 500, 403, 401, 401]
    for answer in answers:
        assert answer.headers["HX-Retarget"] == "#dialog-trouble"
        assert answer.headers["HX-Reswap"] == "innerHTML"
        assert "HX-Redirect" not in answer.headers
        assert answer.headers["x-request-id"] in answer.text
    elsewhere = await ana.browser.get("/holds/1", headers={"HX-Request": "true"})
    assert elsewhere.headers["HX-Retarget"] == "#trouble"
    assert 'target="_blank"' in elsewhere.text


async def test_every_trouble_has_words_of_its_own(world: World, monkeypatch: pytest.MonkeyPatch):
    ana, vera = await sign_in(world), await sign_in(world, "viewer", "Vera")
    payment = await held(world)
    said = {
        "empty": await ana.page("/holds?view=failed"),
        "no match": await ana.page("/holds?q=nobody"),
        "missing": await ana.page("/holds/999999"),
        "role": await vera.page(f"/holds/{payment}/capture"),
        "forged": await note(ana, payment, {}, _csrf="x"),
        "method": await ana.browser.delete("/holds", headers=ana.headers),
    }
    for name, error in (
        ("database", db.DatabaseUnreachable("disk I/O error")),
        ("unexpected", ZeroDivisionError()),
    ):

        async def fail(*_: object, error: Exception = error) -> None:
            raise error

        with monkeypatch.context() as broken:
            broken.setattr(queue_page, "queue_context", fail)
            said[name] = await ana.page("/holds")
    for _ in range(61):
        tried = {"email": "x@y.test", "password": "x", "_csrf": "x"}
        said["too many"] = await ana.browser.post("/sign-in", data=tried, headers=ana.headers)
    await StaffSession.delete(force=True)
    said["signed out"] = await note(ana, payment, OURS)
    statuses = {name: answer.status_code for name, answer in said.items()}
    assert statuses == {
        "empty": 200,
        "no match": 200,
        "missing": 404,
        "role": 403,
        "forged": 403,
        "method": 405,
        "database": 503,
        "unexpected": 500,
        "too many": 429,
        "signed out": 401,
    }
    bodies = {name: _words(answer) for name, answer in said.items()}
    assert len(set(bodies.values())) == len(bodies), bodies
    for name in statuses.keys() - {"empty", "no match"}:
        assert said[name].headers["x-request-id"] in said[name].text, name


def _words(answer: httpx.Response) -> str:
    inner = re.search(r'<section class="failure">(.*?)</p>', answer.text, re.DOTALL)
    empty = re.search(r'<p class="empty">(.*?)</p>', answer.text, re.DOTALL)
    found = inner or empty
    assert found, text(answer)
    return re.sub(r"<[^>]+>|\s+", " ", found[1])
