"""The only door to Stripe: the SDK's calls in our words, paced, with our reading of its answers."""

import asyncio
import contextlib
import functools
from collections.abc import AsyncIterator
from contextvars import ContextVar
from datetime import datetime
from typing import Any

import httpx
import stripe
from aiolimiter import AsyncLimiter

from dashboard import clock, db, signatures
from dashboard import stripe_reading as read
from dashboard.settings import Settings
from dashboard.snapshots import Answer, Call, Intent, Refusal, Setup
from dashboard.stripe_account import account_of

API_VERSION = stripe.api_version
READ_TIMEOUT = 10.0
SEND_TIMEOUT = 20.0
SHARES = {"web": 0.25, "worker": 0.75}
_EXPAND = ["latest_charge.balance_transaction"]
_deadline: ContextVar[float | None] = ContextVar("send_deadline", default=None)


class Unreachable(Exception):
    """Stripe could not be read. Nothing was moved by the attempt."""


class NotThere(Exception):
    """Stripe knows no such object for this key."""


class StripeGateway:
    """One client for one event loop."""

    def __init__(
        self, settings: Settings, *, door: str = "web", http_client: Any | None = None
    ) -> None:
        self.account = account_of(settings)
        self._secrets = settings.webhook_secrets
        rate = settings.stripe_rate_per_second * SHARES[door]
        # One token at a time spaces the calls evenly: a burst is what Stripe answers with 429.
        self._pace = AsyncLimiter(1, 1 / rate)
        self._http = http_client or _FencedClient(timeout=SEND_TIMEOUT)
        client = stripe.StripeClient(
            settings.stripe_api_key,
            base_addresses={"api": settings.stripe_api_base},
            max_network_retries=0,
            http_client=self._http,
        )
        self._api = client.v1

    async def close(self) -> None:
        await self._http.close_async()

    async def send(self, call: Call, *, key: str, api_version: str, deadline: float) -> Answer:
        """Send a mutation once, unless `deadline` (boot seconds) has passed before the write.

        Never retried here; whatever does not settle the operation comes back as `unclear`.
        """
        db.require_no_transaction("a call to Stripe")
        options: Any = {"idempotency_key": key, "stripe_version": api_version}
        token = _deadline.set(deadline)
        try:
            async with asyncio.timeout(SEND_TIMEOUT):
                await self._pace.acquire()
                done = await self._perform(call, options)
        except stripe.StripeError as error:
            return _answer(error)
        except TimeoutError:
            return Answer("unclear", why="no answer in time")
        finally:
            _deadline.reset(token)
        return Answer("done", object_id=done.id)

    async def _perform(self, call: Call, options: Any) -> Any:
        intents, params = self._api.payment_intents, call.params
        if call.kind == "create":
            return await intents.create_async(params, options)  # type: ignore[arg-type]
        if call.kind == "refund":
            return await self._api.refunds.create_async(params, options)  # type: ignore[arg-type]
        target = _object_id(call.target)
        if call.kind == "capture":
            return await intents.capture_async(target, params, options)  # type: ignore[arg-type]
        return await intents.cancel_async(target, params, options)  # type: ignore[arg-type]

    async def fetch(self, intent_id: str) -> Intent:
        """The intent as it stands, with its latest charge, all refunds and its disputes.

        Raises NotThere, or Unreachable for anything that is no clear answer.
        """
        target = _object_id(intent_id)
        async with self._reading():
            raw: Any = await self._api.payment_intents.retrieve_async(
                target, {"expand": _EXPAND}, _RETRY
            )
        return await self._complete(raw)

    async def _complete(self, raw: Any) -> Intent:
        refunds, disputes, of_it = [], [], {"payment_intent": raw.id}
        latest = raw.latest_charge
        if latest is not None and latest.captured:
            refunds = [read.refund(item) async for item in self._pages("refunds", of_it)]
            if latest.disputed:
                disputes = [read.dispute(item) async for item in self._pages("disputes", of_it)]
        return read.intent(raw, refunds, disputes, clock.now())

    async def _pages(self, collection: str, params: dict[str, Any]) -> AsyncIterator[Any]:
        """Every object of a collection, page by page, the newest first."""
        after: dict[str, str] | None = {}
        while after is not None:
            found, more = await self.page(collection, {**params, **after})
            for item in found:
                yield item
            after = {"starting_after": found[-1].id} if more else None

    async def page(self, collection: str, params: dict[str, Any]) -> tuple[list[Any], bool]:
        """At most 100 of the SDK's objects, the newest first, and whether more follow them."""
        async with self._reading():
            wanted: Any = {**params, "limit": 100}
            found = await getattr(self._api, collection).list_async(wanted, _RETRY)
        return list(found.data), bool(found.has_more)

    async def find_created(self, customer: str, operation_id: str, since: datetime) -> str | None:
        """The id of the intent that `operation_id` created for `customer` since then, if any."""
        params = {"customer": customer, "created": {"gte": int(since.timestamp())}}
        async for raw in self._pages("payment_intents", params):
            if read.operation_of(raw) == operation_id:
                return str(raw.id)
        return None

    async def save_card(self, params: dict[str, Any], *, key: str) -> Setup:
        """Save a card for later, which moves no money. Raises Unreachable, also when unclear."""
        options: Any = {"idempotency_key": key, **_RETRY}
        try:
            async with self._reading():
                raw = await self._api.setup_intents.create_async(params, options)  # type: ignore[arg-type]
        except Unreachable as error:
            cause = error.__cause__
            if isinstance(cause, stripe.StripeError) and _answer(cause).outcome == "refused":
                return Setup("", "refused", refusal=_answer(cause).refusal)
            raise
        return read.setup(raw)

    async def fetch_setup(self, setup_id: str) -> Setup:
        """How the saving of a card stands. Raises NotThere and Unreachable."""
        async with self._reading():
            raw = await self._api.setup_intents.retrieve_async(_object_id(setup_id), {}, _RETRY)
        return read.setup(raw)

    async def create_customer(self, *, name: str, email: str, key: str) -> str:
        """Make a Customer, or find the one that the same key made; answers its id."""
        options: Any = {"idempotency_key": key, **_RETRY}
        async with self._reading():
            made = await self._api.customers.create_async({"name": name, "email": email}, options)
        return str(made.id)

    @contextlib.asynccontextmanager
    async def _reading(self) -> AsyncIterator[None]:
        db.require_no_transaction("a call to Stripe")
        try:
            async with asyncio.timeout(READ_TIMEOUT):
                await self._pace.acquire()
                yield
        except stripe.InvalidRequestError as error:
            if error.http_status == 404 or error.code == "resource_missing":
                raise NotThere(str(error.user_message)) from error
            raise Unreachable(str(error.user_message)) from error
        except stripe.StripeError as error:
            raise Unreachable(type(error).__name__) from error
        except TimeoutError as error:
            raise Unreachable("no answer in time") from error

    def verify_webhook(self, body: bytes, signature: str | None) -> int:
        """Which of our secrets signed `body` in the last 300 seconds, 1 being the first.

        Raises ForgedWebhook if none did. A signature is made with wall time and checked with it,
        also where our clock is moved.
        """
        return signatures.signed_by(self._secrets, signature, functools.partial(_signed, body))


