"""The stage of one schedule: a purchase, the trouble that it meets, and what people were told."""

import asyncio
import contextlib
import uuid
from collections.abc import Coroutine
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from dashboard import clock, db
from dashboard.payments import actions, attempts, cards, horizon, sending
from dashboard.payments.actions import Wish
from dashboard.payments.actors import Actor
from dashboard.payments.facts import Verb
from dashboard.payments.tables import Purchase
from dashboard.stripe_gateway import gateway
from tests.simulation.machine import Machine
from tests.simulation.virtual import Killed, Process

MINUTE, HOUR, DAY = 60.0, 3600.0, 86_400.0
NAPS = (1, 15, 23, 30, 50, 120, HOUR, 23.5 * HOUR, 25 * HOUR, 4 * DAY)
# Where a process is hit; most of what matters happens around a message to Stripe.
TARGETS = {
    "send POST": 0.1,
    "write POST": 0.05,
    "answer POST": 0.12,
    "committed": 0.04,
    "begin": 0.03,
}


@dataclass(eq=False)
class Request:
    """What one person wants done once, under however many operation ids they asked for it."""

    verb: str
    ids: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Setting:
    """What the seed has chosen for a schedule."""

    kind: str
    card: str
    policy: str
    price: int
    due_in: float
    chaos: int
    faults: int


class Play:
    """One purchase between our code, Stripe, people and trouble."""

    def __init__(self, machine: Machine, setting: Setting) -> None:
        self.machine, self.setting = machine, setting
        self.loop, self.wire = machine.loop, machine.wire
        self.chance = machine.loop.chance
        self.purchase_id = 0
        self.requests: list[Request] = []
        # What people decided and were told was decided: what is owed may never be more.
        self.decided: list[int] = []
        # What was done at Stripe by others.
        self.dashboard: list[str] = []
        # Instants at which the sweeps ran to their end, and whether a person was called by then.
        self.watched: list[tuple[float, str | None]] = []
        self.errors: list[str] = []
        self.chaos_left, self.database_left = setting.chaos, 0
        # How often a process loses the processor for a moment after an answer of Stripe.
        self.dawdling = 0.0
        machine.loop.trouble = self._trouble
        machine.engine.fails = self._database_fails
        sending.os = _Signals(machine)  # type: ignore[assignment]

    async def open(self) -> str | None:
        """Write purchase and first attempt as a booking does; the operation's id, still unsent.

        A far lesson has none yet: its card is wanted.
        """
        now = clock.now()
        customer = await gateway().create_customer(name="Maya", email="m@example.test", key="maya")
        purchase = self._ordered(customer, now)
        verb = Verb.CHARGE if purchase.at_once else Verb.AUTHORIZE
        operation_id = str(uuid.uuid4())
        async with db.transaction():
            await purchase.save()
            self.purchase_id = int(purchase.id)
            if purchase.hold_due_at is not None:
                await attempts.plan(purchase)
                await cards.want(purchase.id)
                return None
            await actions.claim(Wish(verb, purchase.id, operation_id, Actor("Maya", "student")))
        return operation_id

    def _ordered(self, customer: str, now: datetime) -> Purchase:
        setting = self.setting
        package, far = setting.kind == "package", setting.kind == "far"
        due_at = None if package else now + timedelta(seconds=setting.due_in)
        renews = setting.policy == "renew"
        return Purchase(
            currency="usd",
            price=setting.price,
            at_once=package,
            customer=customer,
            payment_method=setting.card,
            description="Piano lesson",
            capture_due_at=due_at,
            saves_card=renews,
            # Staff have chosen the renewal; what was announced is what is left when it fails.
            announced_policy="capture" if setting.kind == "renewal" else setting.policy,
            policy_override="renew" if setting.kind == "renewal" else None,
            hold_due_at=horizon.hold_at(due_at, now) if far and due_at else None,
            # The lesson begins two hours before its capture is due; a day before it is called off.
            give_up_at=due_at - timedelta(hours=26) if far and due_at else None,
            created_at=now,
        )

    def tell(self, line: str) -> None:
        self.wire.story(line)

    async def act(self, name: str, coro: Coroutine[Any, Any, Any]) -> Any:
        """Run `coro` as a process of its own; its answer, or the exception that ended it."""
        process = self.loop.start(name, coro)
        assert process.root is not None
        with contextlib.suppress(BaseException):
            await _ended(process)
        self._unforeseen(name, process)
        if process.root.cancelled():
            return Killed()
        return process.root.exception() or process.root.result()

    def _unforeseen(self, name: str, process: Process) -> None:
        root = process.root
        error = None if root is None or root.cancelled() else root.exception()
        if isinstance(error, Killed) or error is None:
            return
        if type(error).__module__ in ("builtins", "sqlite3"):
            self.errors.append(f"{name}: {error!r}")

    def _trouble(self, process: Process, what: str) -> bool:
        """Kill, cancel or suspend a process now and then."""
        came_from, process.came_from = process.came_from, what
        if came_from.startswith("answer GET") and self.chance.random() < self.dawdling:
            # Between the look at Stripe and what is made of it somebody else may do everything.
            self.loop.suspend(process, self.chance.expovariate(2.0))
            return True
        if self.chaos_left <= 0:
            return False
        likely = next((p for start, p in TARGETS.items() if what.startswith(start)), 0.004)
        if self.chance.random() >= likely:
            return False
        self.chaos_left -= 1
        how = self.chance.choices(("kill", "cancel", "suspend"), weights=(4, 2, 5))[0]
        if how == "kill":
            self.tell(f"{process.name} is killed before {what}")
            self.loop.kill(process)
        elif how == "cancel" and process.root is not None:
            self.tell(f"{process.name} is cancelled before {what}")
            process.root.cancel()
        else:
            seconds = self.chance.choice(NAPS)
            self.tell(f"{process.name} sleeps for {seconds:.0f} s before {what}")
            self.loop.suspend(process, seconds)
        return True

    def _database_fails(self, what: str) -> bool:
        if self.database_left <= 0 or self.loop.here() is self.loop.harness:
            return False
        if self.chance.random() > 0.03:
            return False
        self.database_left -= 1
        self.tell(f"{self.loop.here().name}: the database fails at a {what}")
        return True

    async def pause(self, seconds: float) -> None:
        """Let virtual time pass for whoever waits."""
        await asyncio.sleep(seconds)

    def watch(self) -> None:
        """Note that the sweeps have run, and whether a person was called by then."""
        found = self.rows("SELECT attention FROM purchase")
        self.watched.append((self.loop.now, found[0]["attention"] if found else None))

    def calm(self) -> None:
        """No more trouble; who sleeps still sleeps."""
        self.chaos_left = self.database_left = self.wire.trouble.left = 0
        self.wire.away = False
        self.dawdling = 0.0

    def rows(self, sql: str) -> list[dict[str, Any]]:
        """What the database holds, read beside the product."""
        return self.machine.engine.statement(sql, ())


class _Signals:
    """`os` as `sending` sees it: a process that ends itself ends here."""

    def __init__(self, machine: Machine) -> None:
        self._loop = machine.loop

    def getpid(self) -> int:
        return 0

    def kill(self, _pid: int, _signal: int) -> None:
        self._loop.kill(self._loop.here())


async def _ended(process: Process) -> None:
    """Wait until nothing of a process runs any more, what it has shielded included."""
    done = 0
    while done < len(process.tasks):
        task = process.tasks[done]
        done += 1
        with contextlib.suppress(BaseException):
            await task
