"""Plays many schedules in processes of their own, and tells the story of one that went wrong."""

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
# Few enough that the cores end at about the same time, many enough that handing them out costs nothing.
AT_A_TIME = 10


@dataclass(frozen=True)
class Verdict:
    """What the schedule of a seed led to; its story only where something was wrong or asked for."""

    seed: int
    setting: str
    violations: list[str]
    told: list[str] = field(default_factory=list)

    @property
    def story(self) -> str:
        """Everything that happened, in order, and what is wrong in the end."""
        wrong = [f"  ! {said}" for said in self.violations] or ["  All promises hold."]
        return "\n".join([f"Seed {self.seed}: {self.setting}", *self.told, *wrong])


@contextmanager
def template() -> Iterator[Path]:
    """The migrated, empty database that every schedule begins with, as a file."""
    with tempfile.TemporaryDirectory(prefix="holdfast-simulation-") as folder:
        path = Path(folder) / "template.sqlite"
        # A process of its own: the engine of this one may be that of other tests.
        chosen = {"DATABASE_URL": f"sqlite:///{path}", "VAR_DIR": folder}
        command = [sys.executable, "-m", "dashboard", "migrate"]
        subprocess.run(
            command, cwd=ROOT, env=os.environ | chosen, check=True, stdout=subprocess.DEVNULL
        )
        yield path


def verdicts(
    seeds: Sequence[int],
    empty: Path,
    *,
    plant: str | None = None,
    workers: int | None = None,
    tell: bool = False,
) -> Iterator[Verdict]:
    """What each of the seeds leads to, in their order; stop listening to stop the work.

    `plant` names one of the mistakes in `plants.py`. `tell` keeps the stories of the good ones.
    """
    context = multiprocessing.get_context("spawn")
    count = min(workers or os.cpu_count() or 1, len(seeds))
    with context.Pool(count, _begin, (str(empty), plant, tell)) as pool:
        yield from pool.imap(_play, seeds, chunksize=min(AT_A_TIME, -(-len(seeds) // count)))


_here: dict[str, Any] = {}


def _begin(empty: str, plant: str | None, tell: bool) -> None:
    """In a new process: its machine, which takes the place of the product's engine and clock."""
    # Only here: these read the settings when they are imported.
    from tests.simulation.machine import Machine

    _here.update(machine=Machine(empty), tell=tell)
    if plant is not None:
        from tests.simulation.plants import PLANTS

        PLANTS[plant](_here["machine"])


def _play(seed: int) -> Verdict:
    from tests.simulation.schedule import play

    outcome = play(_here["machine"], seed)
    told = outcome.told if outcome.violations or _here["tell"] else []
    return Verdict(seed, str(outcome.setting), outcome.violations, told)
