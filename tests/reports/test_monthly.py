"""The month by e-mail: once to each who wants it, also when the worker was away on the first."""

import asyncio
from datetime import UTC, date, datetime, timedelta

import pytest

from dashboard import clock
from dashboard.mail.tables import Notice
from dashboard.metrics.queries import today
from dashboard.payments.tables import Purchase
from dashboard.reports import month, monthly
from dashboard.staff.tables import Staff
from jobs import reports
from jobs.metrics import keep_metrics
from tests.mail.conftest import use
from tests.mail.office import Office
from tests.reports.test_crossings import hire
from tests.world import World

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


async def reader(name: str = "Fay") -> int:
    """Somebody who wants the reports."""
    email = await hire(name)
    row = await Staff.objects().get(Staff.email == email)
    assert row is not None
    await monthly.subscribe(row.id)
    return int(row.id)


def first_of_next() -> datetime:
    return datetime.combine(
        (today().replace(day=1) + 32 * DAY).replace(day=1), datetime.min.time(), UTC
    )


async def subjects() -> list[str]:
    return [str(row.subject) for row in await Notice.objects().order_by(Notice.id)]


async def test_each_reader_gets_the_month_once_a_few_hours_after_its_end(
    world: World, post: Office
):
    await reader()
    await reader("Gil")
    await hire("Ida")
    booking = await world.book()
    await world.call(booking["id"], "complete")
    await world.tick()
    await keep_metrics()
    name, ends = monthly.words.month(today().replace(day=1)), first_of_next()
    assert await reports.tell_finance() == 0
    await world.move_to(ends + monthly.AFTER - HOUR)
    assert await reports.tell_finance() == 0
    await world.move_to(ends + monthly.AFTER)
    assert await reports.tell_finance() == 2
    assert await reports.tell_finance() == 0
    finding = f"{name}: 0 of 1 holds expired, $96.00 net before fees"
    assert set(await subjects()) == {f"[Holdfast] {finding}"}
    ours = [mail for mail in post.received if finding in str(mail["Subject"])]
    assert [str(mail["To"]) for mail in ours] == [
        "Fay <fay@example.test>",
        "Gil <gil@example.test>",
    ]
    body = ours[0].get_body(("plain",))
    assert body is not None
    words = " ".join(body.get_content().replace("\xa0", " ").split())
    assert "Net after known fees: $92.92" in words
    assert f"/reports/{(ends - DAY):%Y-%m}" in words


async def test_what_is_not_counted_yet_is_counted_before_the_letter_is_written(world: World):
    await reader()
    booking = await world.book()
    await world.call(booking["id"], "complete")
    await world.tick()
    # The worker's other sweep, which counts, has not come by since.
    await world.move_to(first_of_next() + monthly.AFTER)
    assert await reports.tell_finance() == 1
    (subject,) = await subjects()
    assert subject.endswith("0 of 1 holds expired, $96.00 net before fees")


async def test_after_a_standstill_over_the_first_it_still_comes_once(world: World):
    await reader()
    await world.move_to(first_of_next() + 9 * DAY)
    assert await reports.tell_finance() == 1
    assert await reports.tell_finance() == 0
    await world.move_to(first_of_next() + monthly.AFTER)
    assert await reports.tell_finance() == 1


async def test_what_was_due_before_the_month_s_end_is_done_before_the_letter_is_written(
    world: World,
):
    await reader()
    booking, ends = await world.book(), first_of_next()
    its = Purchase.id == (await world.payment(booking["id"])).purchase
    await Purchase.update({"due_at": ends - HOUR}).where(its)
    # The worker was away, and this sweep is the first that comes by.
    await world.move_to(ends + 2 * DAY)
    assert await reports.tell_finance() == 0
    await world.tick()
    assert await reports.tell_finance() == 1


async def test_after_months_away_the_last_three_are_told_in_order(world: World):
    await reader()
    for _ in range(5):
        await world.move_to(first_of_next() + 6 * HOUR)
    last = today().replace(day=1)
    assert await reports.tell_finance() == monthly.MOST_MONTHS
    names = []
    for _ in range(monthly.MOST_MONTHS):
        last = (last - DAY).replace(day=1)
        names.append(f"[Holdfast] {monthly.words.month(last)}: nothing was taken")
    assert await subjects() == names[::-1]


async def test_who_subscribes_when_a_month_is_over_gets_the_next_one(world: World):
    await world.move_to(first_of_next() + HOUR)
    await reader()
    await world.advance(6 * HOUR)
    assert await reports.tell_finance() == 0


async def test_who_left_or_wants_no_more_gets_none(world: World):
    gone, bored = await reader(), await reader("Gil")
    await Staff.update({Staff.active: False}).where(Staff.id == gone)
    await monthly.unsubscribe(bored)
    await world.move_to(first_of_next() + 6 * HOUR)
    assert await reports.tell_finance() == 0


async def test_a_worker_that_dies_before_its_commit_has_sent_nothing(
    world: World, monkeypatch: pytest.MonkeyPatch
):
    await reader()
    await world.move_to(first_of_next() + 6 * HOUR)

    async def dies(*_: object) -> None:
        raise ConnectionError

    with monkeypatch.context() as until:
        until.setattr(monthly, "owe", dies)
        with pytest.raises(ConnectionError):
            await reports.tell_finance()
    assert await subjects() == []
    assert await reports.tell_finance() == 1


async def test_of_many_workers_one_tells(world: World):
    await reader()
    await world.move_to(first_of_next() + 6 * HOUR)
    now = clock.now()
    assert sum(await asyncio.gather(*(monthly.tell(now) for _ in range(5)))) == 1
    assert len(await subjects()) == 1


@pytest.mark.parametrize("zone", ["Pacific/Kiritimati", "America/Los_Angeles"])
async def test_the_first_is_the_first_at_the_desk(world: World, zone: str):
    use(time_zone=zone)
    await reader()
    first = today().replace(day=1)
    ends = monthly._ends_at(first)
    await world.move_to(ends + monthly.AFTER - timedelta(seconds=90))
    assert await reports.tell_finance() == 0
    await world.move_to(ends + monthly.AFTER)
    assert await reports.tell_finance() == 1
    assert monthly.words.month(first) in (await subjects())[0]


async def test_subscribing_twice_is_once(world: World):
    staff = await reader()
    await monthly.subscribe(staff)
    assert await monthly.subscribed(staff)
    await monthly.unsubscribe(staff)
    assert not await monthly.subscribed(staff)


async def test_every_month_since_the_first_day_is_listed(world: World):
    assert await month.months() == [today().replace(day=1)]
    await world.book()
    await keep_metrics()
    begun = today().replace(day=1)
    await world.move_to(first_of_next() + 40 * DAY)
    found = await month.months()
    assert found[-1] == begun and found[0] == today().replace(day=1) and len(found) >= 2
    assert all(one.day == 1 for one in found) and found == sorted(found, reverse=True)


@pytest.mark.parametrize(
    ("first", "last"), [("2026-02-01", "2026-02-28"), ("2028-02-01", "2028-02-29")]
)
def test_a_month_has_its_own_last_day(first: str, last: str):
    assert monthly.end_of_month(date.fromisoformat(first)) == date.fromisoformat(last)
