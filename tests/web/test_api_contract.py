"""The API keeps what its description says, whatever is sent: generated requests and known traps."""

import asyncio
import json
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
import uvicorn

from dashboard.web import api_docs
from dashboard.web.api_operations import OPERATIONS
from tests.web.desk import HTML, text
from tests.web.routes import OPEN, TABLE
from tests.web.test_public import problem
from tests.world import World

CONFIG = Path(__file__).with_name("schemathesis.toml")
POSTS = [one for one in OPERATIONS if one.method == "post"]


@asynccontextmanager
async def served(world: World) -> AsyncIterator[str]:
    """The world's own app behind a real server, in this loop; its address."""
    app = world.client._transport.app  # type: ignore[attr-defined]
    # The lifespan is the world's: the app is alive already.
    server = uvicorn.Server(uvicorn.Config(app, lifespan="off", log_config=None, access_log=False))
    door = socket.create_server(("127.0.0.1", 0))
    serving = asyncio.create_task(server.serve(sockets=[door]))
    try:
        yield f"http://127.0.0.1:{door.getsockname()[1]}"
    finally:
        server.should_exit = True
        await serving
        door.close()


async def test_generated_requests_get_the_answers_that_are_described(world: World, tmp_path: Path):
    booked = await world.book()
    await world.call(booked["id"], "complete")
    right = (await world.rights())["Authorization"]
    async with served(world) as address:
        ran = await asyncio.create_subprocess_exec(
            str(Path(sys.executable).parent / "schemathesis"),
            *("--config-file", str(CONFIG), "run", f"{address}/schema/openapi.json"),
            # The desk's list of tickets is a page at the address where programs open them: OPTIONS
            # tells of both, and the description of the interface of one.
            *("--exclude-checks", "allow_header_conformance"),
            *("--checks", "all", "-H", f"Authorization: {right}", "--no-color"),
            cwd=tmp_path,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        said, _ = await asyncio.wait_for(ran.communicate(), 300)
    assert ran.returncode == 0, said.decode()
    assert f"{len(OPERATIONS)} operations" in said.decode() or b"Tested" in said, said.decode()
    assert await world.look(booked["id"])


def _for_programs(method: str, path: str) -> bool:
    rule = TABLE.get((method, path), OPEN)
    # Beside the address that Stripe posts to stand pages of the desk.
    posted = path.startswith("/webhooks/") and rule.role is None
    return rule.scope is not None or path.startswith("/bookings") or posted


def test_every_public_and_token_route_is_described(world: World):
    app = world.client._transport.app  # type: ignore[attr-defined]
    routes = {
        (route.path_format, method.lower())
        for route in app.routes
        for method in getattr(route, "methods", ())
        if method != "OPTIONS" and _for_programs(method, route.path_format)
    }
    told = api_docs.document()["paths"]
    assert routes == {(path, method) for path, one in told.items() for method in one}


def test_the_description_is_openapi_whose_examples_keep_their_own_shapes():
    told = api_docs.document()
    assert told["openapi"] == "3.1.0"
    checked = 0
    for one in (operation for path in told["paths"].values() for operation in path.values()):
        for media in one.get("requestBody", {"content": {}})["content"].values():
            for example in media["examples"].values():
                fits(told, media["schema"], example["value"])
                checked += 1
        for status, answer in one["responses"].items():
            for kind, media in answer["content"].items():
                assert (kind == "application/problem+json") == (int(status) >= 400)
                fits(told, media["schema"], media["example"])
                checked += 1
    assert checked > 60


def fits(told: dict[str, Any], schema: dict[str, Any], value: Any) -> None:
    whole = {**schema, "components": told["components"]}
    jsonschema_rs.Draft202012Validator(whole, validate_formats=True).validate(value)


def test_rights_keys_and_limits_are_described():
    told = api_docs.document()
    schemes = told["components"]["securitySchemes"]
    assert schemes["token"]["scheme"] == "bearer" and schemes["session"]["in"] == "cookie"
    capture = told["paths"]["/bookings/{booking_id}/capture-payment"]["post"]
    assert capture["security"] == [{"token": ["payments"]}, {"session": [], "proof": []}]
    place = told["paths"]["/bookings"]["post"]
    assert place["security"][0] == {}
    assert place["parameters"][0]["name"] == "Idempotency-Key"
    assert {"RateLimit-Limit", "Retry-After"} <= place["responses"]["429"]["headers"].keys()
    assert "Retry-After" in place["responses"]["202"]["headers"]


async def test_a_browser_gets_a_page_and_a_program_the_document(world: World):
    page = await world.client.get("/schema", headers=HTML)
    assert page.status_code == 200 and page.headers["Content-Type"].startswith("text/html")
    said = text(page)
    for one in OPERATIONS:
        assert f"{one.method.upper()} {one.path}" in said and one.summary in said
    assert "Idempotency-Key" in said and "RateLimit" in said
    assert "<script src=" in page.text and "//cdn" not in page.text and "<style" not in page.text
    varies = {name.strip() for name in page.headers["Vary"].split(",")}
    assert varies == {"Accept", "HX-Request", "Accept-Encoding"}
    for path in ("/schema", "/schema/openapi.json"):
        told = await world.client.get(path)
        assert told.headers["Content-Type"].startswith("application/json")
        assert told.json() == json.loads(json.dumps(api_docs.document()))
    assert (await world.client.get("/schema/redoc")).status_code == 404


DEEP = b'{"a":' * 100_000 + b"1" + b"}" * 100_000
BODIES = {
    "invalid UTF-8": b'{"student": {"name": "\xff\xfe", "email": "m@x.test"}}',
    "a lone surrogate": b'{"by": "\\ud800", "who": "\\ud800", "payment_method": "\\ud800"}',
    "UTF-16": '{"by": "student"}'.encode("utf-16"),
    "a number beyond every range": b'{"amount": 1' + b"0" * 5000 + b', "instructor_id": 1e999}',
    "a huge integer": b'{"amount": 99999999999999999999, "instructor_id": 99999999999999999999}',
    "deep objects": DEEP[:200_000],
    "deep lists": b"[" * 200_000,
    "deep and closed": b"[" * 100_000 + b"]" * 100_000,
    "NaN": b'{"amount": NaN, "minutes": Infinity}',
    "no JSON": b"<xml/>",
    "a list": b"[]",
    "twice the same field": b'{"amount": 1, "amount": "x", "by": 1, "who": 2, "minutes": ""}',
    "nothing but spaces": b"   ",
    "a NUL": b'{"by": "student", "reason": "\\u0000", "who": "\\u0000", "amount": "\\u0000"}',
}


@pytest.mark.parametrize("sort", BODIES)
async def test_a_body_of_every_bad_sort_is_a_problem_everywhere(world: World, sort: str):
    booked = await world.book()
    world.sandbox.control("DELETE", "requests")
    for one in POSTS:
        path = one.path.replace("{booking_id}", str(booked["id"])).replace("{package_id}", "1")
        answer = await world.client.post(path, content=BODIES[sort], headers=await world.rights())
        problem(answer, 400 if one.signed else 422)
    assert await world.look(booked["id"]) == booked
    assert await world.bookings() == 1
    assert world.sandbox.requests() == []


@pytest.mark.parametrize("number", ["0", "-1", "9223372036854775807", "9223372036854775808", "1e3"])
async def test_a_number_that_is_no_booking_and_no_package_is_not_found(world: World, number: str):
    rights = await world.rights()
    for one in OPERATIONS:
        path = one.path.replace("{booking_id}", number).replace("{package_id}", number)
        if path != one.path:
            body = next(iter(one.sent.values()), None)
            answer = await world.client.request(one.method, path, json=body, headers=rights)
            problem(answer, 404)


@pytest.mark.parametrize("key", [b"", b"x" * 256, "ü".encode(), b"a\x7fb", b"\xff"])
async def test_an_idempotency_key_that_can_be_none_is_refused(world: World, key: bytes):
    rights = {name.encode(): value.encode() for name, value in (await world.rights()).items()}
    headers = {b"Idempotency-Key": key, **rights}
    booked = await world.book()
    for path, body in (("/bookings", world.order()), (f"/bookings/{booked['id']}/pay", {})):
        told = problem(await world.client.post(path, json=body, headers=headers), 422)
        assert told["errors"][0]["field"] == "Idempotency-Key"  # type: ignore[index]
    assert await world.bookings() == 1
