"""`python -m tests.simulation 0-10000`: play these schedules; of one seed alone tell the story."""

import argparse
import os
import sys
import time
from collections.abc import Iterable, Sequence

from tests.simulation.runner import Verdict, template, verdicts

SAY_EVERY = 1000
STORIES = 5


def seeds(text: str) -> range:
    """`7` is one seed, `0-10000` ten thousand of them: the last one is not played."""
    first, dash, end = text.partition("-")
    return range(int(first), int(end) if dash else int(first) + 1)


def main(arguments: Sequence[str]) -> int:
    asked = argparse.ArgumentParser(prog="make simulate", description=__doc__)
    asked.add_argument("seeds", type=seeds, nargs="+", help="one seed, or first-end")
    asked.add_argument("--plant", help="play with one of the mistakes of plants.py")
    asked.add_argument("--jobs", type=int, help="processes; as many as cores unless given")
    chosen = asked.parse_args(arguments)
    # Nobody's keys, databases or addresses belong into a simulation.
    for name in [name for name in os.environ if name.startswith(("STRIPE_", "SANDBOX_", "SMTP_"))]:
        del os.environ[name]
    wanted = [seed for each in chosen.seeds for seed in each]
    with template() as empty:
        # Read when the product is imported, and of no other use: the machine has its own engine.
        os.environ["DATABASE_URL"] = f"sqlite:///{empty}"
        alone = len(wanted) == 1
        told = verdicts(wanted, empty, plant=chosen.plant, workers=chosen.jobs, tell=alone)
        return 1 if _report(told, alone) else 0


def _report(told: Iterable[Verdict], alone: bool) -> int:
    """Print how it goes, and the first stories of broken promises; the number of bad schedules."""
    began, count, bad = time.monotonic(), 0, 0
    for count, verdict in enumerate(told, 1):
        if verdict.violations:
            bad += 1
        if alone or (verdict.violations and bad <= STORIES):
            print(verdict.story, "\n", flush=True)
        elif verdict.violations:
            print(f"Seed {verdict.seed}: {'; '.join(verdict.violations)}", flush=True)
        if count % SAY_EVERY == 0:
            print(_speed(count, bad, began), flush=True)
    print(_speed(count, bad, began))
    return bad


def _speed(count: int, bad: int, began: float) -> str:
    rate = count / max(time.monotonic() - began, 1e-9)
    return f"{count} schedules, {bad} of them broke a promise, {rate:.0f} a second"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
