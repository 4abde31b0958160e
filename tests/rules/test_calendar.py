"""The days of the calendar: every instant in one hour, whatever the clock on the wall does."""

import itertools
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from dashboard.bookings import calendar
from dashboard.bookings.outlook import Ending

NEW_YORK = ZoneInfo("America/New_York")
HOUR = timedelta(hours=1)
ZONES = ("America/New_York", "Asia/Kolkata", "Australia/Lord_Howe", "Europe/Berlin", "UTC")


def ends(at: datetime, amount: int = 9600, currency: str = "usd", person: bool = False) -> Ending:
    return Ending(at, amount, currency, person)


@pytest.mark.parametrize("zone", [*ZONES, "Africa/Cairo", "America/Havana", "Asia/Beirut"])
def test_hours_follow_each_other_without_gap_or_overlap_on_every_day_of_the_year(zone: str):
    there, now = ZoneInfo(zone), datetime(2026, 1, 1, 12, tzinfo=UTC)
    while now.year == 2026:
        days = calendar.days([], now, there)
        slots = [slot for day in days for slot in day.hours]
        assert len(slots) == 7 * 24
        for one, following in itertools.pairwise(slots):
            assert one.span.end == following.span.start and one.span.start <= one.span.end
        assert slots[0].span.start == calendar.week(now, there).start
        assert slots[-1].span.end == calendar.week(now, there).end
        for day in days:
            for hour, slot in enumerate(day.hours):
                first = slot.span.start.astimezone(there)
                assert not slot.exists or (first.date(), first.hour) == (day.date, hour)
        now += timedelta(days=6)


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("start", ["2026-03-06", "2026-03-27", "2026-04-03", "2026-10-30"])
def test_what_ends_is_counted_in_the_hour_that_the_clock_shows(zone: str, start: str):
    there, now = ZoneInfo(zone), datetime.fromisoformat(f"{start}T00:00:00+00:00")
    span = calendar.week(now, there)
    step = timedelta(minutes=7)
    count = (span.end - span.start) // step
    found = calendar.days([ends(span.start + n * step) for n in range(count)], now, there)
    assert sum(day.whole.count for day in found) == count
    for n in range(count):
        at = span.start + n * step
        local = at.astimezone(there)
        day = next(one for one in found if one.date == local.date())
        slot = day.hours[local.hour]
        assert slot.span.start <= at < slot.span.end, (at, local)


def test_the_hour_that_comes_twice_is_two_hours_long_and_holds_both():
    now = datetime(2026, 10, 31, 12, tzinfo=UTC)
    both = [datetime(2026, 11, 1, hour, 30, tzinfo=UTC) for hour in (5, 6)]
    sunday = calendar.days([ends(at) for at in both], now, NEW_YORK)[1]
    assert (sunday.hours[1].count, sunday.hours[1].span.end - sunday.hours[1].span.start) == (
        2,
        2 * HOUR,
    )
    assert str(sunday.hours[1].span) == "2026-11-01T05:00Z/2026-11-01T07:00Z"
    assert [slot.count for slot in sunday.hours] == [0, 2] + [0] * 22


def test_the_hour_that_is_left_out_does_not_exist_and_holds_nothing():
    now = datetime(2026, 3, 7, 12, tzinfo=UTC)
    sunday = calendar.days([ends(datetime(2026, 3, 8, 7, tzinfo=UTC))], now, NEW_YORK)[1]
    assert [hour for hour, slot in enumerate(sunday.hours) if not slot.exists] == [2]
    assert (sunday.hours[2].count, sunday.hours[3].count) == (0, 1)


def test_the_full_hour_belongs_to_the_hour_that_it_begins():
    now = datetime(2026, 11, 24, 12, tzinfo=UTC)
    at = datetime(2026, 11, 25, 2, tzinfo=UTC)
    found = calendar.days([ends(at), ends(at - timedelta(microseconds=1))], now, ZoneInfo("UTC"))
    assert [found[1].hours[hour].count for hour in (1, 2, 3)] == [1, 1, 0]


def test_currencies_stand_beside_each_other_and_a_person_is_told_of():
    now = datetime(2026, 11, 24, 12, tzinfo=UTC)
    at = datetime(2026, 11, 25, 2, 30, tzinfo=UTC)
    endings = [ends(at), ends(at, 4000, person=True), ends(at, 500, "jpy")]
    day = calendar.days(endings, now, ZoneInfo("UTC"))[1]
    told = [(one.currency, one.count, one.amount, one.person) for one in day.hours[2].sums]
    assert told == [("jpy", 1, 500, False), ("usd", 2, 13600, True)]
    assert day.whole.sums == day.hours[2].sums


def test_bins_are_three_hours_and_only_those_in_which_something_ends():
    now = datetime(2026, 11, 24, 1, tzinfo=UTC)
    hours = (2, 5, 5, 23)
    endings = [ends(datetime(2026, 11, 24, hour, 59, tzinfo=UTC)) for hour in hours]
    (today, *_) = calendar.days(endings, now, ZoneInfo("UTC"))
    assert [(slot.span.start.hour, slot.count) for slot in today.bins(3)] == [
        (0, 1),
        (3, 2),
        (21, 1),
    ]
