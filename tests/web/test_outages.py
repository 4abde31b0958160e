"""What a process has lately failed to reach is remembered for as long as it is of use."""

from datetime import timedelta

import pytest
import time_machine

from dashboard import clock
from dashboard.web import outages


def test_an_outage_begins_with_its_first_miss_and_is_named_for_a_minute(
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setattr(outages, "_missed", {})
    with time_machine.travel(clock.now(), tick=False) as at:
        began = clock.now()
        outages.miss(outages.DATABASE)
        at.shift(timedelta(seconds=90))
        assert outages.standing(clock.now()) == []
        # Within two minutes it is still the same outage.
        assert outages.miss(outages.DATABASE).first == began
        at.shift(timedelta(seconds=10))
        outages.miss(outages.STRIPE)
        named = outages.standing(clock.now())
        assert [one.what for one in named] == [outages.DATABASE, outages.STRIPE]
        assert named[0].first == began
        at.shift(timedelta(seconds=121))
        again = outages.miss(outages.DATABASE)
        assert again.first == again.last == clock.now()
