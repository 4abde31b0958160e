"""A shop of real processes around a test: web, worker, sandbox, and what a test does to them."""

import asyncio
import contextlib
import json
import subprocess
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx

from dashboard import clock, db, settings, stripe_gateway
from dashboard.bookings import catalog
from dashboard.payments import inbox
from dashboard.payments.tables import StripeEvent
from dashboard.settings import Settings
from dashboard.staff import auth
from jobs import schedule
from jobs.queue import Queue, open_queue
from tests.jobs.processes import ROOT, environment, free_port, kill
from tests.sandbox.server import RunningSandbox, running_sandbox

Json = dict[str, Any]
SLOW = 120.0
# A claim that is younger than this may be somebody's who is at it.
FRESH = timedelta(seconds=5)
# A worker that starts does at once what it does every minute.
AT_START = tuple(
    schedule.name_of(sweep) for when, sweep in schedule.PLAN if when is schedule.EVERY_MINUTE
)
ALL = tuple(schedule.name_of(sweep) for _, sweep in schedule.PLAN)


@dataclass(frozen=True)
class House:
    """What is started once: the sandbox, and the process that others are forked from."""

    folder: Path
    sandbox: RunningSandbox
    zygote: "subprocess.Popen[str]"
    ports: tuple[int, int]

    def fork(self, order: Json) -> int:
        assert self.zygote.stdin is not None
        assert self.zygote.stdout is not None
        self.zygote.stdin.write(json.dumps(order) + "\n")
        self.zygote.stdin.flush()
        return int(self.zygote.stdout.readline())


