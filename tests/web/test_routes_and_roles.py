"""Every route, method and role against one table; forged requests and harmless reads."""

from dataclasses import dataclass
from typing import Any

import httpx
import pytest
from litestar import Litestar

from dashboard.bookings import pay_links
from dashboard.payments import inbox
from dashboard.piccolo_app import APP_CONFIG
from dashboard.staff import auth
from dashboard.staff.tables import SCOPES
from dashboard.web import security
from tests.web.desk import HTML, Person, sign_in
from tests.web.routes import EVERYBODY, SAFE, STRANGER, TABLE, TOKENS, Rule, routes
from tests.world import BASE_URL, World

# The header of our own pages and the one of the administration's.
PROOFS = ("X-CSRF-Token", "X-CSRFToken")
ANSWERS = {401: "sign in", 403: "no"}


@dataclass
class Scene:
    """What the addresses name: a booking, its payment, its operation."""

    world: World
    booking: int
    payment: int
    operation: str

    def path(self, template: str, rule: Rule) -> str:
        values = {
            "booking_id": self.booking,
            "payment_id": self.payment,
            "operation_id": self.operation,
            "message_id": 1,
            "event_id": "evt_scene",
            "delivery_id": 1,
            "package_id": 1,
            "ticket_id": 1,
            "batch_id": 1,
            "difference_id": 1,
            "export_id": 1,
            "view_id": 1,
            "name": "reserved",
            "token": pay_links.token(self.booking),
            "file_path": "desk.css",
        }
        return rule.at or template.format(**values)


@pytest.fixture
async def scene(world: World) -> Scene:
    booked = await world.book()
    payment = int((await world.payment(booked["id"])).id)
    operation = (await world.operations(booked["id"]))[0].id
    await world.tick()
    await inbox.keep(inbox.Notice("evt_scene", "charge.captured", 1, "ch_1", None, None, False, ""))
    await inbox.handle("evt_scene")
    world.sandbox.control("DELETE", "requests")
    return Scene(world, booked["id"], payment, operation)


def app_of(world: World) -> Litestar:
    app: Litestar = world.client._transport.app  # type: ignore[attr-defined]
    return app


async def browser_of(world: World, who: str) -> httpx.AsyncClient:
    """Somebody's browser, or a program's client: with whatever it takes to be let in."""
    transport = world.client._transport
    browser = httpx.AsyncClient(transport=transport, base_url=BASE_URL)
    proof = "visitor"
    if who in TOKENS:
        token = await auth.add_token(who, who.removeprefix("token "))
        browser.headers["Authorization"] = f"Bearer {token}"
    elif who != STRANGER:
        person = await sign_in(world, who)
        browser, proof = person.browser, person.csrf
    if who in TOKENS or who == STRANGER:
        browser.cookies.set(security.csrf_cookie_name(), proof)
    browser.headers.update(dict.fromkeys(PROOFS, proof))
    return browser


def test_29_every_route_and_method_has_its_line(world: World):
    missing = [one for one in routes(app_of(world)) if one not in TABLE]
    assert missing == [], "add a line for each to tests/web/routes.py"
    assert len(routes(app_of(world))) > 35
    assert set(TOKENS) == {f"token {scope}" for scope in SCOPES}


@pytest.mark.parametrize("who", EVERYBODY)
async def test_29_every_route_lets_in_whom_the_table_says(scene: Scene, who: str):
    browser = await browser_of(scene.world, who)
    wrong = []
    for method, template in routes(app_of(scene.world)):
        rule = TABLE[method, template]
        path = scene.path(template, rule)
        body = {"json": rule.body} if rule.body else {}
        answer = await browser.request(method, path, **body)
        got = ANSWERS.get(answer.status_code, "in")
        broken = answer.status_code == 429 or answer.status_code in range(500, 503)
        if got != rule.expects(who) or broken:
            wrong.append((method, path, answer.status_code, "expected", rule.expects(who)))
    assert wrong == []


@pytest.mark.parametrize("end", ["revoked", "unknown", "signed out", "shut out"])
async def test_29_what_has_ended_opens_nothing(scene: Scene, end: str):
    browser = await browser_of(scene.world, "token bookings" if end == "revoked" else "admin")
    if end == "revoked":
        await auth.revoke_token((await auth.tokens())[-1].id)
    elif end == "unknown":
        browser.headers["Authorization"] = "Bearer hf_unknown"
    elif end == "shut out":
        await auth.deactivate((await auth.person("ana.admin@example.test")).id)
    else:
        await auth.end_session(browser.cookies[security.session_cookie_name()])
    before = await dump()
    for method, template in routes(app_of(scene.world)):
        rule = TABLE[method, template]
        if rule.role is not None:
            body = {"json": rule.body} if rule.body else {}
            answer = await browser.request(method, scene.path(template, rule), **body)
            assert answer.status_code == 401, (method, template, answer.status_code)
    assert await dump() == before
    assert scene.world.sandbox.requests() == []


