"""The core driven in process, without a socket."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import msgspec

from dashboard import clock
from dashboard.sandbox.answers import Response
from dashboard.sandbox.core import Sandbox
from tests.sandbox.server import API_KEY, WEBHOOK_SECRET

Json = dict[str, Any]
NEVER_REDIRECTS: Json = {"automatic_payment_methods": {"enabled": True, "allow_redirects": "never"}}


def flat(params: Json, prefix: str = "") -> list[tuple[str, str]]:
    """Parameters in Stripe's bracket form."""
    pairs: list[tuple[str, str]] = []
    for name, value in params.items():
        full = f"{prefix}[{name}]" if prefix else name
        if isinstance(value, dict):
            pairs += flat(value, full)
        elif isinstance(value, list):
            pairs += flat({str(n): item for n, item in enumerate(value)}, full)
        else:
            pairs.append((full, str(value).lower() if isinstance(value, bool) else str(value)))
    return pairs


@dataclass(frozen=True)
class Direct:
    """The core with the words of the tests."""

    core: Sandbox

    def ask(
        self, method: str, path: str, params: Json | None = None, key: str | None = None
    ) -> Response:
        headers = {"Authorization": f"Bearer {API_KEY}"}
        if key is not None:
            headers["Idempotency-Key"] = key
        form = urlencode(flat(params or {}))
        if method == "GET":
            return self.core.handle(method, f"/v1/{path}?{form}", headers, b"")
        return self.core.handle(method, f"/v1/{path}", headers, form.encode())

    def get(self, path: str, **params: Any) -> Json:
        answer = self.ask("GET", path, params)
        assert answer.status == 200, answer.body
        return answer.json()

    def post(self, path: str, key: str | None = None, **params: Any) -> Json:
        answer = self.ask("POST", path, params, key)
        assert answer.status == 200, answer.body
        return answer.json()

    def refused(self, path: str, status: int = 400, **params: Any) -> Json:
        """The error of a POST that must be refused."""
        answer = self.ask("POST", path, params)
        assert answer.status == status, answer.body
        error: Json = answer.json()["error"]
        return error

    def control(self, method: str, path: str, body: Json | None = None) -> Json:
        encoded = msgspec.json.encode(body or {})
        answer = self.core.handle(method, f"/_sandbox/{path}", {}, encoded)
        assert answer.status == 200, answer.body
        return answer.json()

    def intent(self, card: str = "pm_card_visa", **more: Any) -> Json:
        """A confirmed intent; by default a hold of 10.00 USD."""
        params: Json = {
            "amount": 1000,
            "currency": "usd",
            "capture_method": "manual",
            "payment_method": card,
            "confirm": True,
        }
        return self.post("payment_intents", **(params | NEVER_REDIRECTS | more))

    def declined(self, card: str, **more: Any) -> Json:
        """The error of a create and confirm with this card."""
        params: Json = {"amount": 1000, "currency": "usd", "payment_method": card, "confirm": True}
        return self.refused("payment_intents", 402, **(params | NEVER_REDIRECTS | more))

    def paid(self, card: str = "pm_card_visa", **more: Any) -> Json:
        """An intent that was captured at once."""
        return self.intent(card, capture_method="automatic", **more)

    def advance(self, seconds: float) -> None:
        self.control("POST", "clock", {"advance": seconds})

    def move_to(self, instant: float) -> None:
        self.control("POST", "clock", {"to": instant})

    def event_types(self) -> list[str]:
        """The types of all events so far, oldest first."""
        found = self.get("events", limit=100)["data"]
        return [event["type"] for event in reversed(found)]


@contextmanager
def direct_sandbox(path: Path) -> Iterator[Direct]:
    """A core on a state file in `path`, with a clock of its own."""
    before = clock._offset_file
    clock.follow(path / "clock")
    core = Sandbox(path / "sandbox.sqlite", api_key=API_KEY, webhook_secret=WEBHOOK_SECRET, seed=7)
    try:
        yield Direct(core)
    finally:
        core.close()
        clock.follow(before)
