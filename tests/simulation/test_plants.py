"""Mistakes that money paths are built with, planted one by one: the schedules find each."""

from collections.abc import Iterator

import pytest

from tests.simulation.runner import template, verdicts

WITHIN = 2000


@pytest.fixture(scope="module")
def empty() -> Iterator[str]:
    with template() as path:
        yield path


# The schedule that the hunt begins with. Where it is not the first one, that saves a minute:
# from 0 on `no_lease` is found after 205 schedules and `version_after_fetch` after 101.
@pytest.mark.parametrize(
    ("plant", "first"),
    [
        ("no_key", 0),
        ("no_lease", 195),
        ("event_trusted", 0),
        ("retry_past_a_day", 30),
        ("too_many_is_no", 0),
        ("version_after_fetch", 90),
        ("one_per_payment", 50),
        ("cancel_dropped", 0),
    ],
)
def test_a_planted_mistake_is_found(empty: str, plant: str, first: int):
    hunt = verdicts(range(first, first + WITHIN), empty, plant=plant)
    found = next((one for one in hunt if one.violations), None)
    assert found is not None, f"{plant} was not found in {WITHIN} schedules"
    print(f"{plant}: found after {found.seed - first + 1} schedules: {found.violations[0]}")
