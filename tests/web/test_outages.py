"""What a process has lately failed to reach is remembered for as long as it is of use."""

from datetime import timedelta

import pytest
import time_machine

from dashboard import clock
from dashboard.web import outages
from tests.web.desk import HTML, sign_in, text
from tests.world import World


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


async def test_while_stripe_does_not_answer_pages_are_to_be_read_only(
    world: World, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(outages, "_missed", {})
    payment = int((await world.payment((await world.book())["id"])).id)
    ana = await sign_in(world)
    pages = ("/holds", f"/holds/{payment}", f"/triage?hold={payment}")
    compare = {"data": {"_csrf": ana.csrf}, "headers": ana.headers}
    world.sandbox.fault("before", "drop", "/*", method="GET", times=100)
    missed = await ana.browser.post(f"/holds/{payment}/compare", **compare)
    assert missed.status_code == 503
    assert "What you see is from" in text(missed)
    for address in pages:
        shown = await ana.browser.get(address, headers=HTML)
        assert "Stripe did not answer" in text(shown) and "read only" in text(shown)
        assert f"/holds/{payment}/capture" not in shown.text, address
    world.sandbox.control("DELETE", "faults")
    assert (await ana.browser.post(f"/holds/{payment}/compare", **compare)).status_code == 200
    for address in pages:
        shown = await ana.browser.get(address, headers=HTML)
        assert "did not answer" not in text(shown)
        assert f"/holds/{payment}/capture" in shown.text, address
