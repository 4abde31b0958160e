"""Real processes of the product, started and ended by tests."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from dashboard import db
from tests.conftest import POSTGRESQL
from tests.world import World

ROOT = Path(__file__).resolve().parent.parent.parent


def environment(var_dir: Path, **more: str) -> dict[str, str]:
    """The environment of a process of ours, with nothing of the tests' own in it."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    return {**kept, "VAR_DIR": str(var_dir), **more}


def spawn(command: list[str], env: dict[str, str], **more: Any) -> subprocess.Popen[str]:
    """Start `python -m dashboard` with a command."""
    line = [sys.executable, "-m", "dashboard", *command]
    return subprocess.Popen(line, cwd=ROOT, env=env, text=True, **more)


def of(world: World, **more: str) -> dict[str, str]:
    """The environment in which a process shares a world's database, sandbox and clock."""
    url = os.environ["DATABASE_URL"] if POSTGRESQL else f"sqlite:///{db.engine().path}"
    port = world.sandbox.url.rpartition(":")[2]
    return environment(world.settings.var_dir, DATABASE_URL=url, SANDBOX_PORT=port, **more)


@contextmanager
def worker(world: World, **more: str) -> Iterator[subprocess.Popen[str]]:
    """A worker process beside a world, for the length of the block."""
    process = spawn(["worker"], of(world, **more), stderr=subprocess.DEVNULL)
    try:
        yield process
    finally:
        process.terminate()
        process.wait(20)


async def until(condition: Callable[[], Awaitable[bool]], within: float = 20.0) -> float:
    """Wait until it is so; the seconds that it took. TimeoutError when it never is."""
    started = time.monotonic()
    while not await condition():
        if time.monotonic() - started > within:
            raise TimeoutError(f"not within {within} s")
        await asyncio.sleep(0.05)
    return time.monotonic() - started


def wait_for(condition: Callable[[], Any], within: float = 20.0) -> float:
    """The same for what needs no event loop."""
    started = time.monotonic()
    while not condition():
        if time.monotonic() - started > within:
            raise TimeoutError(f"not within {within} s")
        time.sleep(0.05)
    return time.monotonic() - started


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def children(pid: int) -> dict[str, int]:
    """The children of a process, as command and process id."""
    found = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
            words = (stat.parent / "cmdline").read_text().split("\0")
        except OSError:
            continue
        if int(fields[1]) == pid and fields[0] != "Z" and "dashboard" in words:
            found[words[words.index("dashboard") + 1]] = int(stat.parent.name)
    return found


def alive(pid: int) -> bool:
    """Whether a process runs; one that is dead and not yet collected does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def kill(pid: int) -> None:
    """End a process in a way in which it can do nothing about it."""
    os.kill(pid, signal.SIGKILL)


@contextmanager
def running(var_dir: Path) -> Iterator[tuple[subprocess.Popen[str], dict[str, str]]]:
    """A `run` of its own, ready to be used; whatever is left of it is ended afterwards."""
    ports = {"PORT": str(free_port()), "SANDBOX_PORT": str(free_port())}
    env = environment(var_dir, **ports)
    process = spawn(["run", "--empty"], env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    before: dict[str, int] = {}
    try:
        _read_until_ready(process)
        before = children(process.pid)
        yield process, env
    finally:
        now = children(process.pid)
        process.kill()
        process.wait(10)
        for pid in {*before.values(), *now.values()}:
            if alive(pid):
                kill(pid)
        assert process.stdout is not None
        process.stdout.close()


def _read_until_ready(process: subprocess.Popen[str]) -> list[str]:
    lines: list[str] = []
    assert process.stdout is not None
    for line in process.stdout:
        lines.append(line)
        if "Ctrl-C" in line:
            return lines
    raise AssertionError("".join(lines))


def answers(env: dict[str, str]) -> bool:
    try:
        url = f"http://127.0.0.1:{env['PORT']}/healthz"
        return httpx.get(url, trust_env=False, timeout=2).status_code < 500
    except httpx.HTTPError:
        return False
