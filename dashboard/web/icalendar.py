"""Holds that end, as calendar programs read them (RFC 5545). Nothing is parsed here."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

# In octets, without the line's end.
LONGEST_LINE = 75
# How long before its end a hold stands in the calendar.
BEFORE = timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class Event:
    """A hold that ends `at`; `made_at` is since when it stands. No name: others read it, too."""

    payment_id: int
    number: str
    amount: str
    at: datetime
    made_at: datetime
    estimated: bool
    person: bool


def calendar(events: Iterable[Event], base_url: str) -> bytes:
    """The whole file. The same holds make the same bytes, whenever they are asked for."""
    lines = [
        "BEGIN:VCALENDAR",
        "VERSION:2.0",
        "PRODID:-//Holdfast//Holds//EN",
        "CALSCALE:GREGORIAN",
        "X-WR-CALNAME:Holds that expire",
        "REFRESH-INTERVAL;VALUE=DURATION:PT15M",
        "X-PUBLISHED-TTL:PT15M",
    ]
    for event in events:
        lines += _event(event, base_url)
    return "".join(f"{_folded(line)}\r\n" for line in (*lines, "END:VCALENDAR")).encode()


def _event(event: Event, base_url: str) -> list[str]:
    about = ["Needs a person."] if event.person else []
    about += ["When it ends is estimated."] if event.estimated else []
    described = [f"DESCRIPTION:{_text(' '.join(about))}"] if about else []
    return [
        "BEGIN:VEVENT",
        f"UID:hold-{event.payment_id}@{urlsplit(base_url).hostname or 'holdfast'}",
        f"DTSTAMP:{_instant(event.made_at)}",
        f"DTSTART:{_instant(event.at - BEFORE)}",
        f"DTEND:{_instant(event.at)}",
        f"SUMMARY:{_text(f'{event.number} {event.amount} expires')}",
        *described,
        f"URL:{base_url}/holds/{event.payment_id}",
        "TRANSP:TRANSPARENT",
        "END:VEVENT",
    ]


def _instant(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")


def _text(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace(";", "\\;").replace(",", "\\,")
    return escaped.replace("\n", "\\n")


def _folded(line: str) -> str:
    """A long line in several, each of which goes on after a space; no character is cut in two."""
    parts, part, size = [], "", 0
    for mark in line:
        octets = len(mark.encode())
        if size + octets > LONGEST_LINE:
            parts.append(part)
            # The space that a continuation begins with counts as well.
            part, size = "", 1
        part, size = part + mark, size + octets
    return "\r\n ".join([*parts, part])
