"""An event loop whose time is virtual: nothing waits, and whoever may go on is chosen by a seed.

Every task belongs to a process of the simulated machine. A process that is killed hears nothing
more; one that is suspended sleeps with its timers, as a laptop does. `point` is where the chooser
gets hold of it: in front of every statement, transaction, and message to Stripe.
"""

import asyncio
import heapq
import random
from collections.abc import Callable, Coroutine
from contextvars import Context
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

BASE = datetime(2027, 3, 1, 9, tzinfo=UTC)


class Killed(BaseException):
    """The process is dead: what is left of its code must do nothing any more."""


class Stuck(Exception):
    """Nobody can go on and no time is being waited for: the schedule hangs."""


@dataclass(eq=False)
class Process:
    """One request, sweep or delivery, as a process of its own."""

    name: str
    tasks: list["asyncio.Task[Any]"] = field(default_factory=list)
    dead: bool = False
    asleep_until: float = 0.0
    # What a client that hangs up cancels: the request itself, not what it has shielded.
    root: "asyncio.Task[Any] | None" = None
    # The point that it passed last.
    came_from: str = ""


@dataclass(eq=False)
class Parked:
    """A process in front of its next action, waiting to be chosen."""

    process: Process
    what: str
    wake: "asyncio.Future[None]"


class _Timer(asyncio.TimerHandle):
    """A timer that knows whose it is: a process that sleeps is not woken by its own."""

    process: Process


class _Nobody:
    """The selector of a loop that talks to nobody: waiting is choosing, or letting time pass."""

    def __init__(self, loop: "Loop") -> None:
        self._loop = loop

    def select(self, timeout: float | None) -> list[Any]:
        if timeout is None or timeout > 0:
            self._loop.idle(timeout)
        return []


class Loop(asyncio.BaseEventLoop):
    """One thread, one seed, no waiting."""

    def __init__(self) -> None:
        super().__init__()
        self._selector = self._chooser()
        self.set_task_factory(self._task)  # type: ignore[arg-type]
        self.fresh(0)

    def fresh(self, seed: int) -> None:
        """Begin a schedule: time zero, nobody there, nothing planned."""
        self.now = 0.0
        self.chance = random.Random(seed)
        self.parked: list[Parked] = []
        self.harness = Process("harness")
        self.sleepers: list[Process] = []
        self.last: Process | None = None
        self.stickiness = 0.5
        self.trouble: Callable[[Process, str], bool] = lambda _process, _what: False
        self._scheduled.clear()  # type: ignore[attr-defined]
        self._ready.clear()  # type: ignore[attr-defined]
        self._timer_cancelled_count = 0

    def _chooser(self) -> Any:
        return _Nobody(self)

    def time(self) -> float:
        return self.now

    def wall(self) -> datetime:
        """The instant that the product's clock shows."""
        return BASE + timedelta(seconds=self.now)

    def _process_events(self, event_list: list[Any]) -> None:
        return

    def _write_to_self(self) -> None:
        return

    def _task(self, _: Any, coro: Any, context: Context | None = None, **more: Any) -> Any:
        task = asyncio.Task(coro, loop=self, context=context, **more)
        process = self.here()
        task.process = process  # type: ignore[attr-defined]
        process.tasks.append(task)
        return task

    def here(self) -> Process:
        """The process whose code is running."""
        task = asyncio.current_task(self)
        return getattr(task, "process", self.harness)

    def start(self, name: str, coro: Coroutine[Any, Any, Any]) -> Process:
        """Run `coro` as a process of its own."""
        process = Process(name)
        task = asyncio.Task(coro, loop=self, name=name, context=Context())
        task.process = process  # type: ignore[attr-defined]
        process.tasks.append(task)
        process.root = task
        return process

    def call_at(self, when: float, callback: Any, *args: Any, context: Any = None) -> Any:
        timer = _Timer(when, callback, args, self, context)
        timer.process = self.here() if self.is_running() else self.harness
        heapq.heappush(self._scheduled, timer)  # type: ignore[attr-defined]
        timer._scheduled = True
        return timer

    async def point(self, what: str) -> None:
        """Where another process may go first, and where trouble may come."""
        process = self.here()
        if process.dead:
            raise Killed
        if process is self.harness:
            return
        self.now += self.chance.expovariate(200.0)
        hit = self.trouble(process, what)
        if process.dead:
            raise Killed
        alone = not self.parked or process is self.last
        if not hit and alone and self.chance.random() < self.stickiness:
            self.last = process
            return
        waiting = Parked(process, what, self.create_future())
        self.parked.append(waiting)
        try:
            await waiting.wake
        finally:
            if waiting in self.parked:
                self.parked.remove(waiting)

    def idle(self, timeout: float | None) -> None:
        """Nothing is left to run: choose who goes on, or let time pass until somebody can."""
        able = [one for one in self.parked if one.process.asleep_until <= self.now]
        if able:
            chosen = self.chance.choice(able)
            self.last = chosen.process
            self.parked.remove(chosen)
            if not chosen.wake.done():
                chosen.wake.set_result(None)
            return
        ends = [one.process.asleep_until for one in self.parked]
        if timeout is not None:
            ends.append(self.now + timeout)
        if not ends:
            raise Stuck("nobody can go on")
        self.now = max(self.now, min(ends)) + 1e-6

    def kill(self, process: Process) -> None:
        """End a process where it stands: nothing of it runs on but the way out."""
        process.dead = True
        here = asyncio.current_task(self)
        for one in [one for one in self.parked if one.process is process]:
            self.parked.remove(one)
            if not one.wake.done():
                one.wake.set_exception(Killed())
        for task in process.tasks:
            if task is not here and not task.done():
                task.cancel()

    def suspend(self, process: Process, seconds: float) -> None:
        """Put a process to sleep with its timers; on waking, timers and code race."""
        until = self.now + seconds
        process.asleep_until = until
        self.sleepers.append(process)
        late = 0.0 if self.chance.random() < 0.5 else 0.05
        for handle in self._scheduled:  # type: ignore[attr-defined]
            if handle.process is process and handle._when < until:
                handle._when = until + late
        heapq.heapify(self._scheduled)  # type: ignore[attr-defined]
