"""Where a process of ours can be made to die: before and after each commit and each call to Stripe.

The product knows nothing of this: its engines and its transport are wrapped from outside, in the
processes that `tests.kill.child` starts. What shall happen stands in an order file, which is looked
for at every point; what was passed is told in a journal, which outlives the process.
"""

import json
import os
import signal
import threading
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from dashboard import postgres_engine, sqlite_connections, sqlite_engine, stripe_gateway
from dashboard.sqlite_connections import writes
from jobs import schedule


class Points:
    """Counts the points that this process passes, and dies at the one that is ordered."""

    def __init__(self, order: Path, journal: Path) -> None:
        self._order = order
        self._journal = os.open(journal, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        self._lock = threading.Lock()
        self._name = ""
        self._passed = 0

    def reach(self, label: str) -> None:
        """Pass a point, or die at it; a `delay` lets the process live for so much longer."""
        with self._lock:
            try:
                order = json.loads(self._order.read_text())
            except FileNotFoundError:
                return
            if order["name"] != self._name:
                self._name, self._passed = order["name"], 0
            self._passed += 1
            due = self._passed == order["at"]
            self.tell("killed" if due else "passed", label)
        if due and order["delay"]:
            threading.Thread(target=_die, args=(order["delay"],), daemon=True).start()
        elif due:
            _die(0.0)

    def tell(self, what: str, label: str) -> None:
        line = json.dumps({"order": self._name, "what": what, "label": label})
        os.write(self._journal, f"{line}\n".encode())


def _die(delay: float) -> None:
    time.sleep(delay)
    os.kill(os.getpid(), signal.SIGKILL)


def install(points: Points) -> None:
    """Put a point before and after every commit and every call to Stripe of this process."""

    def around(work: Callable[..., Awaitable[Any]], label: Callable[..., str]) -> Any:
        async def watched(*args: Any, **kwargs: Any) -> Any:
            what = label(*args, **kwargs)
            if not what:
                return await work(*args, **kwargs)
            points.reach(f"before {what}")
            answer = await work(*args, **kwargs)
            points.reach(f"after {what}")
            return answer

        return watched

    lite, postgres = sqlite_engine.WalEngine, postgres_engine.PooledPostgres
    lite_end, postgres_end = sqlite_engine.Transaction, postgres_engine.Transaction
    transport = stripe_gateway._FencedClient
    _wrap(lite_end, "_commit", lambda work: around(work, lambda _: "commit"))
    _wrap(postgres_end, "_close", lambda work: around(work, _of_close))
    _wrap(lite, "_run", lambda work: around(work, _of_statement))
    _wrap(postgres, "_run", lambda work: around(work, _of_statement))
    _wrap(transport, "request_async", lambda work: around(work, _of_call))
    told = schedule._on

    def on(bridge: Any, work: Any, timeout: float, name: str) -> None:
        told(bridge, work, timeout, name)
        points.tell("ended", name)

    schedule._on = on


def limit(mark: Path) -> None:
    """Keep SQLite's file from growing while `mark` exists, as a full disk does."""
    told = sqlite_connections.execute

    async def execute(connection: Any, sql: str, *rest: Any) -> Any:
        if sql.startswith("BEGIN") or (writes(sql) and not connection.in_transaction):
            # A limit below the present size means the present size.
            most = 1 if _is_there(mark) else 2**31
            await told(connection, f"PRAGMA max_page_count = {most}", (), rest[-1])
        return await told(connection, sql, *rest)

    sqlite_engine.execute = execute


def _is_there(mark: Path) -> bool:
    return mark.exists()


def _wrap(owner: type, name: str, wrapped: Callable[[Any], Any]) -> None:
    setattr(owner, name, wrapped(getattr(owner, name)))


def _of_close(_: Any, *, commit: bool) -> str:
    return "commit" if commit else ""


def _of_statement(engine: Any, sql: str, _args: Any) -> str:
    """A statement that commits by itself; one inside a transaction is no point of its own."""
    if engine.current_transaction.get() is not None or not writes(sql):
        return ""
    verb, *words = sql.split()
    table = next((word for word in words if word not in ("INTO", "FROM")), "").strip('"')
    return f"commit of {verb} {table}"


def _of_call(_: Any, method: str, url: str, *_args: Any, **_kwargs: Any) -> str:
    parts = url.split("?")[0].split("/v1/")[-1].split("/")
    # Ids differ from run to run and say nothing.
    path = "/".join("*" if "_" in part and any(map(str.isdigit, part)) else part for part in parts)
    return f"{method.upper()} {path}"