@contextmanager
def opened(folder: Path, database: str) -> Iterator[House]:
    """A house in `folder`; everything in it ends with the block.

    In `database`, which has its tables, the product is gone through once before anybody is forked.
    """
    ports = free_port(), free_port()
    address = f"http://127.0.0.1:{ports[0]}/webhooks/stripe"
    with running_sandbox(folder, address, clock_file=folder / "clock") as sandbox:
        port = sandbox.url.rpartition(":")[2]
        env = environment(folder, DATABASE_URL=database, SANDBOX_PORT=port, PORT=str(ports[0]))
        zygote = subprocess.Popen(
            [sys.executable, "-m", "tests.kill.child"],
            cwd=ROOT,
            env=env,
            text=True,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        try:
            assert zygote.stdout is not None
            # Whatever is logged before comes from the rehearsal.
            while zygote.stdout.readline() != "ready\n":
                assert zygote.poll() is None
            yield House(folder, sandbox, zygote, ports)
        finally:
            zygote.kill()
            zygote.wait(10)
            for end in (zygote.stdin, zygote.stdout):
                assert end is not None
                end.close()


@dataclass
class Process:
    """One forked process and the journal of what it passed."""

    name: str
    pid: int
    journal: Path
    ready: bool = False

    @property
    def alive(self) -> bool:
        # Its first thread may be gone while others still hold its port.
        return Path(f"/proc/{self.pid}").exists()

    def told(self) -> list[Json]:
        return [json.loads(line) for line in self.journal.read_text().splitlines()]

    def ended(self) -> "Counter[str]":
        """How often a worker has finished each of its jobs."""
        told = self.told() if self.journal.exists() else []
        return Counter(line["label"] for line in told if line["what"] == "ended")


@dataclass
class Stage:
    """The shop of one test, its processes, and the programs and people that use it."""

    house: House
    folder: Path
    # A program with every right, and a browser.
    web: httpx.AsyncClient
    desk: httpx.AsyncClient
    busy_limit: float = 30.0
    more: Json = field(default_factory=dict)
    processes: dict[str, Process] = field(default_factory=dict)
    queue: Queue | None = None
    instructor: int = 0
    orders: int = 0
    # What every process passed, by label, and where it died.
    passed: list[Json] = field(default_factory=list)

    @property
    def sandbox(self) -> RunningSandbox:
        return self.house.sandbox

    # Processes.

    async def start(self, name: str, **more: Any) -> Process:
        """Start web or worker and wait until it is fit for work."""
        journal = self.folder / f"{name}-{{pid}}.journal"
        order = {
            "run": name.partition("-")[0],
            "database": getattr(db.engine(), "path", ""),
            "log": str(self.folder / f"{name}.log"),
            "journal": str(journal),
            "order": str(self.folder / f"{name}.order"),
            "busy_limit": self.busy_limit,
            "settings": {**self.more, **more},
        }
        pid = self.house.fork(order)
        process = Process(name, pid, Path(str(journal).format(pid=pid)))
        self.processes[name] = process
        if order["run"] == "web":
            port = more.get("port", self.house.ports[0])
            await until(lambda: self._answers(process, port))
        else:
            await until(lambda: said(self._ticked(process, Counter(), AT_START)))
        return process

    async def _answers(self, process: Process, port: int) -> bool:
        self._require(process)
        try:
            answer = await self.web.get(f"http://127.0.0.1:{port}/healthz")
        except httpx.HTTPError:
            return False
        return answer.status_code == 200

    def _ticked(self, process: Process, before: "Counter[str]", names: tuple[str, ...]) -> bool:
        self._require(process)
        after = process.ended()
        return all(after[name] > before[name] for name in names)

    def _require(self, process: Process) -> None:
        if not process.alive:
            log = (self.folder / f"{process.name}.log").read_text()[-2000:]
            raise AssertionError(f"{process.name} ended by itself: {log}")

    def order(self, name: str, at: int, delay: float = 0.0) -> str:
        """Have a process die at its `at`-th point from now; 0 lets it live and counts."""
        self.orders += 1
        file = self.folder / f"{name}.order"
        fresh = file.with_suffix(".new")
        fresh.write_text(json.dumps({"name": str(self.orders), "at": at, "delay": delay}))
        fresh.replace(file)
        return str(self.orders)

    def take_back(self, name: str) -> None:
        (self.folder / f"{name}.order").unlink(missing_ok=True)

    def limit(self, full: bool) -> None:
        """Let SQLite's file grow no further, in processes that look for this; or grow again."""
        mark = self.house.folder / "full"
        if full:
            mark.touch()
        else:
            mark.unlink(missing_ok=True)

    def kill(self, name: str) -> None:
        """SIGKILL, wherever the process is."""
        process = self.processes.pop(name)
        if process.alive:
            kill(process.pid)
        while process.alive:
            time.sleep(0.001)

    def end(self) -> None:
        for name in list(self.processes):
            self.kill(name)

    def journal(self, name: str, order: str) -> list[Json]:
        """What a process passed under an order."""
        process = self.processes[name]
        if not process.journal.exists():
            return []
        return [line for line in process.told() if line["order"] == order]

    # Time and due work.

    def enqueue(self, *names: str) -> None:
        """Put the ticks of these sweeps into Huey as its scheduler does every minute; or all."""
        if self.queue is None:
            chosen = settings.current()
            self.queue = open_queue(chosen)
        for task in self.queue.huey._registry.periodic_tasks:
            if not names or task.name in names:
                self.queue.huey.enqueue(task)

    def nudge(self, name: str, row: Any) -> None:
        self.enqueue("nothing")
        assert self.queue is not None
        self.queue.nudges[name](row, "")

    async def tick(self) -> None:
        """One minute's tick of everything, to its end."""
        worker = self.processes["worker"]
        before = worker.ended()
        self.enqueue()
        await until(lambda: said(self._ticked(worker, before, ALL)))

    async def rest(self) -> None:
        """Wait for the events that are on their way, are being handled, or can be."""
        self.sandbox.drain()

        async def handled() -> bool:
            now = clock.now()
            due = StripeEvent.due_at <= now
            claimed = StripeEvent.due_at > now + inbox.CLAIM_FOR - FRESH
            waits = StripeEvent.state == "waiting"
            return not await StripeEvent.exists().where(waits & (due | claimed))

        # What stays is told by whoever looks at the books next.
        with contextlib.suppress(TimeoutError):
            await until(handled, 20.0)

    def advance(self, seconds: float) -> None:
        self.sandbox.advance(seconds)

    # What students, programs and people ask for.

    async def book(self, key: str, email: str, **more: Any) -> httpx.Response:
        body = {
            "student": {"name": "Maya Chen", "email": email, "time_zone": "America/New_York"},
            "instructor_id": self.instructor,
            "starts_at": (clock.now() + timedelta(days=2)).isoformat(),
            "minutes": 60,
            "payment_method": "pm_card_visa",
            "is_package": False,
        }
        return await self.web.post("/bookings", json=body | more, headers={"Idempotency-Key": key})


async def said(value: bool) -> bool:
    return value


async def until(condition: Callable[[], Awaitable[bool]], within: float = SLOW) -> float:
    """Wait until it is so; the seconds that it took. TimeoutError when it never is."""
    started = time.monotonic()
    while not await condition():
        if time.monotonic() - started > within:
            raise TimeoutError(f"not within {within} s")
        await asyncio.sleep(0.004)
    return time.monotonic() - started


async def played(house: House, folder: Path, **more: Any) -> AsyncIterator[Stage]:
    """An empty shop over the test's own database; its processes end with it."""
    before, chosen = clock._offset_file, settings.current()
    (house.folder / "clock").unlink(missing_ok=True)
    for file in house.folder.glob("huey.sqlite*"):
        file.unlink()
    clock.follow(house.folder / "clock")
    house.sandbox.reset()
    own = Settings(
        stripe_api_base=house.sandbox.url, stripe_rate_per_second=4000, var_dir=house.folder
    )
    settings.use(own)
    gateway = stripe_gateway.StripeGateway(own)
    stripe_gateway.use(gateway)
    base = f"http://127.0.0.1:{house.ports[0]}"
    # A connection that is kept open dies with its process, and takes the next request with it.
    limits = httpx.Limits(max_keepalive_connections=0)
    options: Any = {"base_url": base, "trust_env": False, "timeout": 60, "limits": limits}
    async with httpx.AsyncClient(**options) as web, httpx.AsyncClient(**options) as desk:
        stage = Stage(house, folder, web, desk)
        try:
            stage.instructor = await catalog.add_instructor(
                "Clara", "clara@example.test", 9600, "usd", subject="piano"
            )
            token = await auth.add_token("the shop", "bookings,payments,tickets")
            web.headers["Authorization"] = f"Bearer {token}"
            yield stage
        finally:
            stage.end()
            stripe_gateway.use(None)
            await gateway.close()
            settings.use(chosen)
            clock.follow(before)
