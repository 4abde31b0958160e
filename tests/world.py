"""The whole product in one process, for tests: the app, a sandbox over HTTP, a real database.

Import `world` and `sandbox` into a conftest.py to use them.
"""

import uuid
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from dashboard import clock, settings
from dashboard.bookings import catalog, settling
from dashboard.bookings.queries import booking, follow
from dashboard.bookings.tables import Booking
from dashboard.payments import cards, inbox, ledger, queries, settle
from dashboard.payments.actors import Actor
from dashboard.payments.tables import Operation, Payment, PaymentEvent
from dashboard.settings import Settings
from dashboard.staff import auth
from dashboard.stripe_gateway import Unreachable
from jobs import nudges
from tests.running import alive, application
from tests.sandbox.server import RunningSandbox, running_sandbox

BASE_URL = "http://shop.test"
PASSWORD = "correct horse"
ANA = Actor("Ana", "staff", 1)
Json = dict[str, Any]


@dataclass
class Catalog:
    """What can be booked: instructors by currency, 9600 minor units an hour, and one package."""

    usd: int = 0
    jpy: int = 0
    kwd: int = 0
    package: int = 0


@dataclass
class World:
    """The app behind `client`, and everything around it that a test moves or looks at."""

    client: httpx.AsyncClient
    sandbox: RunningSandbox
    settings: Settings
    catalog: Catalog = field(default_factory=Catalog)
    token: str = ""

    # What a student and a program do.

    def order(self, **changes: Any) -> Json:
        """A good body for POST /bookings; `student` may be changed field by field."""
        student = {
            "name": "Maya Chen",
            "email": f"{uuid.uuid4().hex[:8]}@example.test",
            "time_zone": "America/New_York",
        } | changes.pop("student", {})
        body = {
            "student": student,
            "instructor_id": self.catalog.usd,
            "starts_at": (clock.now() + timedelta(days=2)).isoformat(),
            "minutes": 60,
            "payment_method": "pm_card_visa",
            "is_package": False,
        }
        return body | changes

    async def post_booking(self, key: str | None = None, **changes: Any) -> httpx.Response:
        """POST a good order with these changes, without any right."""
        headers = {"Idempotency-Key": key} if key else {}
        return await self.client.post("/bookings", json=self.order(**changes), headers=headers)

    async def book(self, starts_in: timedelta = timedelta(days=2), **changes: Any) -> Json:
        """Book a lesson that is held (or a package that is paid); the booking as answered."""
        starts_at = (clock.now() + starts_in).isoformat()
        answer = await self.post_booking(**({"starts_at": starts_at} | changes))
        assert answer.status_code == 201, answer.text
        booked: Json = answer.json()["booking"]
        return booked

    async def buy_package(self, **changes: Any) -> Json:
        """Buy the catalogue's package with its first lesson; the booking as answered."""
        return await self.book(is_package=True, package_id=self.catalog.package, **changes)

    async def call(
        self, booking_id: int, action: str, body: Any = None, key: str | None = None
    ) -> httpx.Response:
        """POST /bookings/{id}/{action} with a token that may do everything."""
        headers = await self.rights() | ({"Idempotency-Key": key} if key else {})
        address = f"/bookings/{booking_id}/{action}"
        return await self.client.post(address, json=body, headers=headers)

    async def look(self, booking_id: int) -> Json:
        """GET /bookings/{id}: the booking."""
        answer = await self.client.get(f"/bookings/{booking_id}", headers=await self.rights())
        assert answer.status_code == 200, answer.text
        found: Json = answer.json()["booking"]
        return found

    async def rights(self, scope: str = "bookings,payments,tickets") -> dict[str, str]:
        """The header of a program with these scopes."""
        if scope != "bookings,payments,tickets":
            return {"Authorization": f"Bearer {await auth.add_token('a program', scope)}"}
        self.token = self.token or await auth.add_token("the shop", scope)
        return {"Authorization": f"Bearer {self.token}"}

    async def add_staff(self, role: str = "support", email: str = "ana@example.test") -> str:
        """Add a person to the desk; the e-mail to sign in with, beside PASSWORD."""
        await auth.add_staff(email, role, PASSWORD, "Ana")
        return email

    # What time and Stripe do.

    async def advance(self, by: timedelta) -> datetime:
        """Move the sandbox's clock and the product's; what fell due at Stripe has happened."""
        self.sandbox.advance(by.total_seconds())
        return clock.now()

    async def move_to(self, instant: datetime) -> None:
        self.sandbox.move_to(instant.timestamp())

    async def tick(self, rounds: int = 3) -> None:
        """What the minute's sweeps do, on one thread: all that is due, a few rounds of it."""
        for _ in range(rounds):
            for event_id in await inbox.due_events(100):
                await inbox.handle(event_id)
            for payment_id in await queries.due_posts(clock.now(), 100):
                await ledger.post(payment_id)
            for purchase_id in await cards.due(100):
                await settling.save_card(purchase_id)
            for purchase_id in await queries.due_purchases(clock.now(), 100):
                if await settle.claim_due(purchase_id):
                    await self._settle(purchase_id)
            await follow()

    async def _settle(self, purchase_id: int) -> None:
        try:
            await settle.settle(purchase_id)
        except Unreachable as error:
            await settle.postpone(purchase_id, error)

    async def deliver(self, order: str = "created", times: int = 1) -> list[httpx.Response]:
        """POST every held webhook to the app, freshly signed, then do what the sweeps do.

        `order` is created or reverse; each is sent `times` times.
        """
        held = self.sandbox.deliveries("held")
        answers = [
            await self.receive(delivery["body"].encode(), delivery["signature"])
            for delivery in (held if order == "created" else reversed(held))
            for _ in range(times)
        ]
        await self.tick()
        return answers

    async def receive(self, body: bytes, signature: str | None) -> httpx.Response:
        """POST a webhook as Stripe would."""
        headers = {"Content-Type": "application/json"}
        if signature is not None:
            headers["Stripe-Signature"] = signature
        return await self.client.post("/webhooks/stripe", content=body, headers=headers)

    # What the books and Stripe say.

    async def payment(self, booking_id: int) -> Payment:
        """The current payment of a booking."""
        books = await self.books(booking_id)
        assert books.current is not None
        return books.current

    async def books(self, booking_id: int) -> queries.Books:
        books = await queries.books((await booking(booking_id)).purchase)
        assert books is not None
        return books

    async def operations(self, booking_id: int) -> list[Operation]:
        purchase_id = (await booking(booking_id)).purchase
        found: list[Operation] = (
            await Operation.objects()
            .where(Operation.purchase == purchase_id)
            .order_by(Operation.asked_at)
        )
        return found

    async def story(self, booking_id: int) -> list[str]:
        """The kinds of the booking's events, without what became of operations."""
        events: list[PaymentEvent] = await queries.timeline((await booking(booking_id)).purchase)
        return [event.kind for event in events if not event.kind.startswith("operation_")]

    async def bookings(self) -> int:
        return int(await Booking.count())

    def intent(self, intent_id: str) -> Any:
        """The PaymentIntent as Stripe has it."""
        return self.sandbox.stripe().v1.payment_intents.retrieve(intent_id)

    def money_calls(self, path: str) -> list[Json]:
        """The requests whose path ended so and that Stripe carried out."""
        log = self.sandbox.requests()
        return [row for row in log if row["path"].endswith(path) and row["executed"]]


