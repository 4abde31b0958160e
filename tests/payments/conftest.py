"""The money path alone: a real database, the real SDK, and the sandbox over HTTP."""

import json
import uuid
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from dashboard import clock, db, settings, stripe_gateway
from dashboard.payments import actions, inbox, ledger, queries, settle
from dashboard.payments.actions import Wish
from dashboard.payments.actors import Actor
from dashboard.payments.errors import Busy, Declined, Mismatch, NotAllowed, OutcomeUnknown
from dashboard.payments.facts import Verb
from dashboard.payments.tables import Operation, Payment, PaymentEvent, Purchase
from tests.sandbox.server import RunningSandbox, running_sandbox

EXPECTED = (NotAllowed, Busy, Mismatch, Declined, OutcomeUnknown)
ANA = Actor("Ana", "staff", 1)
STUDENT = Actor("Maya", "student")


@dataclass
class Desk:
    """What a test needs to move money and to look at the outcome."""

    sandbox: RunningSandbox
    customer: str = ""

    async def buy(
        self,
        price: int = 9600,
        card: str = "pm_card_visa",
        currency: str = "usd",
        at_once: bool = False,
        due_in: timedelta | None = timedelta(days=2),
        metadata: dict[str, str] | None = None,
    ) -> int:
        """A purchase whose first attempt was sent; its id, however the attempt ended."""
        if not self.customer:
            self.customer = await stripe_gateway.gateway().create_customer(
                name="Maya", email="maya@example.test", key=str(uuid.uuid4())
            )
        purchase = Purchase(
            currency=currency,
            price=price,
            at_once=at_once,
            customer=self.customer,
            payment_method=card,
            description="Piano lesson",
            metadata=json.dumps(metadata or {}),
            capture_due_at=None if due_in is None else clock.now() + due_in,
            created_at=clock.now(),
        )
        await purchase.save()
        await self.attempt(purchase.id, Verb.CHARGE if at_once else Verb.AUTHORIZE)
        return int(purchase.id)

    async def attempt(self, purchase_id: int, verb: Verb) -> Exception | Operation:
        return await self.ask(verb, purchase_id, actor=STUDENT)

    async def ask(
        self, verb: Verb, purchase_id: int, amount: int | None = None, **more: Any
    ) -> Exception | Operation:
        """Perform a movement; its exception is returned so that a test can look at it."""
        operation_id = more.pop("operation_id", str(uuid.uuid4()))
        actor = more.pop("actor", ANA)
        wish = Wish(verb, purchase_id, operation_id, actor, amount=amount, **more)
        try:
            return await actions.perform(wish)
        except EXPECTED as error:
            return error

    async def decide(self, purchase_id: int, owed: int, due_now: bool = True) -> None:
        async with db.transaction():
            due = clock.now() if due_now else None
            await settle.decide(purchase_id, settle.Decision(owed, "a test", "Ana", due))

    async def payment(self, purchase_id: int) -> Payment:
        books = await queries.books(purchase_id)
        assert books is not None
        assert books.current is not None
        return books.current

    async def operations(self, purchase_id: int) -> list[Operation]:
        return (
            await Operation.objects()
            .where(Operation.purchase == purchase_id)
            .order_by(Operation.asked_at)
        )

    async def kinds(self, purchase_id: int) -> list[str]:
        """The story, as kinds, without what became of operations."""
        story: list[PaymentEvent] = await queries.timeline(purchase_id)
        return [event.kind for event in story if not event.kind.startswith("operation_")]

    async def deliver(self, *, order: str = "created", times: int = 1) -> list[int]:
        """Hand every held webhook to the inbox and handle it; the purchases that it concerned."""
        held = self.sandbox.deliveries("held")
        found = []
        for delivery in held if order == "created" else reversed(held):
            for _ in range(times):
                notice = inbox.notice(json.loads(delivery["body"]))
                await inbox.keep(notice)
                found.append(await inbox.handle(notice.id))
        return [purchase for purchase in found if purchase is not None]

    async def advance(self, by: timedelta) -> datetime:
        self.sandbox.advance(by.total_seconds())
        return clock.now()

    async def tick(self, rounds: int = 3) -> None:
        """What the minute sweep does, on one thread: everything that is due, a few rounds of it."""
        for _ in range(rounds):
            for payment_id in await queries.due_posts(clock.now(), 100):
                await ledger.post(payment_id)
            for purchase_id in await queries.due_purchases(clock.now(), 100):
                if await settle.claim_due(purchase_id):
                    try:
                        await settle.settle(purchase_id)
                    except stripe_gateway.Unreachable as error:
                        await settle.postpone(purchase_id, error)

    def stripe(self) -> Any:
        """The real SDK, as Stripe's own dashboard would use it."""
        return self.sandbox.stripe().v1

    def money_calls(self, path: str) -> list[dict[str, Any]]:
        """The requests of the log that ended in `path` and were carried out."""
        log = self.sandbox.requests()
        return [row for row in log if row["path"].endswith(path) and row["executed"]]


@pytest.fixture(scope="session")
def sandbox_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningSandbox]:
    folder: Path = tmp_path_factory.mktemp("sandbox")
    with running_sandbox(folder) as running:
        yield running


@pytest.fixture
async def desk(database: None, sandbox_server: RunningSandbox) -> AsyncIterator[Desk]:
    sandbox_server.reset()
    sandbox_server.webhooks("hold")
    chosen = settings.Settings(stripe_api_base=sandbox_server.url, stripe_rate_per_second=2000)
    settings.use(chosen)
    gateway = stripe_gateway.StripeGateway(chosen)
    stripe_gateway.use(gateway)
    try:
        yield Desk(sandbox_server)
    finally:
        await gateway.close()
        stripe_gateway.use(None)