@pytest.mark.parametrize("proof", ["absent", "empty", "wrong", "foreign", "stale", "a visitor's"])
@pytest.mark.parametrize("place", ["header", "field"])
async def test_29_a_forged_request_changes_nothing_and_asks_nothing_of_stripe(
    scene: Scene, proof: str, place: str
):
    mallory = await sign_in(scene.world, "admin", "Mallory")
    ana = await sign_in(scene.world, "admin")
    forged = await _forged(proof, ana, mallory)
    before, wrong, asked = await dump(), [], 0
    for method, template in routes(app_of(scene.world)):
        rule = TABLE[method, template]
        if method in SAFE or not rule.cookie:
            continue
        path = scene.path(template, rule)
        header = forged is not None and place == "header"
        headers = dict.fromkeys(PROOFS, forged) if header else {}
        fields = {} if forged is None or place == "header" else {"_csrf": forged}
        # A program's body has no field to carry a proof in, and a mount reads headers only.
        body: dict[str, Any] = {"json": rule.body} if rule.body else {"data": fields}
        answer = await ana.browser.request(method, path, headers=headers, **body)
        asked += 1
        if answer.status_code != 403:
            wrong.append((method, path, answer.status_code))
    assert wrong == [] and asked > 15
    assert await dump() == before
    assert scene.world.sandbox.requests() == []


async def _forged(proof: str, ana: Person, mallory: Person) -> str | None:
    if proof == "stale":
        old = ana.csrf
        staff = await auth.person(ana.email)
        name = security.session_cookie_name()
        fresh = await auth.open_session(staff, replaces=ana.browser.cookies[name])
        proof_name, proved = security.csrf_cookie_name(), security.csrf_token(fresh)
        for one, value in ((name, fresh), (proof_name, proved)):
            ana.browser.cookies.set(one, value, domain="shop.test", path="/")
        return old
    return {
        "absent": None,
        "empty": "",
        "wrong": "0" * 64,
        "foreign": mallory.csrf,
        "a visitor's": "visitor",
    }[proof]


async def test_29_no_get_changes_anything(scene: Scene):
    world = scene.world
    await world.post_booking(payment_method="pm_card_chargeDeclined")
    waiting = await world.post_booking(payment_method="pm_card_authenticationRequired")
    await world.tick()
    ana = await sign_in(world, "admin")
    await ana.page("/holds")
    world.sandbox.control("DELETE", "requests")
    before, seen = await dump(), 0
    done = (
        f"?done={scene.operation}&q=Maya&view=all&status=authorized&after=x&delete=1&_method=POST"
    )
    for method, template in routes(app_of(world)):
        if method != "GET":
            continue
        path = scene.path(template, TABLE[method, template])
        for more in ("", done):
            for headers in (HTML, HTML | {"HX-Request": "true"}, {"Accept": "*/*"}):
                answer = await ana.browser.get(path + more, headers=headers)
                assert answer.status_code < 500 or answer.status_code == 503, (path, answer.text)
                seen += 1
    for path in (f"/holds/{waiting.json()['payment']['id']}", f"/bookings/{scene.booking + 2}"):
        assert (await ana.browser.get(path, headers=HTML)).status_code == 200
    assert seen > 60
    after = await dump()
    assert {name for name in after if after[name] != before[name]} == set()
    assert [row for row in world.sandbox.requests() if row["method"] != "GET"] == []


async def test_29_options_and_unknown_methods_do_nothing(scene: Scene):
    ana = await sign_in(scene.world, "admin")
    before = await dump()
    for _, template in routes(app_of(scene.world)):
        path = scene.path(template, next(rule for one, rule in TABLE.items() if one[1] == template))
        assert (await ana.browser.request("OPTIONS", path)).status_code < 500
        for method in ("PUT", "PATCH", "DELETE", "TRACE"):
            answer = await ana.browser.request(method, path)
            assert answer.status_code in (401, 403, 404, 405), (method, path, answer.status_code)
    assert await dump() == before
    assert scene.world.sandbox.requests() == []


async def dump() -> dict[str, list[dict[str, Any]]]:
    """All rows of all tables, but for what the audit writes down about refusals."""
    return {
        table._meta.tablename: await table.select().order_by(table._meta.primary_key)
        for table in APP_CONFIG.table_classes
        if not table._meta.tablename.startswith("audit")
    }