def _signed(body: bytes, signature: str, secret: str, within: int | None) -> bool:
    with contextlib.suppress(stripe.SignatureVerificationError, ValueError, UnicodeDecodeError):
        return bool(stripe.WebhookSignature.verify_header(body, signature, secret, within))
    return False


_RETRY: Any = {"max_network_retries": 2}


class _FencedClient(stripe.HTTPXClient):
    """The SDK's transport, with a fence: past the deadline nothing is written any more."""

    async def request_async(
        self, method: str, url: str, headers: Any, post_data: Any = None
    ) -> Any:
        args, kwargs = self._get_request_args_kwargs(method, url, headers, post_data)
        # httpx has deprecated raw bodies under `data`, where the SDK puts them.
        kwargs["content"] = kwargs.pop("data") or None
        try:
            response = await self._client_async.request(
                *args, extensions={"trace": _fence}, **kwargs
            )
        except (httpx.HTTPError, httpx.StreamError, OSError) as error:
            self._handle_request_error(error)
        return response.content, response.status_code, response.headers


async def _fence(name: str, _info: dict[str, Any]) -> None:
    deadline = _deadline.get()
    if deadline is None or not name.endswith("send_request_headers.started"):
        return
    if clock.boot_seconds() > deadline:
        raise httpx.WriteTimeout("the lease ran out before the request was written")


def _answer(error: stripe.StripeError) -> Answer:
    """Which errors settle an operation: 402, and 400 other than a misused key. No others."""
    # A body without an error of Stripe's is a proxy's.
    status, detail = error.http_status, error.error
    misused = isinstance(error, stripe.IdempotencyError)
    if detail is not None and (status == 402 or (status == 400 and not misused)):
        said = read.refusal(detail) or Refusal("error", str(error.user_message))
        return Answer("refused", refusal=said)
    replayed = str((error.headers or {}).get("idempotent-replayed", "")).lower() == "true"
    return Answer(
        "unclear",
        why=f"{type(error).__name__} {status or ''}".strip(),
        replayed_error=replayed and status is not None and status >= 500,
    )


def _object_id(value: str | None) -> str:
    # The SDK would ask for the whole collection if the id were empty.
    if not value:
        raise ValueError("an object id is needed")
    return value


_gateway: StripeGateway | None = None


def use(gateway: StripeGateway | None) -> None:
    """Make `gateway` the one that this process talks through."""
    global _gateway
    _gateway = gateway


def gateway() -> StripeGateway:
    """The process's gateway; raises RuntimeError before `use`."""
    if _gateway is None:
        raise RuntimeError("no gateway is open in this process")
    return _gateway
