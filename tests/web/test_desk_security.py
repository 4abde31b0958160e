"""Who may come in, and what a request without right or proof can't do: nothing reaches Stripe."""

import httpx
import pytest

from dashboard.staff import auth
from tests.web.desk import HTML, fields, hidden, sign_in, text
from tests.world import BASE_URL, PASSWORD, World

PAGES = ("/holds", "/holds/1", "/holds/1/capture", "/holds/1/release", "/holds/1/refund")


async def held(world: World) -> int:
    booking = await world.book()
    world.sandbox.control("DELETE", "requests")
    return int((await world.payment(booking["id"])).id)


@pytest.mark.parametrize("path", PAGES)
async def test_29_a_page_sends_a_stranger_to_sign_in_and_back(world: World, path: str):
    answer = await world.client.get(path + "?q=x", headers=HTML)
    assert answer.status_code == 303
    assert answer.headers["location"] == f"/sign-in?next={path}%3Fq%3Dx"


@pytest.mark.parametrize("verb", ["capture", "release", "refund"])
async def test_29_without_a_session_no_money_moves(world: World, verb: str):
    payment = await held(world)
    answer = await world.client.post(f"/holds/{payment}/{verb}s", data={"amount": "1"})
    assert answer.status_code == 401
    assert world.sandbox.requests() == []


@pytest.mark.parametrize("verb", ["capture", "release", "refund"])
async def test_29_a_viewer_is_refused_by_the_server_too(world: World, verb: str):
    payment = await held(world)
    viewer = await sign_in(world, "viewer")
    given = {"_csrf": viewer.csrf, "operation": "3a1ff5b8-56a3-4b8f-9f0e-4d8f4a0c1d11"}
    answer = await viewer.send(payment, verb, given)
    assert answer.status_code == 403
    assert (await viewer.page(f"/holds/{payment}/{verb}")).status_code == 403
    assert world.sandbox.requests() == []


@pytest.mark.parametrize("token", ["", "wrong", "0" * 64])
async def test_29_a_forged_form_is_refused(world: World, token: str):
    payment = await held(world)
    ana = await sign_in(world)
    given = await ana.form(payment, "capture") | {"_csrf": token}
    answer = await ana.send(payment, "capture", given)
    assert answer.status_code == 403
    assert "out of date" in text(answer)
    assert world.sandbox.requests() == []


async def test_29_the_proof_of_one_session_is_worth_nothing_in_another(world: World):
    payment = await held(world)
    ana, finn = await sign_in(world), await sign_in(world, "finance", "Finn")
    given = await ana.form(payment, "capture") | {"_csrf": finn.csrf}
    assert (await ana.send(payment, "capture", given)).status_code == 403
    assert world.sandbox.requests() == []


async def test_the_proof_may_come_as_a_header(world: World):
    payment = await held(world)
    ana = await sign_in(world)
    given = await ana.form(payment, "capture")
    given.pop("_csrf")
    answer = await ana.send(payment, "capture", given, **{"X-CSRF-Token": ana.csrf})
    assert answer.status_code == 303


async def test_a_viewer_sees_the_queue_and_no_button(world: World):
    payment = await held(world)
    viewer = await sign_in(world, "viewer")
    for path in ("/holds", f"/holds/{payment}"):
        answer = await viewer.page(path)
        assert answer.status_code == 200
        assert f"/holds/{payment}/capture" not in answer.text


async def test_a_program_without_the_scope_sees_no_page(world: World):
    token = await auth.add_token("shop", "bookings")
    answer = await world.client.get("/holds", headers={"Authorization": f"Bearer {token}"})
    assert answer.status_code == 403


async def test_sign_in_needs_its_own_proof(world: World):
    await auth.add_staff("ana@example.test", "support", PASSWORD, "Ana")
    given = {"email": "ana@example.test", "password": PASSWORD}
    assert (await world.client.post("/sign-in", data=given)).status_code == 403
    page = await world.client.get("/sign-in", headers=HTML)
    world.client.cookies.clear()
    answer = await world.client.post("/sign-in", data=given | {"_csrf": hidden(page, "_csrf")})
    assert answer.status_code == 403


