"""What a visit to the desk weighs: answers are packed, files are kept, no secret leaks by it."""

import re

import httpx
import pytest

from dashboard.web import pages
from tests.web.crowd import crowd
from tests.web.desk import HTML, Person, hidden, sign_in
from tests.world import World

PACKED = {"Accept-Encoding": "gzip", **HTML}
BUDGET = 60_000


async def weigh(person: Person, path: str, headers: dict[str, str]) -> tuple[httpx.Response, int]:
    """The answer, and the bytes of its body as they went over the line."""
    async with person.browser.stream("GET", path, headers=headers) as answer:
        await answer.aread()
        return answer, answer.num_bytes_downloaded


async def test_a_page_of_fifty_rows_is_compressed(world: World):
    await crowd((await world.book())["id"], 60)
    ana = await sign_in(world)
    plain, long = await weigh(ana, "/holds?view=all", {"Accept-Encoding": "identity", **HTML})
    packed, short = await weigh(ana, "/holds?view=all", PACKED)
    assert packed.headers["content-encoding"] == "gzip"
    assert "content-encoding" not in plain.headers
    assert short < long / 5
    varies = {one.strip().lower() for one in packed.headers["vary"].split(",")}
    assert varies == {"hx-request", "accept-encoding"}
    assert re.sub("[0-9a-f]{256}", "", packed.text) == re.sub("[0-9a-f]{256}", "", plain.text)


async def test_a_second_visit_fetches_little_but_the_page(world: World):
    await crowd((await world.book())["id"], 60)
    ana = await sign_in(world)
    page, bytes_ = await weigh(ana, "/holds?view=all", PACKED)
    files = re.findall(r'(?:href|src)="(/static/[^"]+)"', page.text)
    assert len(files) > 6
    for path in files:
        answer, weight = await weigh(ana, path, PACKED)
        kept = answer.headers["cache-control"]
        assert answer.status_code == 200 and ("immutable" in kept or "max-age=604800" in kept)
        assert weight < 60_000
    assert bytes_ < BUDGET


async def test_a_file_is_kept_for_ever_only_under_the_name_of_its_content(world: World):
    named = pages.asset("desk.css")
    for path, kept in (
        (named, "public, max-age=31536000, immutable"),
        (f"{named[:-1]}x", "no-cache"),
        ("/static/desk.css", "no-cache"),
        ("/static/vendor/fonts/ibm-plex-sans-latin-400-normal.woff2", "public, max-age=604800"),
    ):
        answer = await world.client.get(path)
        assert (answer.status_code, answer.headers["cache-control"]) == (200, kept), path
    for path in ("/static/none.css", "/static/../pyproject.toml", "/static/%2e%2e/pyproject.toml"):
        answer = await world.client.get(path)
        assert answer.status_code == 404
        assert "max-age" not in answer.headers.get("cache-control", "")


async def test_a_font_is_not_packed_twice(world: World):
    path = "/static/vendor/fonts/ibm-plex-sans-latin-400-normal.woff2"
    answer = await world.client.get(path, headers=PACKED)
    assert "content-encoding" not in answer.headers


async def test_the_proof_of_a_form_looks_different_on_each_page_and_works(world: World):
    ana = await sign_in(world)
    proofs = [hidden(await ana.page("/holds"), "_csrf") for _ in range(4)]
    assert len(set(proofs)) == 4
    # No piece of it is the same twice, so that nothing can be guessed from how well it packs.
    for place in range(0, len(proofs[0]) - 8, 8):
        assert len({proof[place : place + 8] for proof in proofs}) == 4
    for proof in proofs:
        form = {"_csrf": proof, "name": f"View {proof[:5]}", "holds": "view=open"}
        assert (await ana.browser.post("/holds/views", data=form)).status_code == 303


@pytest.mark.parametrize("spoilt", ["0", "last", "half", "", "zz", "00" * 64, "00" * 128, "é" * 9])
async def test_a_proof_that_was_changed_is_none(world: World, spoilt: str):
    ana = await sign_in(world)
    proof = hidden(await ana.page("/holds"), "_csrf")
    changed = {"0": proof + "00", "last": proof[:-2] + f"{int(proof[-2:], 16) ^ 1:02x}"}
    sent = changed | {"half": proof[:128]}
    form = {"_csrf": sent.get(spoilt, spoilt), "name": "x", "holds": ""}
    answer = await ana.browser.post("/holds/views", data=form, headers=HTML)
    assert answer.status_code == 403


async def test_a_page_of_sign_in_hides_its_proof_as_well(world: World):
    pages_ = [await world.client.get("/sign-in", headers=HTML) for _ in range(2)]
    cookie = world.client.cookies["holdfast_csrf"]
    first, second = (hidden(page, "_csrf") for page in pages_)
    assert first != second and cookie not in pages_[0].text + pages_[1].text
