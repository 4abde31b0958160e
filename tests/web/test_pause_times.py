"""The time until which a capture is paused, where the clocks of the desk's zone change."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from dashboard.bookings.errors import BadOrder
from dashboard.web import pause_form

NEW_YORK = ZoneInfo("America/New_York")


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("2026-11-24T02:30", datetime(2026, 11, 24, 7, 30, tzinfo=UTC)),
        ("2027-03-14T01:59", datetime(2027, 3, 14, 6, 59, tzinfo=UTC)),
        ("2027-03-14T03:00", datetime(2027, 3, 14, 7, 0, tzinfo=UTC)),
        # This hour comes twice; a pause must not end before what its author may have meant.
        ("2027-11-07T01:30", datetime(2027, 11, 7, 6, 30, tzinfo=UTC)),
    ],
)
def test_a_time_of_the_desks_zone_is_one_instant(typed: str, meant: datetime):
    assert pause_form.until(typed, NEW_YORK) == meant


@pytest.mark.parametrize(
    "typed", ["2027-03-14T02:30", "2027-03-14T02:00", "9999-12-31T23:59", "1-01-01", "", "soon"]
)
def test_a_time_that_the_clocks_skip_or_that_is_none_is_refused(typed: str):
    with pytest.raises(BadOrder):
        pause_form.until(typed, NEW_YORK)
