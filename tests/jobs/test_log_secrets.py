"""What the processes log: a decline, a capture, an error and a webhook leave no secret there."""

import json
import re
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any, TextIO

import httpx
import pytest

from dashboard import clock, db
from dashboard.observability.redaction import BLOT, Redaction
from dashboard.payments.tables import Operation, StripeEvent
from dashboard.settings import SANDBOX_API_KEY, SANDBOX_WEBHOOK_SECRET, Settings
from tests.conftest import POSTGRESQL
from tests.jobs.processes import ROOT, free_port, of, spawn, until
from tests.web.desk import HTML, hidden
from tests.world import PASSWORD, World

SECRET_KEY = "a-key-that-nobody-may-read-in-a-log"
EMAIL = "maya.private@example.test"
REQUEST = "walk-of-one-request"


@contextmanager
def logging_processes(world: World, log: TextIO) -> Iterator[str]:
    """A web and a worker beside a world, both logging to one file; the web's address."""
    port = str(free_port())
    base = f"http://127.0.0.1:{port}"
    env = of(world, PORT=port, SECRET_KEY=SECRET_KEY)
    processes = [spawn([name], env, stderr=log, stdout=log) for name in ("web", "worker")]
    try:
        yield base
    finally:
        for process in processes:
            process.terminate()
        for process in processes:
            process.wait(10)


async def up(browser: httpx.AsyncClient) -> bool:
    try:
        return (await browser.get("/readyz")).status_code == 200
    except httpx.HTTPError:
        return False


async def sign_in(browser: httpx.AsyncClient, world: World) -> str:
    """Sign in through the page; the proof that its forms carry."""
    email = await world.add_staff()
    page = await browser.get("/sign-in", headers=HTML)
    form = {"email": email, "_csrf": hidden(page, "_csrf"), "next": "/holds"}
    for word in ("wrong password", PASSWORD):
        answer = await browser.post("/sign-in", data=form | {"password": word}, headers=HTML)
    assert answer.status_code == 303
    return hidden(await browser.get("/holds", headers=HTML), "_csrf")


async def handled(event_id: str) -> bool:
    row = await StripeEvent.objects().get(StripeEvent.id == event_id)
    return row is not None and row.state != "waiting"


async def break_bookings(broken: bool) -> None:
    """Take the table of bookings away, or put it back: nobody foresees that."""
    names = ("booking", "booking_away") if broken else ("booking_away", "booking")
    statement = f'ALTER TABLE "{names[0]}" RENAME TO "{names[1]}"'
    if POSTGRESQL:
        await db.engine().run_ddl(statement)
        return
    path: str = db.engine().path  # type: ignore[union-attr]
    with sqlite3.connect(path, timeout=10) as connection:
        connection.execute(statement)


def later(world: World, days: int) -> dict[str, Any]:
    """An order of the same student, for a lesson in so many days."""
    starts_at = (clock.now() + timedelta(days=days)).isoformat()
    return world.order(student={"name": "Maya", "email": EMAIL}, starts_at=starts_at)


async def walk(world: World, browser: httpx.AsyncClient) -> list[str]:
    """A decline, a capture, a webhook and an error; answers the secrets met on the way."""
    csrf = await sign_in(browser, world)
    rights = await world.rights()
    name = {"X-Request-Id": REQUEST}
    declined = later(world, 2) | {"payment_method": "pm_card_chargeDeclined"}
    assert (await browser.post("/bookings", json=declined)).status_code == 402
    booked = await browser.post("/bookings", json=later(world, 3), headers=name)
    assert booked.status_code == 201
    address = f"/bookings/{booked.json()['booking']['id']}/capture-payment"
    async with httpx.AsyncClient(base_url=browser.base_url, trust_env=False) as program:
        captured = await program.post(address, headers=rights)
    assert captured.status_code == 200
    held = world.sandbox.deliveries("held")[-1]
    headers = {"Content-Type": "application/json", "Stripe-Signature": held["signature"]} | name
    kept = await browser.post("/webhooks/stripe", content=held["body"], headers=headers)
    assert kept.status_code == 200
    forged = headers | {"Stripe-Signature": "t=1,v1=5ec2e7"}
    assert (await browser.post("/webhooks/stripe", content="{}", headers=forged)).status_code == 400
    await until(lambda: handled(json.loads(held["body"])["id"]))
    await break_bookings(True)
    failed = await browser.post("/bookings", json=later(world, 4))
    await browser.get(f"/holds?q={EMAIL}", headers=HTML)
    await break_bookings(False)
    assert failed.status_code == 500
    cookies = [cookie.value or "" for cookie in browser.cookies.jar]
    operations = await Operation.objects()
    bodies = [one.body for one in operations]
    return [csrf, *cookies, rights["Authorization"].split()[1], *bodies, held["signature"]]


