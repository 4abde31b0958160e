"""The product as people meet it: the app on a real port, beside a sandbox on another."""

import asyncio
import socket
import threading
import time
import uuid
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeVar

import httpx
import uvicorn

from dashboard import clock, db, migrate
from dashboard.app import create_app
from dashboard.bookings import catalog
from dashboard.bookings.queries import follow
from dashboard.bookings.tables import Booking
from dashboard.payments import inbox, queries, settle
from dashboard.payments.tables import Operation, Payment
from dashboard.settings import Settings
from dashboard.sqlite_engine import WalEngine
from dashboard.staff import auth
from tests.sandbox.server import RunningSandbox, running_sandbox

T = TypeVar("T")
PASSWORD = "correct horse"
Json = dict[str, Any]


@dataclass
class Served:
    """The desk's address, its sandbox, and ways to make things happen behind its back."""

    url: str
    sandbox: RunningSandbox
    loop: asyncio.AbstractEventLoop
    http: httpx.Client
    teachers: dict[str, int]
    package: int = 0

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Run `work` where the app runs: the database's connections belong to that loop."""
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(60)

    def book(
        self,
        student: str = "Maya Chen",
        starts_in: timedelta = timedelta(days=2),
        hold_for: timedelta | None = None,
        card: str = "pm_card_visa",
        teacher: str = "Ben Ode",
        **changes: Any,
    ) -> int:
        """Book a lesson through the public endpoint; the id of its payment."""
        if hold_for is not None:
            self.sandbox.next_authorization(hold_for.total_seconds())
        name = student.lower().replace(" ", ".").encode("ascii", "ignore").decode()
        body = {
            "student": {
                "name": student,
                "email": f"{name}@example.test",
                "time_zone": "America/New_York",
            },
            "instructor_id": self.teachers[teacher],
            "starts_at": (clock.now() + starts_in).isoformat(),
            "minutes": 60,
            "payment_method": card,
            "is_package": False,
        } | changes
        answer = self.http.post("/bookings", json=body)
        assert answer.status_code in (201, 202, 402), answer.text
        return self.run(_payment_of(answer.json()["booking"]["id"]))

    def payment(self, payment_id: int) -> Payment:
        return self.run(_payment(payment_id))

    def operations(self, payment_id: int) -> list[Operation]:
        return self.run(_operations(payment_id))

    def advance(self, by: timedelta) -> None:
        self.sandbox.advance(by.total_seconds())

    def tick(self) -> None:
        """What the minute's sweeps do."""
        self.run(_tick())

    def staff(self, role: str) -> str:
        """The e-mail of a new person with this role."""
        email = f"{role}.{uuid.uuid4().hex[:6]}@example.test"
        self.run(auth.add_staff(email, role, PASSWORD, {"support": "Ana"}.get(role, "Finn")))
        return email

    def session(self, email: str) -> str:
        return self.run(_session(email))

    def money_calls(self, path: str) -> list[Json]:
        log = self.sandbox.requests()
        return [row for row in log if row["path"].endswith(path) and row["executed"]]


async def _payment_of(booking_id: int) -> int:
    booking = await Booking.objects().get(Booking.id == booking_id)
    assert booking is not None
    books = await queries.books(booking.purchase)
    assert books is not None and books.current is not None
    return int(books.current.id)


async def _payment(payment_id: int) -> Payment:
    found = await Payment.objects().get(Payment.id == payment_id)
    assert found is not None
    return found


async def _operations(payment_id: int) -> list[Operation]:
    return await Operation.objects().where(Operation.payment == payment_id)


async def _session(email: str) -> str:
    return await auth.open_session(await auth.authenticate(email, PASSWORD, "127.0.0.1"))


async def _tick() -> None:
    for _ in range(3):
        for event_id in await inbox.due_events(100):
            await inbox.handle(event_id)
        for purchase_id in await queries.due_purchases(clock.now(), 500):
            if await settle.claim_due(purchase_id):
                await settle.settle(purchase_id)
        await follow()


@contextmanager
def served(folder: Path) -> Iterator[Served]:
    """The desk over an empty database in `folder`, with a stocked catalogue."""
    engine = db.engine()
    if isinstance(engine, WalEngine):
        engine.path = str(folder / "holdfast.sqlite")
    with running_sandbox(folder, clock_file=folder / "clock") as sandbox:
        listener = socket.create_server(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        sandbox.webhooks("send", url=f"{url}/webhooks/stripe")
        chosen = Settings(
            var_dir=folder,
            stripe_api_base=sandbox.url,
            stripe_rate_per_second=4000,
            base_url=url,
            time_zone="America/New_York",
        )
        with (
            _running(chosen, listener) as loop,
            httpx.Client(base_url=url, timeout=40, trust_env=False) as http,
        ):
            made = Served(url, sandbox, loop, http, {})
            made.run(_stock(made))
            yield made


@contextmanager
def _running(chosen: Settings, listener: socket.socket) -> Iterator[asyncio.AbstractEventLoop]:
    """The app in a thread and a loop of its own, over a migrated database."""
    config = uvicorn.Config(
        create_app(chosen), log_level="warning", access_log=False, timeout_graceful_shutdown=1
    )
    server = uvicorn.Server(config)
    loops: list[asyncio.AbstractEventLoop] = []

    async def serve() -> None:
        loops.append(asyncio.get_running_loop())
        async with db.lifespan():
            await migrate.migrate()
        await server.serve([listener])

    thread = threading.Thread(target=lambda: asyncio.run(serve()), daemon=True)
    thread.start()
    try:
        _wait_until(lambda: server.started)
        yield loops[0]
    finally:
        server.should_exit = True
        thread.join(10)
        listener.close()


async def _stock(made: Served) -> None:
    for name, subject, currency, rate in (
        ("Ben Ode", "piano", "usd", 9600),
        ("Ines Prado", "cello", "usd", 11600),
        ("Tomo Abe", "violin", "jpy", 9600),
    ):
        email = f"{name.split()[0].lower()}@teachers.test"
        made.teachers[name] = await catalog.add_instructor(
            name, email, rate, currency, subject=subject
        )
    made.package = await catalog.add_package("Five lessons", 5, 42000, "usd")


def _wait_until(condition: Any) -> None:
    ends_at = time.monotonic() + 20
    while not condition():
        if time.monotonic() > ends_at:
            raise TimeoutError("the desk did not start")
        time.sleep(0.01)