async def test_a_wrong_password_keeps_the_address_and_says_nothing_more(world: World):
    page = await world.client.get("/sign-in?next=/holds/7", headers=HTML)
    given = {"email": "<b>@x.test", "password": "no", "_csrf": hidden(page, "_csrf")}
    answer = await world.client.post("/sign-in", data=given, headers=HTML)
    assert answer.status_code == 422
    assert 'value="&lt;b&gt;@x.test"' in answer.text
    assert "don't match an account" in text(answer)


@pytest.mark.parametrize(
    "wanted", ["https://evil.test/", "//evil.test", "/\\evil.test", "javascript:alert(1)", ""]
)
async def test_sign_in_leads_nowhere_else(world: World, wanted: str):
    await auth.add_staff("ana@example.test", "support", PASSWORD, "Ana")
    page = await world.client.get("/sign-in", headers=HTML)
    given = {"email": "ana@example.test", "password": PASSWORD, "next": wanted}
    given["_csrf"] = hidden(page, "_csrf")
    answer = await world.client.post("/sign-in", data=given, headers=HTML)
    assert answer.headers["location"] == "/holds"


async def test_signing_out_ends_the_session_for_every_copy_of_its_cookie(world: World):
    ana = await sign_in(world)
    cookies = dict(ana.browser.cookies)
    answer = await ana.browser.post("/sign-out", data={"_csrf": ana.csrf}, headers=HTML)
    assert answer.headers["location"] == "/sign-in"
    copy = httpx.AsyncClient(transport=world.client._transport, base_url=BASE_URL, cookies=cookies)
    assert (await copy.get("/holds", headers=HTML)).status_code == 303


async def test_the_session_cookie_is_out_of_reach_of_scripts_and_of_other_sites(world: World):
    await auth.add_staff("ana@example.test", "support", PASSWORD, "Ana")
    page = await world.client.get("/sign-in", headers=HTML)
    given = {"email": "ana@example.test", "password": PASSWORD, "_csrf": hidden(page, "_csrf")}
    answer = await world.client.post("/sign-in", data=given, headers=HTML)
    cookie = next(
        line for line in answer.headers.get_list("set-cookie") if "holdfast_session" in line
    )
    assert "HttpOnly" in cookie and "SameSite=lax" in cookie and "Path=/" in cookie


@pytest.mark.parametrize("path", ["/sign-in", "/nowhere", "/holds", "/static/desk.css"])
async def test_every_answer_carries_the_headers(world: World, path: str):
    headers = (await world.client.get(path)).headers
    policy = headers["content-security-policy"]
    assert "unsafe" not in policy and "frame-ancestors 'none'" in policy
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-request-id"]


async def test_no_page_needs_an_inline_script_or_style(world: World):
    payment = await held(world)
    ana = await sign_in(world)
    for path in ("/holds", f"/holds/{payment}", f"/holds/{payment}/capture", "/sign-in"):
        page = (await ana.page(path)).text
        assert "<style" not in page and " style=" not in page and " onclick" not in page
        assert page.count("<script") == page.count("<script src=")


async def test_an_error_page_names_the_request(world: World):
    ana = await sign_in(world)
    for path in ("/holds/999999", "/nowhere", f"/holds/{2**70}"):
        answer = await ana.page(path)
        assert answer.status_code == 404
        assert answer.headers["x-request-id"] in answer.text


async def test_what_people_typed_comes_back_as_they_typed_it(world: World):
    name = '<script>alert("1")</script> & =HYPERLINK(1)'
    booking = await world.book(student={"name": name})
    payment = (await world.payment(booking["id"])).id
    ana = await sign_in(world)
    for path in ("/holds", f"/holds/{payment}", f"/holds/{payment}/release"):
        answer = await ana.page(path)
        assert "<script>alert" not in answer.text
    assert name in text(await ana.page("/holds"))
    given = await ana.form(payment, "release")
    answer = await ana.send(payment, "release", given | {"reason": "", "note": f" {name}\n"})
    assert answer.status_code == 422
    assert "&lt;script&gt;" in answer.text
    assert fields(answer)["operation"] == given["operation"]
