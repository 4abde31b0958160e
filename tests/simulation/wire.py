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
from dashboard.settings import SANDBOX_API_KEY, Settings
from dashboard.stripe_gateway import SEND_TIMEOUT, _FencedClient
from tests.simulation.virtual import Loop

Json = dict[str, Any]
ADDRESS = Settings().stripe_api_base
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
# A sender that sleeps between the look at its lease and the write finds its connection closed when
# it wakes: the other end waits no longer than this. What it writes before that arrives.
CUT_AFTER = 60.0
TO_A_READ = {"drop before": 2, "500 before": 1, "429 before": 1, "hang before": 1}


@dataclass
class Trouble:
    """How likely a request meets trouble, and how often that may happen in this schedule."""

    chance: float = 0.0
    reads: float = 0.0
    left: int = 0
    # Trouble seldom comes alone: the try after a lost answer is likely to meet some as well.
    lasting: bool = False


@dataclass
class Request:
    """One request of the SDK, as it would go over the wire."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes

    @property
    def what(self) -> str:
        return f"{self.method} {self.target.partition('?')[0].removeprefix('/v1/')}"


@dataclass
class Reply:
    """As much of a response as the SDK looks at."""

    status_code: int
    headers: httpx.Headers
    content: bytes


class Wire:
    """In the place of httpx's client, without its machinery. One Stripe account per schedule."""

    def __init__(self, loop: Loop) -> None:
        self.loop = loop
        self.told: list[str] = []
        self._ids = random.Random(0)
        self.sandbox = Sandbox(":memory:", api_key=SANDBOX_API_KEY, seed=0)
        self.sandbox._ids = self._ids
        self.fresh(0)

    def fresh(self, seed: int) -> None:
        """An empty account; its ids come from the seed."""
        self._ids.seed(seed)
        with self.sandbox.store.transaction():
            self.sandbox.store.wipe()
            self.sandbox.store.run("DELETE FROM sqlite_sequence")
        self.sandbox.keys.forget_hanging()
        self.trouble = Trouble()
        self.away = False
        # Called after everything that Stripe has done: there may be events to carry.
        self.news: Callable[[], None] = lambda: None
        # Called whenever something may have changed there, whoever did it.
        self.moved: Callable[[], None] = lambda: None
        self.told.clear()

    async def request(
        self, method: str, url: str, *, headers: Any, content: Any, extensions: Any, **_limits: Any
    ) -> Reply:
        """What the SDK's transport asks of httpx; raises httpx's errors."""
        target = url.removeprefix(ADDRESS)
        lower = {name.lower(): value for name, value in headers.items()}
        body = content.encode() if isinstance(content, str) else content or b""
        request = Request(method.upper(), target, lower, body)
        fault = self._fault(request.method == "POST")
        await self.loop.point(f"send {request.what}")
        # httpx calls it in the moment before it writes: there stands the product's fence.
        await extensions["trace"]("http11.send_request_headers.started", {})
        written = self.loop.now + CUT_AFTER
        await self.loop.point(f"write {request.what}")
        if self.loop.now > written:
            raise httpx.WriteError("the connection was closed meanwhile")
        if fault == "late":
            await self._late(request)
        answer = self._arrives(request, fault)
        if answer.broken == "hang":
            await asyncio.sleep(answer.seconds)
        if answer.broken:
            raise httpx.ReadError("the connection broke")
        await self.loop.point(f"answer {request.what}")
        return Reply(answer.status, httpx.Headers(answer.headers), answer.body)

    def _fault(self, writes: bool) -> str | None:
        chance: random.Random = self.loop.chance
        if self.away:
            return "drop before"
        likely = self.trouble.chance if writes else self.trouble.reads
        if writes and self.trouble.lasting:
            likely = 0.6
        hit = self.trouble.left > 0 and chance.random() < likely
        if writes:
            self.trouble.lasting = hit
        if not hit:
            return None
        self.trouble.left -= 1
        table = ON_THE_WAY if writes else TO_A_READ
        return chance.choices(list(table), weights=list(table.values()))[0]

    async def _late(self, request: Request) -> None:
        """Stripe gets the request after its sender has given up waiting for the answer."""
        after = SEND_TIMEOUT + self.loop.chance.expovariate(0.1)
        timer = self.loop.call_later(after, self._arrives, request, "late")
        # What is on its way does not sleep with its sender.
        timer.process = self.loop.harness  # type: ignore[attr-defined]
        await asyncio.sleep(1000)

    def _arrives(self, request: Request, fault: str | None) -> Response:
        path = request.target.partition("?")[0]
        if fault and fault != "late":
            ordered = dict(zip(("kind", "when"), fault.split(), strict=True))
            ordered |= {"method": request.method, "path": path}
            faults.order(self.sandbox.store, msgspec.convert(ordered, faults.Fault))
        answer = self.sandbox.handle(request.method, request.target, request.headers, request.body)
        self.moved()
        if request.method == "POST" or fault:
            self._tell(request, answer, fault)
        self.news()
        return answer

    def _tell(self, request: Request, answer: Response, fault: str | None) -> None:
        key = request.headers.get("idempotency-key", "")
        replayed = " replayed" if answer.headers.get("Idempotent-Replayed") else ""
        said = f"{answer.broken or answer.status}{replayed}" + (f" [{fault}]" if fault else "")
        self.story(f"Stripe: {request.what} key={key[-10:]} -> {said}")

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
        self.moved()
        found: Json = json.loads(answer.body or b"{}")
        return found

    def tick(self) -> None:
        """What time has made due at Stripe happens there."""
        self.sandbox.tick()
        self.moved()

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
        self._client_async = wire
