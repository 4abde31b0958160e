"""A real SMTP server on loopback, with a temper: it refuses, stalls, hangs up, or wants TLS."""

import asyncio
import ssl
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

PASSWORD = "pass:word/"


@dataclass
class Office:
    """What arrived, and how the next messages are treated.

    `replies` are answers to RCPT by address. `after_data` is done once a message has arrived; a
    text that it answers is the answer to the last dot.
    """

    port: int = 0
    received: list[EmailMessage] = field(default_factory=list)
    envelopes: list[tuple[str, list[str]]] = field(default_factory=list)
    connections: int = 0
    replies: dict[str, str] = field(default_factory=dict)
    after_data: Callable[[SMTP], str | None] | None = None
    stalled: bool = False
    logins: list[tuple[str, str]] = field(default_factory=list)
    encrypted: list[bool] = field(default_factory=list)

    def url(self, scheme: str = "smtp", user: str = "") -> str:
        return f"{scheme}://{f'{user}@' if user else ''}localhost:{self.port}"

    @property
    def ids(self) -> list[str]:
        return [str(mail["Message-ID"]) for mail in self.received]

    # What aiosmtpd asks of a handler, by its names.

    async def handle_MAIL(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if self.stalled:
            await asyncio.sleep(3600)
        envelope.mail_from = address
        return "250 OK"

    async def handle_RCPT(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if address in self.replies:
            return self.replies[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope
    ) -> str:
        assert isinstance(envelope.content, bytes)
        mail = message_from_bytes(envelope.content, policy=policy.default)
        assert isinstance(mail, EmailMessage)
        self.received.append(mail)
        self.envelopes.append((str(envelope.mail_from), list(envelope.rcpt_tos)))
        assert server.transport is not None
        self.encrypted.append(server.transport.get_extra_info("ssl_object") is not None)
        said = self.after_data(server) if self.after_data else None
        return said or "250 OK"

    def check(self, server: SMTP, session: Session, envelope: Envelope, how: str, data: Any) -> Any:
        assert isinstance(data, LoginPassword)
        self.logins.append((data.login.decode(), data.password.decode()))
        return AuthResult(success=data.password == PASSWORD.encode(), handled=False)


def hang_up(server: SMTP) -> None:
    """Cut the line, as a server that dies does."""
    assert server.transport is not None
    server.transport.abort()


@contextmanager
def office(
    tls: ssl.SSLContext | None = None,
    *,
    implicit: bool = False,
    required: bool = False,
    port: int = 0,
) -> Iterator[Office]:
    """A server for the length of the block, in a thread and a loop of its own, on a free port.

    With `tls` it offers STARTTLS, insists on it if `required`, or speaks it at once if `implicit`.
    """
    made = Office()
    loop = asyncio.new_event_loop()
    starttls = {"tls_context": tls, "require_starttls": required} if not implicit else {}

    def greet() -> SMTP:
        made.connections += 1
        return SMTP(
            made,
            loop=loop,
            authenticator=made.check,
            auth_require_tls=False,
            enable_SMTPUTF8=False,
            **starttls,
        )

    async def listen() -> asyncio.Server:
        return await loop.create_server(greet, "127.0.0.1", port, ssl=tls if implicit else None)

    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    server = asyncio.run_coroutine_threadsafe(listen(), loop).result(10)
    made.port = server.sockets[0].getsockname()[1]
    try:
        yield made
    finally:
        asyncio.run_coroutine_threadsafe(_end(server), loop).result(10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        loop.close()


async def _end(server: asyncio.Server) -> None:
    server.close()
    rest = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
    for task in rest:
        task.cancel()
    await asyncio.gather(*rest, return_exceptions=True)


def certificate(folder: Path, name: str = "localhost") -> tuple[Path, ssl.SSLContext]:
    """A certificate of our own for `name`: its file, to be trusted, and a server's context."""
    key, file = folder / f"{name}.key", folder / f"{name}.pem"
    words = f"req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN={name}".split()
    subject = ["-addext", f"subjectAltName=DNS:{name}", "-keyout", str(key), "-out", str(file)]
    subprocess.run(["openssl", *words, *subject], check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file, key)
    return file, context
