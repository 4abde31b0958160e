"""Webhooks on their way: at least once, up to ten at a time, retried for three days."""

import asyncio
import contextlib
from functools import partial
from typing import Any

import httpx

from dashboard import clock
from dashboard.sandbox.signing import signature
from dashboard.sandbox.store import Store

_RETRIES = (1.0, 2.0, 5.0, 15.0, 60.0)
_LATER = 300.0
_GIVEN_UP_AFTER = 3 * 86_400.0
_IN_FLIGHT = 10
_PAUSE = 0.25
_DRAIN_AT_MOST = 20.0


class Courier:
    """Carries the rows of `deliveries` to the webhook address. Runs in the door's event loop."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._flying: dict[int, asyncio.Task[int | None]] = {}
        self._woken = asyncio.Event()
        # Proxies of the environment have no business between two local processes.
        self._client = httpx.AsyncClient(timeout=10.0, trust_env=False)

    def wake(self) -> None:
        """Look at once: a request may have caused events."""
        self._woken.set()

    async def run(self) -> None:
        """Send what is due until cancelled."""
        try:
            while True:
                self._woken.clear()
                self._launch()
                await self._wait()
        finally:
            for task in self._flying.values():
                task.cancel()
            await asyncio.gather(*self._flying.values(), return_exceptions=True)
            await self._client.aclose()

    async def _wait(self) -> None:
        try:
            await asyncio.wait_for(self._woken.wait(), _PAUSE)
        except TimeoutError:
            return

    def _launch(self) -> None:
        if self._store.note("webhook_url") is None:
            return
        rows = self._store.run(
            "SELECT id FROM deliveries WHERE state = 'pending' AND next_attempt_at <= ?"
            " ORDER BY next_attempt_at, id LIMIT ?",
            clock.wall().timestamp(),
            2 * _IN_FLIGHT,
        ).fetchall()
        for row in rows:
            if len(self._flying) >= _IN_FLIGHT:
                return
            if row["id"] not in self._flying:
                task = asyncio.create_task(self.send(row["id"]))
                self._flying[row["id"]] = task
                task.add_done_callback(partial(self._landed, row["id"]))

    def _landed(self, name: int, _: asyncio.Task[int | None]) -> None:
        del self._flying[name]
        self.wake()

    async def send(self, name: int) -> int | None:
        """One attempt, whatever the state of the row; the receiver's status, None for silence.

        Raises LookupError when there is no such delivery, ValueError when there is no address.
        """
        row = self._store.run("SELECT body FROM deliveries WHERE id = ?", name).fetchone()
        if row is None:
            raise LookupError(f"There is no delivery {name}.")
        url, body = self._store.note("webhook_url"), bytes(row["body"])
        if url is None:
            raise ValueError("There is no webhook address: set one with POST /_sandbox/webhooks.")
        headers = {
            "Content-Type": "application/json; charset=utf-8",
            "Stripe-Signature": signature(self._store.note("webhook_secret", ""), body),
            "User-Agent": "Stripe/1.0 (+https://stripe.com/docs/webhooks)",
        }
        status: int | None = None
        # A receiver that is down is the everyday case: the row keeps its next attempt.
        with contextlib.suppress(httpx.HTTPError, httpx.InvalidURL):
            status = (await self._client.post(url, content=body, headers=headers)).status_code
        self._record(name, status)
        return status

    def _record(self, name: int, status: int | None) -> None:
        with self._store.transaction():
            row = self._store.run("SELECT * FROM deliveries WHERE id = ?", name).fetchone()
            if row is None:
                return
            state, again = _next(dict(row), status)
            self._store.run(
                "UPDATE deliveries SET state = ?, attempts = attempts + 1, last_status = ?,"
                " next_attempt_at = ? WHERE id = ?",
                state,
                status,
                again,
                name,
            )

    async def send_again(self, name: int, times: int) -> list[int | None]:
        """Send one delivery several times, one after the other."""
        return [await self.send(name) for _ in range(times)]

    async def release(self, reverse: bool) -> list[int | None]:
        """Send everything that was held, one after the other, so that the order is kept."""
        rows = self._store.run("SELECT id FROM deliveries WHERE state = 'held' ORDER BY id")
        names = [row["id"] for row in rows]
        return [await self.send(name) for name in (reversed(names) if reverse else names)]

    async def drain(self) -> dict[str, int]:
        """Wait until nothing is pending, 20 s at most; the number of deliveries by state.

        What was told to wait before its first attempt is not waited for.
        """
        loop = asyncio.get_running_loop()
        ends_at = loop.time() + _DRAIN_AT_MOST
        while self._unsent() and loop.time() < ends_at:
            self.wake()
            await asyncio.sleep(0.01)
        return self._counts()

    def _unsent(self) -> bool:
        found = self._store.run(
            "SELECT 1 FROM deliveries WHERE state = 'pending'"
            " AND (attempts > 0 OR next_attempt_at <= ?) LIMIT 1",
            clock.wall().timestamp(),
        )
        return found.fetchone() is not None

    def _counts(self) -> dict[str, int]:
        counts = dict.fromkeys(("pending", "held", "sent", "dropped"), 0)
        rows = self._store.run("SELECT state, count(*) AS n FROM deliveries GROUP BY state")
        return counts | {row["state"]: row["n"] for row in rows}


def _next(row: dict[str, Any], status: int | None) -> tuple[str, float | None]:
    """The state after an attempt, and the wall instant of the next one."""
    if status is not None and 200 <= status < 300:
        return "sent", None
    if row["state"] != "pending":
        # A delivery that was sent by hand stays where it was.
        return row["state"], None
    now = clock.wall().timestamp()
    tried = row["attempts"]
    wait = _RETRIES[tried] if tried < len(_RETRIES) else _LATER
    if now + wait > row["created_at"] + _GIVEN_UP_AFTER:
        return "dropped", None
    return "pending", now + wait
