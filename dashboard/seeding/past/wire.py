"""What is told to the sandbox, and what it shows: the form of both, and the way there."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import httpx
import msgspec

from dashboard import stripe_reading as read
from dashboard.settings import Settings
from dashboard.snapshots import Intent, Setup

# The sandbox answers one request at a time, and a thousand stories take it a second.
_PATIENCE = 120.0


class Act(msgspec.Struct, omit_defaults=True):
    """One act of a story, as the sandbox's control takes it."""

    at: float
    do: str
    given: dict[str, Any] = {}
    target: int = 0
    life: float | None = None
    decided_after: float | None = None


class _Moved(msgspec.Struct):
    id: str
    amount: int
    currency: str
    created: int
    fee: int


class _Card(msgspec.Struct):
    capture_before: int | None = None


class _Details(msgspec.Struct):
    card: _Card | None = None


class _Charge(msgspec.Struct):
    id: str
    created: int
    status: str
    amount: int
    captured: bool
    amount_captured: int
    disputed: bool
    failure_code: str | None
    failure_message: str | None
    payment_method_details: _Details
    balance_transaction: _Moved | None


class _Error(msgspec.Struct):
    type: str
    message: str
    code: str | None = None
    decline_code: str | None = None
    charge: str | None = None


class _Intent(msgspec.Struct):
    id: str
    status: str
    currency: str
    amount: int
    amount_received: int
    capture_method: str
    created: int
    latest_charge: _Charge | None
    payment_method: str | None
    canceled_at: int | None
    cancellation_reason: str | None
    last_payment_error: _Error | None
    metadata: dict[str, str]
    client_secret: str


class _Refund(msgspec.Struct):
    id: str
    amount: int
    status: str
    created: int
    reason: str | None
    metadata: dict[str, str]
    failure_reason: str | None = None


class _Evidence(msgspec.Struct):
    due_by: int | None


class _Dispute(msgspec.Struct):
    id: str
    amount: int
    currency: str
    status: str
    reason: str
    created: int
    evidence_details: _Evidence
    balance_transactions: list[_Moved]


class _Shown(msgspec.Struct):
    intent: _Intent
    refunds: list[_Refund]
    disputes: list[_Dispute]


class _Setup(msgspec.Struct):
    id: str
    status: str
    payment_method: str | None
    last_setup_error: _Error | None
    client_secret: str


class _Named(msgspec.Struct):
    id: str


class _Told(msgspec.Struct):
    stories: list[list[msgspec.Raw]]


def intent(shown: msgspec.Raw, at: datetime) -> Intent:
    """An intent as the gateway would have fetched it at `at`."""
    raw = msgspec.json.decode(shown, type=_Shown)
    latest = raw.intent.latest_charge
    captured = latest is not None and latest.captured
    disputed = latest is not None and latest.disputed
    refunds = [read.refund(one) for one in raw.refunds] if captured else []
    disputes = [read.dispute(one) for one in raw.disputes] if disputed else []
    return read.intent(raw.intent, refunds, disputes, at)


def setup(shown: msgspec.Raw) -> Setup:
    """How the saving of a card stood."""
    return read.setup(msgspec.json.decode(shown, type=_Setup))


def name(shown: msgspec.Raw) -> str:
    """The id of the object that was made."""
    return msgspec.json.decode(shown, type=_Named).id


class Refused(Exception):
    """The sandbox would not have a past: the message says why."""


class Teller:
    """The sandbox's ear for stories, for the length of a `with` block."""

    def __init__(self, settings: Settings) -> None:
        self._http = httpx.AsyncClient(
            base_url=settings.stripe_api_base, timeout=_PATIENCE, trust_env=False
        )

    async def __aenter__(self) -> "Teller":
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._http.aclose()

    async def tell(
        self, seed: str, until: datetime, stories: Sequence[Sequence[Act]]
    ) -> list[list[msgspec.Raw]]:
        """Tell stories up to `until`; answers what Stripe would have shown after each act."""
        body = msgspec.json.encode({"seed": seed, "until": until.timestamp(), "stories": stories})
        answer = await self._http.post("/_sandbox/history", content=body)
        if answer.status_code == 400:
            raise Refused(str(answer.json()["error"]))
        answer.raise_for_status()
        return msgspec.json.decode(answer.content, type=_Told).stories
