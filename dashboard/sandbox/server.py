"""The sandbox on a socket: a thin ASGI door over the core, and the loops beside it."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, MutableMapping
from pathlib import Path
from typing import Any

import msgspec
import uvicorn

from dashboard import clock
from dashboard.sandbox.answers import Response, answer
from dashboard.sandbox.core import Sandbox
from dashboard.sandbox.delivery import Courier
from dashboard.settings import LOOPBACK, Settings

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

_TICK = 0.25
# Seconds. Stripe's clients let an idle connection go after five: a server that lets go at the
# same time loses what was sent at that moment, and how a movement ended is unknown without need.
KEEP_ALIVE = 75


class _Times(msgspec.Struct, forbid_unknown_fields=True):
    times: int = 1


class _Order(msgspec.Struct, forbid_unknown_fields=True):
    order: str = "created"


class Door:
    """The ASGI application. Requests are answered one at a time; only trouble is awaited."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        self._courier: Courier | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._lifespan(receive, send)
        elif scope["type"] == "http":
            body = await _body(receive)
            if body is not None:
                await _give(await self._answer(scope, body), receive, send)

    async def _lifespan(self, receive: Receive, send: Send) -> None:
        await receive()
        self._courier = Courier(self.sandbox.store)
        loops = [asyncio.create_task(self._courier.run()), asyncio.create_task(self._tick())]
        await send({"type": "lifespan.startup.complete"})
        await receive()
        for task in loops:
            task.cancel()
        await asyncio.gather(*loops, return_exceptions=True)
        self.sandbox.close()
        await send({"type": "lifespan.shutdown.complete"})

    async def _tick(self) -> None:
        while True:
            if self.sandbox.tick():
                self._wake()
            await asyncio.sleep(_TICK)

    def _wake(self) -> None:
        if self._courier is not None:
            self._courier.wake()

    async def _answer(self, scope: Scope, body: bytes) -> Response:
        headers = {name.decode("latin-1"): v.decode("latin-1") for name, v in scope["headers"]}
        path = str(scope["path"])
        if path.startswith("/_sandbox/"):
            if not _local(scope, headers):
                return answer(403, {"error": "The controls are for this machine only."})
            carried = await self._carry(scope["method"], path, body)
            if carried is not None:
                return carried
        query = scope["query_string"].decode("latin-1")
        target = f"{path}?{query}" if query else path
        response = self.sandbox.handle(scope["method"], target, headers, body)
        self._wake()
        return response

    async def _carry(self, method: str, path: str, body: bytes) -> Response | None:
        """The controls that send webhooks by themselves; None for all others."""
        parts = path.removeprefix("/_sandbox/").split("/")
        sends = parts[0] == "deliveries" and parts[-1] in ("drain", "release", "send")
        if method != "POST" or not sends or self._courier is None:
            return None
        try:
            return answer(200, await self._carried(self._courier, parts[1:], body or b"{}"))
        except (msgspec.ValidationError, msgspec.DecodeError, ValueError) as error:
            return answer(400, {"error": str(error)})
        except LookupError as error:
            return answer(404, {"error": str(error)})

    async def _carried(self, courier: Courier, parts: list[str], body: bytes) -> object:
        if parts == ["drain"]:
            return await courier.drain()
        if parts == ["release"]:
            order = msgspec.json.decode(body, type=_Order).order
            return {"statuses": await courier.release(reverse=order == "reverse")}
        if len(parts) == 2 and parts[1] == "send" and parts[0].isdigit():
            times = msgspec.json.decode(body, type=_Times).times
            return {"statuses": await courier.send_again(int(parts[0]), times)}
        raise LookupError("There is no such control.")


def _local(scope: Scope, headers: dict[str, str]) -> bool:
    """From this machine, and not from a web page that was merely opened on it."""
    client = scope.get("client")
    host = headers.get("host", "").rpartition(":")[0] or headers.get("host", "")
    return (
        (client is None or client[0] in LOOPBACK)
        and host.strip("[]") in LOOPBACK
        and "origin" not in headers
    )


async def _body(receive: Receive) -> bytes | None:
    """The whole body; None when the client went away before it had sent all of it."""
    body: bytes = b""
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        body += bytes(message.get("body", b""))
        if not message.get("more_body"):
            return body


async def _give(response: Response, receive: Receive, send: Send) -> None:
    if response.broken is not None:
        await _break_off(response, receive, send)
        return
    headers = [(name.lower().encode(), value.encode()) for name, value in response.headers.items()]
    headers.append((b"content-length", str(len(response.body)).encode()))
    await send({"type": "http.response.start", "status": response.status, "headers": headers})
    await send({"type": "http.response.body", "body": response.body})


async def _break_off(response: Response, receive: Receive, send: Send) -> None:
    """Hang as long as ordered, then close the connection without an answer."""
    if response.broken == "hang":
        # A server that stops cancels what still hangs: that, too, ends without an answer.
        with contextlib.suppress(TimeoutError, asyncio.CancelledError):
            await asyncio.wait_for(_gone(receive), response.seconds)
    # ASGI has no word for this: the server's own transport hangs behind its `send`.
    cycle: Any = getattr(send, "__self__", None)
    cycle.transport.abort()
    await _gone(receive)


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def create_app(
    *,
    state_file: Path,
    clock_file: Path | None = None,
    api_key: str,
    webhook_url: str | None = None,
    webhook_secret: str | None = None,
) -> Door:
    """The sandbox as an ASGI application; `clock_file` is the movable clock that it follows."""
    if clock_file is not None:
        clock.follow(clock_file)
    return Door(
        Sandbox(
            state_file,
            api_key=api_key,
            webhook_url=webhook_url,
            webhook_secret=webhook_secret,
        )
    )


def serve(settings: Settings) -> None:
    """Run the sandbox on 127.0.0.1 until it is told to stop."""
    app = create_app(
        state_file=settings.var_dir / "sandbox.sqlite",
        clock_file=settings.clock_file,
        api_key=settings.stripe_api_key,
        webhook_url=f"{settings.base_url}/webhooks/stripe",
        webhook_secret=",".join(settings.webhook_secrets),
    )
    uvicorn.run(
        app,
        host="127.0.0.1",
        port=settings.sandbox_port,
        log_level="warning",
        access_log=False,
        # Who is on this machine must not be told by a header.
        proxy_headers=False,
        timeout_keep_alive=KEEP_ALIVE,
        timeout_graceful_shutdown=2,
    )
