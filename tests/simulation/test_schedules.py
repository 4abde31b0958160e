"""The promises about money hold in every schedule; a seed is a schedule that can be played again."""

import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import POSTGRESQL
from tests.simulation.runner import template, verdicts

# On SQLite a schedule costs a twelfth of a second, on PostgreSQL half a second.
SCHEDULES = int(os.environ.get("SCHEDULES", "60" if POSTGRESQL else "3000"))
SHOWN = 3


@pytest.fixture(scope="module")
def empty() -> Iterator[Path]:
    with template() as path:
        yield path


def test_every_promise_holds_in_every_schedule(empty: str):
    broken = [one for one in verdicts(range(SCHEDULES), empty) if one.violations]
    stories = "\n\n".join(one.story for one in broken[:SHOWN])
    assert not broken, f"{len(broken)} of {SCHEDULES} schedules, for instance:\n\n{stories}"
