"""How often one may knock, how much one may send, and what the cookies of a sign-in look like."""

import httpx
import pytest

from dashboard import settings
from dashboard.app import create_app
from dashboard.settings import Settings
from dashboard.staff import attempts, auth
from dashboard.web import limits
from dashboard.web.limits import Limits
from tests.web.desk import HTML, hidden, sign_in, text
from tests.web.test_public import problem
from tests.world import PASSWORD, World

FORM = {"Content-Type": "application/x-www-form-urlencoded"}
NAMES = ("RateLimit-Policy", "RateLimit-Limit", "RateLimit-Remaining", "RateLimit-Reset")


async def test_every_answer_of_a_limited_door_says_how_much_is_left(world: World):
    answers = [
        await world.post_booking(),
        await world.client.post("/bookings", content=b"?"),
        await world.receive(b"{}", "t=1,v1=forged"),
        await world.client.post("/sign-in", data={}),
    ]
    assert [answer.status_code for answer in answers] == [201, 422, 400, 403]
    for answer in answers:
        assert all(name in answer.headers for name in NAMES), answer.headers
        left = int(answer.headers["RateLimit-Remaining"])
        assert 0 <= left < int(answer.headers["RateLimit-Limit"])
    assert "RateLimit-Limit" not in (await world.client.get("/sign-in")).headers


@pytest.mark.parametrize(
    ("path", "door"),
    [
        ("/bookings", limits.BOOKINGS),
        ("/webhooks/stripe", limits.WEBHOOKS),
        ("/sign-in", limits.SIGN_IN),
    ],
)
async def test_a_door_that_is_knocked_at_too_often_closes_for_a_while(
    database: None, tmp_path, path: str, door: str
):
    chosen = Settings(sandbox=False, var_dir=tmp_path)
    app = create_app(chosen)
    most = limits.rates(chosen)[door].most
    for _ in range(most):
        app.state.limits.count(door, "10.0.0.1")
    answers = []
    for address in ("10.0.0.1", "10.0.0.2"):
        transport = httpx.ASGITransport(app=app, client=(address, 1))
        async with httpx.AsyncClient(transport=transport, base_url="http://shop.test") as client:
            spoofed = {"X-Forwarded-For": "10.9.9.9"}
            answers.append(await client.post(path, content=b"?", headers=spoofed))
            assert (await client.get("/bookings/1")).status_code == 401
    problem(answers[0], 429)
    assert int(answers[0].headers["Retry-After"]) > 0
    assert answers[0].headers["RateLimit-Remaining"] == "0"
    assert answers[1].status_code != 429


def test_the_counts_begin_anew_after_their_time_and_never_fill_the_memory(
    monkeypatch: pytest.MonkeyPatch,
):
    now = 1000.0
    monkeypatch.setattr(limits, "monotonic", lambda: now)
    monkeypatch.setattr(limits, "MOST_ADDRESSES", 3)
    counts = Limits(Settings(sandbox=False))
    for _ in range(61):
        left = counts.count(limits.SIGN_IN, "a")[1]
    assert left == -1
    now += 60
    assert counts.count(limits.SIGN_IN, "a")[1:] == (59, 60)
    for address in "bcdefg":
        counts.count(limits.SIGN_IN, address)
    assert len(counts._windows) == 3


async def test_too_many_sign_ins_say_how_long_to_wait(world: World):
    email = await world.add_staff()
    for _ in range(attempts.MOST_PER_ACCOUNT):
        await attempts.count(email, "10.0.0.1")
    page = await world.client.get("/sign-in", headers=HTML)
    given = {"email": email, "password": PASSWORD, "_csrf": hidden(page, "_csrf")}
    answer = await world.client.post("/sign-in", data=given, headers=HTML)
    assert answer.status_code == 429
    assert "Wait 15 minutes, then try again" in text(answer)
    assert 0 < int(answer.headers["Retry-After"]) <= 900
    assert "session" not in str(answer.headers.get_list("set-cookie"))


@pytest.mark.parametrize("chunked", [False, True])
async def test_a_body_above_256_kb_is_a_problem_and_stores_nothing(world: World, chunked: bool):
    assert limits.LARGEST_BODY == 256 * 1024
    big = b'{"student": "' + b"x" * limits.LARGEST_BODY + b'"}'

    async def parts():
        for start in range(0, len(big), 60_000):
            yield big[start : start + 60_000]

    booked = await world.book()
    ana = await sign_in(world, "finance")
    csrf = {"X-CSRF-Token": ana.csrf}
    for client, path, headers in (
        (world.client, "/bookings", {}),
        (world.client, f"/bookings/{booked['id']}/pay", await world.rights()),
        (world.client, f"/bookings/{booked['id']}/capture-payment", await world.rights()),
        (world.client, "/webhooks/stripe", {}),
        (ana.browser, "/holds/1/captures", csrf | FORM),
    ):
        answer = await client.post(path, content=parts() if chunked else big, headers=headers)
        problem(answer, 413)
    assert await world.bookings() == 1
    assert await world.look(booked["id"]) == booked


async def test_over_https_the_cookies_are_bound_to_this_host(world: World):
    email = await world.add_staff()
    world_settings = settings.current()
    try:
        settings.use(Settings(base_url="https://desk.test", var_dir=world.settings.var_dir))
        page = await world.client.get("/sign-in", headers=HTML)
        given = {"email": email, "password": PASSWORD, "_csrf": hidden(page, "_csrf")}
        jar = {"Cookie": page.headers["set-cookie"].split(";")[0]}
        answer = await world.client.post("/sign-in", data=given, headers=HTML | jar)
    finally:
        settings.use(world_settings)
    assert answer.status_code == 303
    lines = answer.headers.get_list("set-cookie")
    assert sorted(line.partition("=")[0] for line in lines) == [
        "__Host-holdfast_csrf",
        "__Host-holdfast_session",
    ]
    for line in lines:
        assert "Secure" in line and "Path=/" in line and "Domain" not in line
    assert "max-age=" in answer.headers["strict-transport-security"]
    assert auth.ABSOLUTE_LIMIT.total_seconds() == 7 * 86400


async def test_signing_in_again_changes_the_session_and_ends_the_old_one(world: World):
    ana = await sign_in(world)
    old = dict(ana.browser.cookies)
    page = await ana.page("/sign-in")
    given = {"email": ana.email, "password": PASSWORD, "_csrf": hidden(page, "_csrf")}
    answer = await ana.browser.post("/sign-in", data=given, headers=HTML)
    assert answer.status_code == 303
    assert (await ana.page("/holds")).status_code == 200
    name = "holdfast_session"
    assert ana.browser.cookies[name] != old[name]
    header = "; ".join(f"{one}={value}" for one, value in old.items())
    assert (await world.client.get("/holds", headers={"Cookie": header})).status_code == 401
    stale = await ana.browser.post("/sign-out", data={"_csrf": ana.csrf}, headers=HTML)
    assert stale.status_code == 403


async def test_a_new_role_or_password_ends_the_session_in_the_browser_at_once(world: World):
    for number, change in enumerate((auth.change_role, auth.change_password)):
        ana = await sign_in(world, "support", f"Ana{number}")
        staff = await auth.person(ana.email)
        await change(staff.id, "finance" if number == 0 else "another horse")
        assert (await ana.page("/holds")).status_code == 303
