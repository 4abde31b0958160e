"""Spans in the queue: the strip's columns and the list's rows count the same holds."""

import html
import re
from datetime import UTC, datetime, timedelta

import pytest

from dashboard import clock
from dashboard.bookings import spans
from dashboard.payments.tables import Payment
from tests.web.desk import sign_in, text
from tests.web.test_desk_queue import HOUR, hold_for, ids, rows
from tests.world import World

COLUMN = re.compile(r'<li><a href="(/holds[^"]+)"><span>[^<]*</span><span>(\d+) hold')


async def ends(payment_id: int, at: datetime) -> None:
    await Payment.update({"authorization_expires_at": at}).where(Payment.id == payment_id)


async def test_every_column_of_the_strip_leads_to_as_many_rows_as_it_counts(world: World):
    full = clock.now().replace(minute=0, second=0, microsecond=0) + 3 * HOUR
    found = [await hold_for(world, 5 * HOUR, starts_in=HOUR) for _ in range(4)]
    for payment_id, at in zip(
        found, (full, full, full + HOUR, full + HOUR - timedelta(microseconds=1)), strict=True
    ):
        await ends(payment_id, at)
    ana = await sign_in(world)
    columns = COLUMN.findall((await ana.page("/holds")).text)
    assert [int(count) for _, count in columns] == [3, 1]
    for link, count in columns:
        assert len(rows((await ana.page(html.unescape(link))).text)) == int(count)


async def test_a_column_of_one_currency_leads_to_the_rows_of_that_currency(world: World):
    for teacher in (world.catalog.usd, world.catalog.jpy):
        await hold_for(world, 5 * HOUR, starts_in=HOUR, instructor_id=teacher)
    ana = await sign_in(world)
    columns = COLUMN.findall((await ana.page("/holds")).text)
    assert [count for _, count in columns] == ["1", "1"]
    for link, _ in columns:
        assert len(rows((await ana.page(html.unescape(link))).text)) == 1


async def test_a_span_of_any_length_is_listed_half_open_and_named(world: World):
    start = clock.now().replace(minute=0, second=0, microsecond=0) + 2 * HOUR
    found = [await hold_for(world, 9 * HOUR, starts_in=HOUR) for _ in range(3)]
    for payment_id, at in zip(found, (start, start + HOUR, start + 2 * HOUR), strict=True):
        await ends(payment_id, at)
    ana = await sign_in(world)
    answer = await ana.page("/holds", params={"expires": str(spans.span(start, start + 2 * HOUR))})
    assert rows(answer.text) == found[:2]
    assert f"{start:%H:%M} to {start + 2 * HOUR:%H:%M}" in text(answer)
    gone = str(spans.span(start - 40 * HOUR, start - 30 * HOUR))
    assert "Clear it" in text(await ana.page("/holds", params={"expires": gone}))


@pytest.mark.parametrize(
    "span",
    [
        "9999-12-31T23:30Z",
        "0001-01-01T00:00Z",
        "2026-11-01T05:00Z/",
        "/2026-11-01T05:00Z",
        "2026-11-01T05:00Z/2026-11-01T05:00Z",
        "2026-11-01T05:00Z/2026-11-01T07:00Z/2026-11-01T09:00Z",
    ],
)
async def test_what_is_no_span_is_left_out(world: World, span: str):
    held = await hold_for(world, 5 * HOUR, starts_in=HOUR)
    ana = await sign_in(world)
    assert await ids(ana, f"?expires={span}&currency=nonsense") == [held]


def test_a_span_is_read_as_it_was_written():
    start = datetime(2026, 11, 1, 5, tzinfo=UTC)
    for hours in (1, 2, 24):
        one = spans.span(start, start + hours * HOUR)
        assert spans.parse(str(one)) == one