async def test_no_line_of_web_or_worker_holds_a_secret(world: World, tmp_path: Path):
    file = tmp_path / "log"
    with file.open("w") as log, logging_processes(world, log) as base:
        async with httpx.AsyncClient(base_url=base, timeout=20, trust_env=False) as browser:
            await until(lambda: up(browser))
            secrets = await walk(world, browser)
    text = file.read_text()
    assert len(secrets) > 6 and all(len(secret) > 15 for secret in secrets)
    known = [SANDBOX_API_KEY, SANDBOX_WEBHOOK_SECRET, SECRET_KEY, PASSWORD, "wrong password"]
    for secret in (*known, *secrets, EMAIL, "_secret_", "4242", "Stripe-Signature", "Cookie"):
        assert secret not in text, secret
    lines = [json.loads(line) for line in text.splitlines()]
    told = {line["event"] for line in lines}
    assert {"web.request", "web.failed", "payment.capture.succeeded"} <= told
    failed = [line["exception"] for line in lines if line["event"] == "web.failed"]
    assert failed and all("Traceback" in one and "locals" not in one for one in failed)


async def test_one_name_leads_from_the_request_to_what_the_worker_did(world: World, tmp_path: Path):
    file = tmp_path / "log"
    with file.open("w") as log, logging_processes(world, log) as base:
        async with httpx.AsyncClient(base_url=base, timeout=20, trust_env=False) as browser:
            await until(lambda: up(browser))
            name = {"X-Request-Id": REQUEST}
            booked = await browser.post("/bookings", json=world.order(), headers=name)
            assert booked.headers["x-request-id"] == REQUEST
    lines = [json.loads(line) for line in file.read_text().splitlines()]
    mine = [line for line in lines if line.get("request_id") == REQUEST]
    (request,) = [line for line in mine if line["event"] == "web.request"]
    assert (request["route"], request["status"]) == ("/bookings", 201)
    (moved,) = [line for line in mine if line["event"] == "payment.authorize.succeeded"]
    assert moved["operation"] and moved["ms"] >= 0


SHOW_LOCALS = """
import sys, structlog
{configure}
def charge():
    card = "4000056655665556"
    raise ValueError("no")
try:
    charge()
except ValueError:
    structlog.get_logger().exception("charge.failed")
    import logging
    logging.getLogger("library").exception("library.failed")
"""


@pytest.mark.parametrize(
    "configure",
    [
        "import dashboard",
        "from dashboard import app",
        "from dashboard.observability import logs; logs.configure()",
        "import jobs.queue",
    ],
)
def test_a_traceback_shows_no_local_variable_whoever_logs_it(configure: str):
    script = SHOW_LOCALS.format(configure=configure)
    ran = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True
    )
    said = ran.stdout + ran.stderr
    assert "charge.failed" in said and "ValueError" in said
    # The line of the source is shown, as in every traceback of Python's; its variables are not.
    assert "4000056655665556" not in said.replace('card = "4000056655665556"', "")
    assert "locals" not in said


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("key sk_live_abc123 refused", f"key {BLOT} refused"),
        ("rk_test_9 and whsec_9", f"{BLOT} and {BLOT}"),
        ("pi_3Abc_secret_xyz", BLOT),
        ("postgresql://ana:hunter2@db/x", f"postgresql://{BLOT}@db/x"),
        ("Authorization: Bearer abc.def", f"Authorization: {BLOT}"),
        ("card 4242 4242 4242 4242 declined", f"card {BLOT} declined"),
        ("card 4000056655665556", f"card {BLOT}"),
        ("maya@example.test is known", f"{BLOT} is known"),
        ("GET https://a.test/pay/41-0af3?x failed", f"GET https://a.test/pay/{BLOT}?x failed"),
        ("/calendar/feeds/A1-b_c.ics is lost", f"/calendar/feeds/{BLOT} is lost"),
        ("the own-own-key of ours", f"the {BLOT} of ours"),
        ("payment=12 pi_3Abc ms=87 at 2026-11-23T07:45:00.123456Z", ""),
        ("operation 5cade537-6bd3-4b69-8729-41e67d73b619", ""),
        ("pm_card_visa", ""),
    ],
)
def test_what_looks_like_a_secret_is_blotted_out_and_what_helps_is_left(text: str, left: str):
    redaction = Redaction(Settings(secret_key="own-own-key"))
    assert redaction.text(text) == (left or text)


def test_a_line_is_cleaned_in_depth_and_keeps_its_numbers():
    line: dict[str, Any] = {"event": "x", "ms": 12, "more": {"to": ["a@b.test"]}, "none": None}
    assert Redaction()(None, "info", line) == {
        "event": "x",
        "ms": 12,
        "more": {"to": [BLOT]},
        "none": None,
    }


def test_no_line_of_ours_names_a_field_that_may_hold_a_secret():
    said = re.compile(r"log\.\w+\([^)]*\b(?:body|payload|headers|cookie|token|password|email)=")
    sources = [*(ROOT / "dashboard").rglob("*.py"), *(ROOT / "jobs").rglob("*.py")]
    found = [str(path) for path in sources if said.search(path.read_text())]
    assert not found
