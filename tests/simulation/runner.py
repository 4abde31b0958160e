"""Plays many schedules in processes of their own, and tells the story of one that went wrong."""

import hashlib
import multiprocessing
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
# Few enough that the cores end at about the same time.
AT_A_TIME = 10


@dataclass(frozen=True)
class Verdict:
    """What the schedule of a seed led to; its story only where something was wrong or asked for."""

    seed: int
    setting: str
    violations: list[str]
    told: list[str] = field(default_factory=list)
    # A digest of every statement with its values, where the stories were asked for.
    statements: str = ""

    @property
    def story(self) -> str:
        """Everything that happened, in order, and what is wrong in the end."""
        wrong = [f"  ! {said}" for said in self.violations] or ["  All promises hold."]
        return "\n".join([f"Seed {self.seed}: {self.setting}", *self.told, *wrong])


@contextmanager
def template() -> Iterator[str]:
    """The migrated, empty database that every schedule begins with, as the path of a file."""
    with tempfile.TemporaryDirectory(prefix="holdfast-simulation-") as folder:
        path = Path(folder) / "template.sqlite"
        migrate(f"sqlite:///{path}")
        yield str(path)


def migrate(url: str) -> None:
    """Migrate a database in a process of its own: this one may have that of other tests open."""
    command = [sys.executable, "-m", "dashboard", "migrate"]
    chosen = os.environ | {"DATABASE_URL": url}
    subprocess.run(command, cwd=ROOT, env=chosen, check=True, stdout=subprocess.DEVNULL)


def verdicts(
    seeds: Sequence[int],
    database: str,
    *,
    plant: str | None = None,
    workers: int | None = None,
    tell: bool = False,
    quick: bool = True,
) -> Iterator[Verdict]:
    """What each of the seeds leads to, in their order; stop listening to stop the work.

    `database` is as `Machine` has it; processes that share a PostgreSQL would be in each other's
    way. `plant` names one of the mistakes in `plants.py`. `tell` keeps the stories of the good
    ones. Without `quick` everything between the product and the database is as it is in life.
    """
    context = multiprocessing.get_context("spawn")
    count = min(workers or os.cpu_count() or 1, len(seeds))
    with context.Pool(count, _begin, (database, plant, tell, quick)) as pool:
        yield from pool.imap(_play, seeds, chunksize=min(AT_A_TIME, -(-len(seeds) // count)))


_here: dict[str, Any] = {}


def _begin(database: str, plant: str | None, tell: bool, quick: bool) -> None:
    """In a new process: its machine, which takes the place of the product's engine and clock."""
    # Only here: these read the settings when they are imported.
    from tests.simulation.machine import Machine

    machine = Machine(database, quick=quick)
    machine.engine.heard = [] if tell else None
    _here.update(machine=machine, tell=tell)
    if plant is not None:
        from tests.simulation.plants import PLANTS

        PLANTS[plant](machine)


def _play(seed: int) -> Verdict:
    from tests.simulation.schedule import play

    machine, tell = _here["machine"], _here["tell"]
    outcome = play(machine, seed)
    told = outcome.told if outcome.violations or tell else []
    digest = hashlib.sha256(repr(machine.engine.heard).encode()).hexdigest() if tell else ""
    return Verdict(seed, str(outcome.setting), outcome.violations, told, digest)
