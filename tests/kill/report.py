"""What `make kill` did, by database, process and movement: `python -m tests.kill.report`."""

import json
import sys
from collections import Counter
from pathlib import Path

from tests.jobs.processes import ROOT


def main(folder: Path) -> None:
    """Print the kills, the violations and the slowest recovery of each."""
    line = "{:<11} {:<7} {:<10} {:>6} {:>11} {:>9}"
    out = [line.format("database", "process", "movement", "kills", "violations", "slowest")]
    for file in sorted(folder.glob("kill-*.jsonl")):
        kills: Counter[tuple[str, str]] = Counter()
        broken: Counter[tuple[str, str]] = Counter()
        slowest: dict[tuple[str, str], float] = {}
        for batch in map(json.loads, file.read_text().splitlines()):
            key = batch["process"], batch["verb"]
            kills[key] += len(batch["killed"])
            broken[key] += len(batch["violations"])
            slowest[key] = max(slowest.get(key, 0.0), batch["recovered"])
        database = file.stem.removeprefix("kill-")
        for key in sorted(kills):
            took = f"{slowest[key]:.0f} s"
            out.append(line.format(database, *key, kills[key], broken[key], took))
    sys.stdout.write("\n".join(out) + "\n")


if __name__ == "__main__":
    main(ROOT / "var")
