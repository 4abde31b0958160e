"""The mail pages, as a browser without scripts sees them."""

import pytest

from dashboard.mail import queries
from dashboard.mail.facts import State, Terms
from dashboard.mail.samples import samples
from dashboard.mail.tables import Message
from jobs.mail import _write, send_mail
from tests.mail.office import Office
from tests.web.desk import sign_in, text
from tests.world import World

LIST = "/mail"


async def test_the_list_tells_who_was_told_what_and_what_is_due(world: World, post: Office):
    post.replies["b@example.test"] = "550 No such mailbox"
    await world.book(student={"email": "a@example.test", "name": "Ada"})
    await world.book(student={"email": "b@example.test", "name": "Bea"})
    await send_mail()
    await world.book(student={"email": "c@example.test", "name": "Cleo"})
    await _write()
    viewer = await sign_in(world, "viewer")
    page = text(await viewer.page(LIST))
    assert "1 e-mail could not be delivered, 1 due" in page
    assert "550 No such mailbox" in page and "$96.00 reserved for your piano lesson" in page
    assert page.index("Cleo") < page.index("Bea") < page.index("Ada")
    failed = text(await viewer.page(f"{LIST}?view=failed"))
    assert "Bea" in failed and "Ada" not in failed
    due = text(await viewer.page(f"{LIST}?view=due"))
    assert "Cleo" in due and "Bea" not in due


async def test_it_is_found_by_email_name_and_booking(world: World, shop: World):
    first = await world.book(student={"email": "a@example.test", "name": "Ada_"})
    await world.book(student={"email": "b@example.test", "name": "Bea"})
    package = await world.buy_package(student={"email": "c@example.test", "name": "Cleo"})
    await send_mail()
    viewer = await sign_in(world, "viewer")
    for q, found in (
        ("A@example.test", "Ada"),
        ("bea", "Bea"),
        (f"%23{first['id']}", "Ada"),
        (f"P{package['package_id']}", "Cleo"),
        ("a_", "Ada"),
    ):
        page = text(await viewer.page(f"{LIST}?q={q}"))
        assert found in page
        others = {"Ada", "Bea", "Cleo"} - {found}
        assert q == "a_" or not any(other in page for other in others), (q, page)
    assert "No e-mails match “nobody”" in text(await viewer.page(f"{LIST}?q=nobody"))


async def test_pages_follow_one_another_without_gaps(shop: World, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(queries, "PAGE", 2)
    for _ in range(5):
        await shop.book()
    await send_mail()
    seen: list[int] = []
    before = None
    while True:
        rows, more = await queries.listed(queries.Asked(before=before))
        seen += [row["id"] for row in rows]
        if more is None:
            break
        before = more
    assert seen == sorted(seen, reverse=True) and len(seen) == 5
    viewer = await sign_in(shop, "viewer")
    assert "before=" in (await viewer.page(LIST)).text


async def test_one_email_shows_text_and_html_in_a_sandboxed_frame(shop: World):
    await shop.book()
    await send_mail()
    viewer = await sign_in(shop, "viewer")
    (row,) = await Message.objects()
    page = await viewer.page(f"/mail/{row.id}")
    assert row.message_id in text(page) and "How to cancel" in text(page)
    assert f'sandbox title="{row.subject}, as HTML" src="/mail/{row.id}/html"' in page.text
    assert "frame-src 'self'" in page.headers["Content-Security-Policy"]
    assert "script-src 'self'" in page.headers["Content-Security-Policy"]
    framed = await viewer.page(f"/mail/{row.id}/html")
    assert framed.text == row.html
    policy = framed.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy and policy.endswith("sandbox")
    assert "script-src" not in policy and "frame-ancestors 'self'" in policy
    assert framed.headers["X-Frame-Options"] == "SAMEORIGIN"
    assert framed.headers["Cache-Control"] == "private, no-store"


async def test_every_template_is_previewed_both_ways(shop: World):
    viewer = await sign_in(shop, "viewer")
    page = await viewer.page("/mail/templates")
    for name in samples(Terms()):
        assert f'src="/mail/templates/{name}/html"' in page.text
        framed = await viewer.page(f"/mail/templates/{name}/html")
        assert framed.status_code == 200 and "<h1" in framed.text
    assert (await viewer.page("/mail/templates/none/html")).status_code == 404


@pytest.mark.parametrize(
    "path", ["/mail", "/mail/1", "/mail/1/html", "/mail/templates", "/mail/templates/paid/html"]
)
async def test_29_nobody_reads_mail_without_signing_in(world: World, path: str):
    answer = await world.client.get(path)
    assert answer.status_code in (401, 303)
    assert "Maya" not in answer.text


@pytest.mark.parametrize("path", ["/mail/1", "/mail/99999999999999999999", "/mail/1/html"])
async def test_what_is_not_there_is_a_page_that_says_so(world: World, path: str):
    viewer = await sign_in(world, "viewer")
    answer = await viewer.page(path)
    assert answer.status_code == 404 and "There is no such e-mail." in text(answer)


@pytest.mark.parametrize(
    "query", ["before=x", "before=99999999999999999999", "view=odd", "q=%01%25"]
)
async def test_nonsense_in_the_address_is_no_error(world: World, query: str):
    viewer = await sign_in(world, "viewer")
    assert (await viewer.page(f"{LIST}?{query}")).status_code == 200


async def test_30_a_name_is_harmless_on_the_page(shop: World):
    await shop.book(student={"name": "<script>alert(1)</script>"})
    await send_mail()
    viewer = await sign_in(shop, "viewer")
    (row,) = await Message.objects()
    for path in (LIST, f"/mail/{row.id}"):
        page = await viewer.page(path)
        assert "<script>alert" not in page.text and "&lt;script&gt;" in page.text


async def test_a_skipped_email_says_why_there_is_nothing_to_read(shop: World):
    await shop.book()
    await send_mail()
    await Message.update({"state": State.SKIPPED, "text": "", "html": ""}, force=True)
    viewer = await sign_in(shop, "viewer")
    (row,) = await Message.objects()
    assert "never written" in text(await viewer.page(f"/mail/{row.id}"))
