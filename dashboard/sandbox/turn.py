"""One request, or one thing falling due: its instant, its ids, and the events it causes."""

import random
import string
from dataclasses import dataclass, replace
from typing import Any

import msgspec

from dashboard import clock
from dashboard.sandbox.answers import API_VERSION, Json, missing, public
from dashboard.sandbox.store import Store

_LETTERS = string.ascii_letters + string.digits
_NO_REQUEST: Json = {"id": None, "idempotency_key": None}


@dataclass(frozen=True, slots=True)
class Turn:
    """What every action of the sandbox needs. `now` is the movable clock, in unix seconds."""

    store: Store
    ids: random.Random
    now: float
    request: Json | None = None

    @property
    def second(self) -> int:
        return int(self.now)

    def at(self, instant: float) -> "Turn":
        """The same sandbox at the instant when something fell due, outside any request."""
        return replace(self, now=instant, request=None)

    def new_id(self, prefix: str) -> str:
        return f"{prefix}_{''.join(self.ids.choices(_LETTERS, k=24))}"

    def get(self, kind: str, name: str, param: str = "id", status: int = 400) -> Json:
        """The object, or Stripe's resource_missing."""
        found = self.store.get(kind, name)
        if found is None:
            raise missing(kind, name, param, status)
        return found

    def later(self, at: float, action: str, target: str) -> None:
        """Have `action` done to `target` when the movable clock reaches `at`."""
        self.store.arrange([(at, action, target)])

    def emit(self, kind: str, thing: Json, previous: Json | None = None) -> None:
        """Record an event with a snapshot of the object, and its delivery."""
        mode = self.store.note("webhook_mode", "send")
        if self.store.note("webhook_url") is None and mode == "send":
            # Without an address the events wait, so that a test can carry them itself.
            mode = "hold"
        data: Json = {"object": public(thing)}
        if previous is not None:
            data["previous_attributes"] = previous
        event: Json = {
            "id": self.new_id("evt"),
            "object": "event",
            "account": None,
            "api_version": API_VERSION,
            "context": None,
            "created": self.second,
            "data": data,
            "livemode": False,
            "pending_webhooks": 0 if mode == "drop" else 1,
            "request": self.request or _NO_REQUEST,
            "type": kind,
        }
        self.store.save(event)
        self._queue(event, mode)

    def _queue(self, event: Json, mode: str) -> None:
        state = {"send": "pending", "hold": "held", "drop": "dropped"}[mode]
        # Deliveries live on wall time: a receiver gets no faster when the clock is moved.
        wall = clock.wall().timestamp()
        body = msgspec.json.encode(event)
        values: tuple[Any, ...] = (event["id"], event["type"], body, state, wall)
        self.store.run(
            "INSERT INTO deliveries (event, type, body, state, created_at, next_attempt_at)"
            " VALUES (?, ?, ?, ?, ?, ?)",
            *values,
            wall if state == "pending" else None,
        )
