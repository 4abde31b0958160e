"""A running sandbox for tests: uvicorn in a thread, on a free port, with a clock of its own."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import stripe
import uvicorn

from dashboard import clock
from dashboard.sandbox.server import KEEP_ALIVE, create_app

API_KEY = "sk_test_sandbox"
WEBHOOK_SECRET = "whsec_sandbox"
Json = dict[str, Any]


@dataclass(frozen=True)
class RunningSandbox:
    """The address of a sandbox and its controls."""

    url: str
    api_key: str
    webhook_secret: str
    http: httpx.Client
    # The file with everything it knows, for a test that needs more of it than requests can make.
    state_file: Path

    def stripe(self, **options: Any) -> stripe.StripeClient:
        """The real SDK, pointed here."""
        return stripe.StripeClient(self.api_key, base_addresses={"api": self.url}, **options)

    def control(
        self, method: str, path: str, body: Json | None = None, query: Json | None = None
    ) -> Json:
        """Any control; raises for an answer that is not a success."""
        answer = self.http.request(method, f"/_sandbox/{path}", json=body, params=query or {})
        answer.raise_for_status()
        decoded: Json = answer.json()
        return decoded

    def now(self) -> float:
        """The movable clock, in unix seconds."""
        return float(self.control("GET", "clock")["now"])

    def advance(self, seconds: float) -> float:
        """Move the clock forward; what falls due has happened when this returns."""
        return float(self.control("POST", "clock", {"advance": seconds})["now"])

    def move_to(self, instant: float) -> float:
        return float(self.control("POST", "clock", {"to": instant})["now"])

    def fault(self, when: str, kind: str, path: str = "/v1/*", **more: Any) -> None:
        """Order trouble for the next POST to `path` (an fnmatch pattern)."""
        order = {"when": when, "kind": kind, "path": path, "method": "POST"}
        self.control("POST", "faults", order | more)

    def webhooks(self, mode: str, **more: str) -> None:
        """`send`, `hold` or `drop` from now on."""
        self.control("POST", "webhooks", {"mode": mode, **more})

    def deliveries(self, state: str | None = None, after: int = 0) -> list[Json]:
        """Deliveries in the order of their creation, with `body` and a fresh `signature`."""
        query: Json = {"after": after} if state is None else {"after": after, "state": state}
        found: list[Json] = self.control("GET", "deliveries", query=query)["deliveries"]
        return found

    def deliver(self, delivery: int, times: int = 1) -> list[int | None]:
        """Send one delivery now, as often as asked; the receiver's statuses."""
        sent = self.control("POST", f"deliveries/{delivery}/send", {"times": times})
        statuses: list[int | None] = sent["statuses"]
        return statuses

    def release(self, order: str = "created") -> None:
        """Send everything that is held, in the order of creation or in `reverse`."""
        self.control("POST", "deliveries/release", {"order": order})

    def drain(self) -> Json:
        """Wait until no delivery is pending; the counts by state."""
        return self.control("POST", "deliveries/drain")

    def requests(self) -> list[Json]:
        """The log of the mutating requests, oldest first."""
        found: list[Json] = self.control("GET", "requests")["requests"]
        return found

    def authenticate(self, intent: str, success: bool = True) -> Json:
        """The customer completes or fails 3-D Secure."""
        result = "success" if success else "failure"
        return self.control("POST", f"intents/{intent}/authenticate", {"result": result})

    def next_authorization(self, seconds_from_now: float | None) -> None:
        """Let the next hold end then; None hides its `capture_before`."""
        self.control("POST", "next_authorization", {"capture_before": seconds_from_now})

    def reset(self) -> None:
        self.control("POST", "reset")


@contextmanager
def running_sandbox(
    tmp_path: Path,
    webhook_url: str | None = None,
    *,
    port: int | None = None,
    clock_file: Path | None = None,
) -> Iterator[RunningSandbox]:
    """A sandbox whose state lives in `tmp_path`; entered again, it goes on where it stopped.

    The product's clock of this process follows `clock_file` (by default `tmp_path/"clock"`) while
    it runs. Without a `webhook_url` the deliveries are held until one is set.
    """
    before = clock._offset_file
    app = create_app(
        state_file=tmp_path / "sandbox.sqlite",
        clock_file=clock_file or tmp_path / "clock",
        api_key=API_KEY,
        webhook_url=webhook_url,
        webhook_secret=WEBHOOK_SECRET,
    )
    listener = socket.create_server(("127.0.0.1", port or 0))
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    config = uvicorn.Config(
        app,
        log_level="warning",
        access_log=False,
        timeout_keep_alive=KEEP_ALIVE,
        timeout_graceful_shutdown=1,
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, args=([listener],), daemon=True)
    thread.start()
    try:
        _wait_until(lambda: server.started)
        with httpx.Client(base_url=url, timeout=30.0, trust_env=False) as http:
            yield RunningSandbox(url, API_KEY, WEBHOOK_SECRET, http, tmp_path / "sandbox.sqlite")
    finally:
        server.should_exit = True
        thread.join(10)
        listener.close()
        clock.follow(before)


def _wait_until(condition: Any) -> None:
    ends_at = time.monotonic() + 10
    while not condition():
        if time.monotonic() > ends_at:
            raise TimeoutError("the sandbox did not start")
        time.sleep(0.01)