@pytest.fixture(scope="session")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[RunningSandbox, Path]]:
    """A sandbox for the whole run, and the folder of its clock."""
    folder = tmp_path_factory.mktemp("world")
    with running_sandbox(folder, clock_file=folder / "clock") as running:
        yield running, folder


@pytest.fixture
async def world(database: None, sandbox: tuple[RunningSandbox, Path]) -> AsyncIterator[World]:
    """An empty shop with a catalogue, at the present time; webhooks are held until `deliver`."""
    running, folder = sandbox
    before, chosen = clock._offset_file, settings.current()
    clock.follow(folder / "clock")
    (folder / "clock").unlink(missing_ok=True)
    running.reset()
    running.webhooks("hold")
    own = Settings(stripe_api_base=running.url, stripe_rate_per_second=4000, var_dir=folder)
    app = application(own)
    transport = httpx.ASGITransport(app=app)
    async with alive(app), httpx.AsyncClient(transport=transport, base_url=BASE_URL) as client:
        made = World(client, running, own)
        await _stock(made.catalog)
        yield made
    # A nudge that is still on its way must not open its queue with the next test's settings.
    nudges.flush()
    nudges.forget()
    settings.use(chosen)
    clock.follow(before)


async def _stock(shelf: Catalog) -> None:
    for currency in ("usd", "jpy", "kwd"):
        email = f"{currency}@example.test"
        name = f"Teacher {currency}"
        made = await catalog.add_instructor(name, email, 9600, currency, subject="piano")
        setattr(shelf, currency, made)
    shelf.package = await catalog.add_package("Five lessons", 5, 42000, "usd")
