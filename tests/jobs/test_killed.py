"""kill -9 in the middle of a capture: Stripe has done it, nobody has heard so, and it heals."""

import sqlite3
import subprocess
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.jobs.processes import answers, children, kill, running, spawn, wait_for

Json = dict[str, Any]


@dataclass
class Shop:
    """A `run` of its own with one instructor, and a program that may do everything."""

    process: subprocess.Popen[str]
    env: dict[str, str]
    web: httpx.Client
    sandbox: httpx.Client

    def command(self, *words: str) -> str:
        with spawn(list(words), self.env, stdout=subprocess.PIPE) as process:
            out, _ = process.communicate(timeout=60)
        return out.strip()

    def book(self, starts_in: timedelta, name: str) -> Json:
        now = self.sandbox.get("clock").json()["now"]
        starts_at = datetime.fromtimestamp(now, UTC) + starts_in
        answer = self.web.post(
            "/bookings",
            json={
                "student": {"name": name, "email": f"{name.lower()}@example.test"},
                "instructor_id": 1,
                "starts_at": starts_at.isoformat(),
                "minutes": 60,
                "payment_method": "pm_card_visa",
                "is_package": False,
            },
        )
        assert answer.status_code == 201, answer.text
        booking: Json = answer.json()["booking"]
        # The events of the hold itself would heal what comes next.
        self.sandbox.post("deliveries/drain")
        wait_for(lambda: not self.ask("SELECT id FROM stripe_event WHERE state = 'waiting'"))
        return booking

    def hang_after_capture(self) -> None:
        fault = {"when": "after", "kind": "hang", "path": "/v1/payment_intents/*/capture"}
        self.sandbox.post("faults", json=fault | {"method": "POST"}).raise_for_status()

    def webhooks(self, mode: str) -> None:
        self.sandbox.post("webhooks", json={"mode": mode}).raise_for_status()

    def deliver(self) -> None:
        """Send what was held, and everything from now on."""
        self.webhooks("send")
        self.sandbox.post("deliveries/release", json={}).raise_for_status()

    def captures(self) -> int:
        """The captures that Stripe has carried out."""
        log = self.sandbox.get("requests").json()["requests"]
        return sum(row["path"].endswith("/capture") and row["executed"] for row in log)

    def ask(self, question: str, *values: object) -> list[Any]:
        """Rows of the shop's database."""
        file = Path(self.env["VAR_DIR"]) / "holdfast.sqlite"
        with sqlite3.connect(f"file:{file}?mode=ro", uri=True) as connection:
            return connection.execute(question, values).fetchall()

    def operations(self, booking: Json) -> list[Any]:
        return self.ask(
            "SELECT state FROM operation WHERE verb = 'capture' AND purchase = ?",
            booking["purchase_id"],
        )

    def status(self, booking: Json) -> tuple[str, int]:
        (row,) = self.ask(
            "SELECT payment_status, captured_amount FROM payment WHERE purchase = ?",
            booking["purchase_id"],
        )
        return row[0], row[1]

    def told(self, booking: Json) -> list[str]:
        rows = self.ask(
            "SELECT kind FROM payment_events WHERE purchase = ? AND kind NOT LIKE 'operation%'"
            " ORDER BY id",
            booking["purchase_id"],
        )
        return [row[0] for row in rows]


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    with running(tmp_path_factory.mktemp("killed")) as (process, env):
        base, sandbox = (f"http://127.0.0.1:{env[name]}" for name in ("PORT", "SANDBOX_PORT"))
        with (
            httpx.Client(base_url=base, trust_env=False, timeout=60) as web,
            httpx.Client(base_url=f"{sandbox}/_sandbox/", trust_env=False, timeout=60) as control,
        ):
            made = Shop(process, env, web, control)
            price = ("--rate", "9600", "--currency", "usd")
            made.command("catalog", "add-instructor", "Clara", "--email", "c@example.test", *price)
            token = made.command("token", "add", "shop", "--scope", "bookings,payments")
            web.headers["Authorization"] = f"Bearer {token}"
            yield made


def capture_until_killed(shop: Shop, booking: Json) -> None:
    """Ask the web to capture, and kill it when Stripe has done so and has not answered."""

    def press() -> None:
        with pytest.raises(httpx.HTTPError):
            shop.web.post(f"/bookings/{booking['id']}/capture-payment")

    before = shop.captures()
    # Webhooks would heal it before anybody could look.
    shop.webhooks("hold")
    shop.hang_after_capture()
    presser = threading.Thread(target=press)
    presser.start()
    wait_for(lambda: shop.captures() == before + 1)
    kill(child(shop, "web"))
    presser.join(30)
    wait_for(lambda: answers(shop.env))


def child(shop: "Shop", name: str) -> int:
    """The process of that name; the supervisor may be about to start the next one."""
    wait_for(lambda: name in children(shop.process.pid))
    return children(shop.process.pid)[name]


def test_a_web_process_killed_in_a_capture_leaves_one_true_outcome(shop: Shop):
    booking = shop.book(timedelta(days=2), "Maya")
    capture_until_killed(shop, booking)
    assert shop.operations(booking) == [("sending",)]
    assert shop.status(booking) == ("authorized", 0)

    shop.deliver()
    wait_for(lambda: shop.status(booking) == ("captured", 9600))

    assert shop.operations(booking) == [("succeeded",)]
    assert shop.told(booking) == ["authorized", "captured"]
    assert shop.captures() == 1
    repeated = shop.web.post(f"/bookings/{booking['id']}/capture-payment")
    assert (repeated.status_code, repeated.json()["amount"]) == (200, 9600)
    assert shop.captures() == 1


def test_without_a_webhook_the_sweep_finds_out_when_the_lease_has_run_out(shop: Shop):
    booking = shop.book(timedelta(days=2), "Leila")
    before = shop.captures()
    capture_until_killed(shop, booking)
    # The lease is 45 seconds; then a worker that starts looks at once.
    shop.sandbox.post("clock", json={"advance": 46}).raise_for_status()
    kill(child(shop, "worker"))

    wait_for(lambda: shop.status(booking) == ("captured", 9600), within=90)

    shop.deliver()
    assert shop.operations(booking) == [("succeeded",)]
    assert shop.captures() == before + 1
    assert shop.told(booking) == ["authorized", "captured"]


def test_a_worker_killed_in_a_capture_leaves_one_true_outcome(shop: Shop):
    booking = shop.book(timedelta(hours=2), "Nora")
    before = shop.captures()
    shop.webhooks("hold")
    shop.hang_after_capture()
    shop.sandbox.post("clock", json={"advance": 5 * 3600}).raise_for_status()
    # A worker that starts looks at once, and hangs in the capture.
    kill(child(shop, "worker"))
    wait_for(lambda: shop.captures() == before + 1, within=90)
    kill(child(shop, "worker"))
    assert shop.operations(booking) == [("sending",)]

    shop.deliver()
    wait_for(lambda: shop.status(booking) == ("captured", 9600), within=90)
    assert shop.operations(booking) == [("succeeded",)]
    assert shop.told(booking) == ["authorized", "captured"]
    assert shop.captures() == before + 1
