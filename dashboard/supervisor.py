"""`run`: the sandbox, the web and the worker as children of one process that looks after them.

A dead child is started again, alone. Nothing outlives the supervisor: it ends its children when it
is told to stop, and the kernel ends them when it is killed.
"""

import contextlib
import ctypes
import fcntl
import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

READY_WITHIN = 30.0
TERM_WITHIN = 4.0
FIRST_DELAY = 0.5
LONGEST_DELAY = 30.0
# A child that lived this long is well again: its next death starts at the first delay.
WELL_AFTER = 60.0
POLL = 0.1
LARGEST_LOG = 10_000_000
_PR_SET_PDEATHSIG = 1


class NotStarted(Exception):
    """A part could not be started; the message says which, and why."""


class Stopped(Exception):
    """The person, or the system, wants the end."""


@dataclass
class Child:
    """One process, by the command of ours that it runs, and how to know that it is up."""

    name: str
    is_ready: Callable[["Child"], bool]
    log: Path
    process: subprocess.Popen[bytes] | None = None
    started_at: float = 0.0
    deaths: int = field(default=0)
    again_at: float = 0.0

    @property
    def pid(self) -> int:
        return self.process.pid if self.process else 0

    def start(self) -> None:
        """Start it; its lines go to its log file, so that the terminal stays readable."""
        self.process = spawn(self.name, self.log)
        self.started_at = time.monotonic()

    def ended(self) -> int | None:
        """Its exit code, or None while it runs."""
        return self.process.poll() if self.process else 0


def spawn(command: str, log: Path | None = None) -> subprocess.Popen[bytes]:
    """Start a command of ours in a session of its own: Ctrl-C reaches it through us alone."""
    out: IO[bytes] | None = log.open("ab") if log else None
    try:
        return subprocess.Popen(  # noqa: S603 - our own interpreter and our own command
            [sys.executable, "-m", "dashboard", command],
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=out,
            start_new_session=True,
            # No thread of ours is at work when children are started, and the hook calls C alone.
            preexec_fn=_die_with_parent(os.getpid()),  # noqa: PLW1509
        )
    finally:
        if out:
            out.close()


def _die_with_parent(parent: int) -> Callable[[], None] | None:
    """Have the kernel kill the child when we are gone, however we went. Linux only."""
    if not sys.platform.startswith("linux"):
        return None
    # Looked up before the fork: afterwards the child may do next to nothing.
    prctl = ctypes.CDLL(None, use_errno=True).prctl

    def tie() -> None:
        prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        if os.getppid() != parent:
            os._exit(1)

    return tie


class Supervisor:
    """The children in the order of their start."""

    def __init__(self, logs: Path, say: Callable[[str], None]) -> None:
        self._logs = logs
        self._say = say
        self._children: list[Child] = []
        self._stop = False
        logs.mkdir(parents=True, exist_ok=True)

    def listen(self) -> None:
        """From now on Ctrl-C, TERM and a closed terminal end the run."""
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._told_to_stop)

    def _told_to_stop(self, number: int, frame: object) -> None:
        self._stop = True

    def start(self, name: str, is_ready: Callable[[Child], bool]) -> Child:
        """Start a child and answer at once."""
        log = self._logs / f"{name}.log"
        if log.exists() and log.stat().st_size > LARGEST_LOG:
            log.replace(log.with_suffix(".log.1"))
        child = Child(name, is_ready, log)
        child.start()
        self._children.append(child)
        return child

    def wait_until_ready(self, *children: Child) -> None:
        """Wait for their readiness; raises NotStarted with the log's end when one dies first."""
        ends_at = time.monotonic() + READY_WITHIN
        for child in children:
            while not child.is_ready(child):
                self.check_stop()
                if child.ended() is not None or time.monotonic() > ends_at:
                    raise NotStarted(f"The {child.name} did not start.\n{_tail(child.log)}")
                time.sleep(0.02)

    def run_to_end(self, name: str) -> int:
        """Run a command that ends by itself, and whose lines are for the person here."""
        process = spawn(name)
        self._children.append(Child(name, lambda _: True, self._logs / name, process))
        try:
            while process.poll() is None:
                self.check_stop()
                time.sleep(POLL)
        finally:
            if process.poll() is not None:
                self._children.pop()
        return int(process.returncode)

    def check_stop(self) -> None:
        """Raise Stopped when it was asked for."""
        if self._stop:
            raise Stopped

    def look_after(self) -> None:
        """Start dead children again, until Stopped is raised."""
        while True:
            self.check_stop()
            for child in self._children:
                self._look_at(child)
            time.sleep(POLL)

    def _look_at(self, child: Child) -> None:
        now = time.monotonic()
        code = child.ended()
        if code is None:
            return
        if not child.again_at:
            child.deaths = 1 if now - child.started_at > WELL_AFTER else child.deaths + 1
            delay = min(FIRST_DELAY * 2 ** (child.deaths - 1), LONGEST_DELAY)
            child.again_at = now + delay
            self._say(f"The {child.name} ended ({code}); it starts again in {delay:g} s.")
        elif now >= child.again_at:
            child.again_at = 0.0
            child.start()

    def end(self) -> None:
        """End the children, the last one first in line, and kill what does not go."""
        # The sandbox goes last: the others may be in the middle of a call to it.
        for group in (self._children[1:], self._children[:1]):
            _end([child.process for child in group if child.process and child.ended() is None])


def _end(processes: list[subprocess.Popen[bytes]]) -> None:
    for process in processes:
        process.terminate()
    ends_at = time.monotonic() + TERM_WITHIN
    for process in processes:
        try:
            process.wait(max(ends_at - time.monotonic(), 0))
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def answers(url: str) -> bool:
    """Whether a server answers at `url` that all is well; no proxy is asked."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(url, timeout=5):
            return True
    except (OSError, ValueError):
        return False


@contextlib.contextmanager
def only_one(var_dir: Path) -> Iterator[None]:
    """Hold the run's lock; NotStarted when another run has it. A killed run holds nothing."""
    var_dir.mkdir(parents=True, exist_ok=True)
    with (var_dir / "run.lock").open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            raise NotStarted(
                f"Holdfast runs already on {var_dir}/ (process {file.read().strip() or '?'})."
            ) from None
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        yield


def _tail(log: Path, lines: int = 5) -> str:
    with contextlib.suppress(OSError):
        return "\n".join(log.read_text(errors="replace").splitlines()[-lines:])
    return ""
