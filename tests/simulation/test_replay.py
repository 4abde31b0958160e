"""A seed is a schedule that can be played again, and whose story can be read."""

import re
from collections.abc import Iterator

import pytest

from tests.simulation.runner import Verdict, template, verdicts

SOME = range(20)


@pytest.fixture(scope="module")
def empty() -> Iterator[str]:
    with template() as path:
        yield path


@pytest.fixture(scope="module")
def played(empty: str) -> list[Verdict]:
    return list(verdicts(SOME, empty, workers=1, tell=True))


def test_the_same_seed_tells_the_same_story(empty: str, played: list[Verdict]):
    # In other processes, beside other schedules, in another order.
    again = list(verdicts(SOME[::-1], empty, workers=2, tell=True))
    for one, other in zip(played, reversed(again), strict=True):
        assert one.story == other.story
        assert one.statements == other.statements


def test_another_seed_tells_another_story(played: list[Verdict]):
    assert len({tuple(one.told) for one in played}) == len(SOME)


def test_the_short_cuts_to_the_database_change_no_statement(empty: str, played: list[Verdict]):
    plain = list(verdicts(SOME[:10], empty, workers=1, tell=True, quick=False))
    for one, other in zip(played[:10], plain, strict=True):
        assert (one.seed, one.statements, one.told) == (other.seed, other.statements, other.told)


def test_the_story_of_a_broken_promise_names_the_seed_the_times_and_who_did_what(empty: str):
    broken = next(one for one in verdicts(SOME, empty, plant="no_key") if one.violations)
    first, *lines = broken.story.splitlines()
    assert re.fullmatch(rf"Seed {broken.seed}: Setting\(kind='\w+', card='\w+', .*\)", first)
    told = [line for line in lines if not line.startswith("  ! ")]
    assert all(re.match(r"\d\d \d\d:\d\d:\d\d\.\d{3}  \w", line) for line in told)
    assert any("Maya books -> " in line for line in told)
    assert any("Stripe: POST payment_intents key=" in line for line in told)
    assert lines[-1].startswith("  ! I")
