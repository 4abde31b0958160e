"""The file for calendar programs: lines of the right length, and nothing that breaks out of one."""

from datetime import UTC, datetime

from dashboard.web import icalendar
from dashboard.web.icalendar import Event

AT = datetime(2026, 11, 24, 7, 0, 5, tzinfo=UTC)


def event(**changes: object) -> Event:
    given = {
        "payment_id": 7,
        "number": "#1042",
        "amount": "$96.00",
        "at": AT,
        "made_at": datetime(2026, 11, 20, 12, tzinfo=UTC),
        "estimated": False,
        "person": False,
    }
    return Event(**{**given, **changes})  # type: ignore[arg-type]


def lines(*events: Event, base_url: str = "https://desk.test") -> list[str]:
    body = icalendar.calendar(events, base_url).decode()
    assert body.endswith("\r\n") and "\n" not in body.replace("\r\n", "")
    return body.replace("\r\n ", "").split("\r\n")


def test_a_hold_is_an_event_that_ends_with_it():
    found = lines(event(person=True, estimated=True))
    for line in (
        "UID:hold-7@desk.test",
        "DTSTAMP:20261120T120000Z",
        "DTSTART:20261124T064505Z",
        "DTEND:20261124T070005Z",
        "SUMMARY:#1042 $96.00 expires",
        "DESCRIPTION:Needs a person. When it ends is estimated.",
        "URL:https://desk.test/holds/7",
    ):
        assert line in found


def test_long_lines_are_folded_at_75_octets_and_no_character_is_cut():
    body = icalendar.calendar([event(amount="¥" * 200)], "https://desk.test")
    parts = body.split(b"\r\n")
    assert max(map(len, parts)) <= 75
    assert all(part.decode() or part == b"" for part in parts)
    assert f"SUMMARY:#1042 {'¥' * 200} expires" in body.decode().replace("\r\n ", "")


def test_what_would_end_a_line_or_a_value_is_escaped():
    found = lines(event(number="a,b;c\\d\nEND:VEVENT"))
    assert "SUMMARY:a\\,b\\;c\\\\d\\nEND:VEVENT $96.00 expires" in found
    assert found.count("END:VEVENT") == 1
