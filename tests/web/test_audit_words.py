"""The audit speaks as the desk does."""

from tests.web.desk import sign_in, text
from tests.world import World


async def test_a_reason_is_told_in_words_and_not_by_its_code(world: World):
    booking = await world.book()
    hold = int((await world.payment(booking["id"])).id)
    fiona = await sign_in(world, "finance")
    moved = await fiona.move(hold, "release", reason="requested_by_customer")
    assert moved.status_code == 303
    said = text(await fiona.page("/audit"))
    assert "Student cancelled" in said and "requested_by_customer" not in said
