"""The way to Stripe: the real SDK and its fenced transport, ending at the sandbox's core.

Every request can be lost before or after Stripe acts, hang, meet a 429, 409 or 500 (also one that
Stripe stores), arrive after its sender has given up, or be answered after a pause.
"""

import asyncio
import json
import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import httpx
import msgspec

from dashboard.sandbox import faults
from dashboard.sandbox.answers import Response
from dashboard.sandbox.core import Sandbox
from dashboard.settings import SANDBOX_API_KEY
from dashboard.stripe_gateway import SEND_TIMEOUT, _FencedClient
from tests.simulation.virtual import Loop

Json = dict[str, Any]
# What may happen to a request that moves money, and how often in relation.
ON_THE_WAY = {
    "drop before": 2,
    "drop after": 6,
    "hang before": 1,
    "hang after": 3,
    "500 before": 1,
    "500 after": 2,
    "429 before": 4,
    "409 before": 1,
    "402 before": 1,
    "late": 6,
}
TO_A_READ = {"drop before": 2, "500 before": 1, "429 before": 1, "hang before": 1}


@dataclass
class Trouble:
    """How likely a request meets trouble, and how often that may happen in this schedule."""

    chance: float = 0.0
    reads: float = 0.0
    left: int = 0


class Wire(httpx.AsyncBaseTransport):
    """httpx's transport, in the process. One Stripe account per schedule."""

    def __init__(self, loop: Loop) -> None:
        self.loop = loop
        self.told: list[str] = []
        self.fresh(0)

    def fresh(self, seed: int) -> None:
        """An empty account; its ids come from the seed."""
        self.sandbox = Sandbox(":memory:", api_key=SANDBOX_API_KEY, seed=seed)
        self.trouble = Trouble()
        self.away = False
        # Called after everything that Stripe has done: there may be events to carry.
        self.news: Callable[[], None] = lambda: None
        self.told.clear()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        writes = request.method == "POST"
        target = request.url.raw_path.decode()
        what = f"{request.method} {target.partition('?')[0].removeprefix('/v1/')}"
        fault = self._fault(writes)
        await self.loop.point(f"send {what}")
        trace = request.extensions.get("trace")
        if trace is not None:
            await trace("http11.send_request_headers.started", {})
        body = await request.aread()
        arrived = (request.method, target, dict(request.headers), body)
        if fault == "late":
            await self._late(arrived, what)
        answer = self._arrives(arrived, what, fault)
        if answer.broken == "hang":
            await asyncio.sleep(answer.seconds)
        if answer.broken:
            raise httpx.ReadError("the connection broke")
        await self.loop.point(f"answer {what}")
        return httpx.Response(answer.status, headers=answer.headers, content=answer.body)

    def _fault(self, writes: bool) -> str | None:
        chance: random.Random = self.loop.chance
        if self.away:
            return "drop before"
        likely = self.trouble.chance if writes else self.trouble.reads
        if not self.trouble.left or chance.random() >= likely:
            return None
        self.trouble.left -= 1
        table = ON_THE_WAY if writes else TO_A_READ
        return chance.choices(list(table), weights=list(table.values()))[0]

    async def _late(self, arrived: tuple[str, str, dict[str, str], bytes], what: str) -> None:
        """Stripe gets the request after its sender has given up waiting for the answer."""
        after = SEND_TIMEOUT + self.loop.chance.expovariate(0.1)
        self.loop.call_later(after, self._arrives, arrived, what, "late")
        await asyncio.sleep(1000)

    def _arrives(
        self, arrived: tuple[str, str, dict[str, str], bytes], what: str, fault: str | None
    ) -> Response:
        method, target, headers, body = arrived
        if fault and fault != "late":
            ordered = dict(zip(("kind", "when"), fault.split(), strict=True))
            ordered |= {"method": method, "path": target.partition("?")[0]}
            faults.order(self.sandbox.store, msgspec.convert(ordered, faults.Fault))
        answer = self.sandbox.handle(method, target, headers, body)
        if method == "POST" or fault:
            self._tell(what, headers, answer, fault)
        self.news()
        return answer

    def _tell(self, what: str, headers: dict[str, str], answer: Response, fault: Any) -> None:
        key = headers.get("idempotency-key", "")
        replayed = " replayed" if answer.headers.get("Idempotent-Replayed") else ""
        said = f"{answer.broken or answer.status}{replayed}" + (f" [{fault}]" if fault else "")
        self.story(f"Stripe: {what} key={key[-10:]} -> {said}")

    def story(self, line: str) -> None:
        """Keep a line of what happened, at its instant."""
        self.told.append(f"{self.loop.wall():%d %H:%M:%S.%f}"[:-3] + f"  {line}")

    # What others do at Stripe, without our code.

    def ask(self, method: str, path: str, **params: Any) -> Json:
        """A call of somebody else's: the dashboard, the customer's bank, a control."""
        headers = {"authorization": f"Bearer {SANDBOX_API_KEY}"}
        if path.startswith("/_sandbox"):
            body = json.dumps(params).encode()
        else:
            body = str(httpx.QueryParams(_flat(params))).encode()
        answer = self.sandbox.handle(method, path, headers, b"" if method == "GET" else body)
        found: Json = json.loads(answer.body or b"{}")
        return found

    def objects(self, kind: str) -> list[Json]:
        """Every object of a kind as Stripe has it, oldest first."""
        return self.sandbox.store.find(kind, {}, 1000, newest_first=False)


def _flat(params: Json, prefix: str = "") -> list[tuple[str, str]]:
    pairs: list[tuple[str, str]] = []
    for name, value in params.items():
        full = f"{prefix}[{name}]" if prefix else name
        if isinstance(value, dict):
            pairs += _flat(value, full)
        else:
            pairs.append((full, str(value).lower() if isinstance(value, bool) else str(value)))
    return pairs


class Client(_FencedClient):
    """The product's own transport, whose bytes go over the wire above."""

    def __init__(self, wire: Wire) -> None:
        super().__init__(timeout=SEND_TIMEOUT)
        self._client_async = httpx.AsyncClient(transport=wire)
