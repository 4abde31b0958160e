"""Moves the sandbox's clock from due time to due time and does at each what the sweeps would do.

Days pass in seconds this way and leave the same rows behind as days of waiting: no capture comes
late because the clock jumped over its hour.
"""

from collections.abc import AsyncGenerator
from datetime import UTC, datetime, timedelta
from types import TracebackType
from typing import Any, Self

import httpx
import structlog
from piccolo.columns import Column

from dashboard import clock
from dashboard.payments.facts import OPEN, Status
from dashboard.payments.tables import Operation, Payment, Purchase, StripeEvent
from dashboard.settings import Settings
from jobs import sweeps

log = structlog.get_logger()
# A minute's tick finds what became due within it; so does a step of the clock.
GRAIN = timedelta(minutes=1)
MOST_STEPS = 20_000
MOST_ROUNDS = 20
SWEEPS = (
    sweeps.handle_events,
    sweeps.save_due_cards,
    sweeps.post_due_payments,
    sweeps.resume_open_operations,
    sweeps.auto_capture_completed_lessons,
)


class NotOnTheSandbox(RuntimeError):
    """Stripe's own clock can't be moved."""


class Controls:
    """The sandbox's controls over HTTP, for the length of a `with` block."""

    def __init__(self, settings: Settings) -> None:
        if not settings.sandbox:
            raise NotOnTheSandbox("only the sandbox's clock can be moved")
        # Proxies of the environment have no business between two local processes.
        self._http = httpx.AsyncClient(
            base_url=f"{settings.stripe_api_base}/_sandbox/", timeout=30.0, trust_env=False
        )
        self._mode = ""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        await self._http.aclose()

    async def move_to(self, instant: datetime) -> int:
        """Set the clock; answers how many things fell due at the sandbox on the way."""
        return int((await self.order("POST", "clock", {"to": instant.timestamp()}))["applied"])

    async def now(self) -> datetime:
        """The sandbox's present instant."""
        return datetime.fromtimestamp((await self.order("GET", "clock"))["now"], UTC)

    async def webhooks(self, mode: str) -> None:
        """Have the sandbox `send`, `hold` or `drop` its webhooks from now on."""
        if mode != self._mode:
            await self.order("POST", "webhooks", {"mode": mode})
            self._mode = mode

    async def drain(self) -> int:
        """Wait until the webhooks are delivered; answers how many could not be."""
        if self._mode == "drop":
            return 0
        return int((await self.order("POST", "deliveries/drain"))["pending"])

    async def order(self, method: str, path: str, body: Any = None) -> Any:
        """Any control; raises httpx.HTTPError for an answer that is no success."""
        answer = await self._http.request(method, path, json=body)
        answer.raise_for_status()
        return answer.json()


async def advance(target: datetime, controls: Controls, *, grain: timedelta = GRAIN) -> int:
    """Move the clock to `target` and do everything that falls due on the way; answers how much."""
    return sum([done async for done in steps(target, controls, grain=grain)])


async def steps(
    target: datetime, controls: Controls, *, grain: timedelta = GRAIN
) -> AsyncGenerator[int, None]:
    """The same step by step: yields how much was done at each, and goes on when asked to.

    Due times within the same `grain` are taken in one step, at its end. A target in the past of the
    clock moves nothing and does what is due now. Whoever stops in between leaves nothing undone
    that was due by then.
    """
    yield await settle_everything(controls)
    for _ in range(MOST_STEPS):
        due = await next_due(clock.now())
        if due is None or due >= target:
            break
        await controls.move_to(min(due + grain, target))
        yield await settle_everything(controls)
    if clock.now() < target:
        await controls.move_to(target)
        yield await settle_everything(controls)


async def settle_everything(controls: Controls) -> int:
    """Deliver webhooks and run the sweeps until neither finds anything; answers how much was done.

    Bounded: what can't be done now is backed off by its own row and waits for its time.
    """
    total = 0
    for _ in range(MOST_ROUNDS):
        undelivered = await controls.drain()
        if undelivered:
            log.warning("advance.undelivered", webhooks=undelivered)
        done = 0
        for sweep in SWEEPS:
            done += await sweep()
        total += done
        if not done:
            break
    # Bookings follow what the payments have become, and cause nothing there.
    return total + await sweeps.follow_payments()


async def next_due(after: datetime) -> datetime | None:
    """The first instant later than `after` at which a row falls due."""
    operations = Operation.state.is_in([str(state) for state in OPEN])
    held = Payment.payment_status == Status.AUTHORIZED
    found = [
        await _first(Purchase.due_at, after),
        await _first(Purchase.card_due_at, after),
        await _first(Operation.due_at, after, operations),
        await _first(StripeEvent.due_at, after, StripeEvent.state == "waiting"),
        await _first(Payment.post_due_at, after),
        await _first(Payment.authorization_expires_at, after, held),
    ]
    return min((instant for instant in found if instant is not None), default=None)


async def _first(column: Column, after: datetime, where: Any = None) -> datetime | None:
    table: Any = column._meta.table
    query = table.select(column).where(column > after)
    if where is not None:
        query = query.where(where)
    row = await query.order_by(column).limit(1).first()
    return None if row is None else row[column._meta.name]
