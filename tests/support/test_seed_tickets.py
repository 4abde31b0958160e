"""The tickets of the seed: some are open at its end, and doing a deed again changes nothing."""

from datetime import UTC, datetime, timedelta
from typing import Any

from dashboard import clock
from dashboard.bookings.queries import booking
from dashboard.seeding.deeds import Deeds
from dashboard.seeding.plan import Deed
from dashboard.seeding.tales import tell
from dashboard.support import queries
from tests.world import ANA, World

ANCHOR = datetime(2026, 11, 23, 15, 34, 56, tzinfo=UTC)


def test_some_tickets_are_answered_and_some_still_wait_at_the_end():
    for number in (1, 2, 3):
        deeds = [one for one in tell(number, ANCHOR) if isinstance(one, Deed)]
        asked = {one.number for one in deeds if one.what == "ask"}
        closed = {one.number for one in deeds if (one.what, one.detail) == ("answer", "closed")}
        waiting = {one.number for one in deeds if (one.what, one.detail) == ("answer", "waiting")}
        assert 8 <= len(asked) <= 20 and closed | waiting < asked
        assert len(asked - closed) in (2, 3) and len(waiting) == 1


async def test_a_deed_that_is_done_again_after_a_break_changes_nothing(world: World):
    row = await booking((await world.book())["id"])
    controls: Any = None
    deeds = Deeds(controls, {"support": ANA, "finance": ANA})
    now = clock.now()
    for _ in range(2):
        await deeds.do(Deed(5, now, "ask"), row)
        await deeds.do(Deed(5, now + timedelta(hours=9), "answer", "closed"), row)
    rows, _ = await queries.listed(queries.Asked("all"))
    assert [(one.status, one.booking) for one in rows] == [("closed", row.id)]
    assert [one.kind for one in await queries.entries([rows[0].id])] == ["opened", "closed"]
