"""When does it get busy: seven days of money that stops being held, hour by hour."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from litestar import Response, get
from litestar_htmx import HTMXRequest, HTMXTemplate

from dashboard import clock, findings, formats, settings
from dashboard.bookings import calendar, outlook
from dashboard.bookings.calendar import Day, Slot, Sum
from dashboard.bookings.queue import Filters
from dashboard.bookings.spans import HOUR, Span
from dashboard.money import SUPPORTED
from dashboard.staff import feeds
from dashboard.web import live
from dashboard.web.pages import page
from dashboard.web.security import guard

BIN = 3


@dataclass(frozen=True, slots=True)
class Cell:
    """One hour, bin or day as it is drawn. `state` is past, now, later or none: no such hour."""

    when: str
    href: str
    count: int
    holds: str
    amounts: list[str]
    person: bool
    state: str


@dataclass(frozen=True, slots=True)
class Column:
    """One day."""

    name: str
    iso: str
    whole: Cell
    hours: list[Cell]
    bins: list[Cell]


@get("/calendar", guards=[guard()])
async def show(request: HTMXRequest) -> Response[Any]:
    """The week as things stand."""
    # Before anything is read: what changes while we read is shown by the next look.
    tag = await live.of_desk(request)
    return live.unchanged(request, tag) or await calendar_page(request, tag, {})


async def calendar_page(request: HTMXRequest, tag: str, more: dict[str, Any]) -> HTMXTemplate:
    """The page of this version, with what an answer has to add to it."""
    now, zone = clock.now(), settings.current().zone
    asked = request.query_params.get("currency", "").lower()
    currency = asked if asked in SUPPORTED else ""
    span = calendar.week(now, zone)
    everything = await outlook.ending(now, Filters(expires=str(span)))
    shown = [one for one in everything if currency in ("", one.currency)]
    found = calendar.days(shown, now, zone)
    feed = await feeds.of(request.state.staff.id)
    context = {
        "heading": await _heading(shown, found, now, zone),
        "whole": _href(span, currency) if shown else "",
        "busiest": _busiest(found, currency, now, zone),
        "risk": findings.at_risk(shown),
        "risky": _href(span, currency, "person"),
        "columns": [_column(day, currency, now, zone) for day in found],
        "labels": [f"{hour:02}:00" for hour in range(calendar.HOURS)],
        "this_hour": now.astimezone(zone).hour,
        "notes": [note for day in found for note in _clock_notes(day)],
        "live": tag,
        "currency": currency,
        "currencies": _choices(calendar.sums(everything), currency),
        "feed": _feed(feed, zone),
        "address": "",
        "flash": "",
    }
    return await page(request, "calendar/index.html", {**context, **more})


async def _heading(
    shown: Sequence[outlook.Ending], found: list[Day], now: datetime, zone: ZoneInfo
) -> str:
    last = _name(found[-1].date)
    if not shown:
        following = await outlook.next_end(now)
        then = f" Next: {formats.day_and_time(following, zone)}." if following else ""
        return f"Nothing expires by the end of {last}.{then}"
    some = "1 hold" if len(shown) == 1 else f"{len(shown)} holds"
    verb = "expires" if len(shown) == 1 else "expire"
    return f"{some} worth {findings.worth(findings.totals(shown))} {verb} by the end of {last}"


def _busiest(found: list[Day], currency: str, now: datetime, zone: ZoneInfo) -> Cell | None:
    """The hour in which most holds end, where there is a most."""
    slots = [slot for day in found for slot in day.hours if slot.count > 1]
    most = max(slots, key=lambda slot: slot.count, default=None)
    return _cell(most, currency, now, zone, with_day=True) if most else None


def _column(day: Day, currency: str, now: datetime, zone: ZoneInfo) -> Column:
    return Column(
        _name(day.date),
        day.date.isoformat(),
        _cell(day.whole, currency, now, zone),
        [_cell(slot, currency, now, zone) for slot in day.hours],
        [_cell(slot, currency, now, zone) for slot in day.bins(BIN)],
    )


def _cell(
    slot: Slot, currency: str, now: datetime, zone: ZoneInfo, *, with_day: bool = False
) -> Cell:
    start, end = slot.span.start, slot.span.end
    first = formats.day_and_time(start, zone) if with_day else formats.time_of_day(start, zone)
    return Cell(
        when=f"{first} to {formats.time_of_day(end, zone)}",
        href=_href(slot.span, currency) if slot.sums else "",
        count=slot.count,
        holds="1 hold" if slot.count == 1 else f"{slot.count} holds",
        amounts=[formats.money(one.amount, one.currency) for one in slot.sums],
        person=slot.person,
        state=_state(slot, now),
    )


def _state(slot: Slot, now: datetime) -> str:
    if not slot.exists:
        return "none"
    if slot.span.end <= now:
        return "past"
    return "now" if slot.span.start <= now else "later"


def _href(span: Span, currency: str, view: str = "open") -> str:
    asked = Filters(view=view, expires=str(span), currency=currency)
    return f"/holds?{urlencode(asked.query())}"


def _clock_notes(day: Day) -> list[str]:
    """What the clock does on this day, where it is put forward or back."""
    said = []
    for hour, slot in enumerate(day.hours):
        length = slot.span.end - slot.span.start
        if not slot.exists:
            said.append(f"{_name(day.date)}: the clock is put forward, there is no {hour:02}:00.")
        elif length != HOUR:
            minutes = int(length / timedelta(minutes=1))
            said.append(
                f"{_name(day.date)}: the clock changes, the hour from {hour:02}:00"
                f" is {minutes} minutes long."
            )
    return said


def _name(day: date) -> str:
    return f"{day:%a} {day.day} {day:%b}"


def _choices(found: Sequence[Sum], chosen: str) -> list[dict[str, Any]]:
    """All, and each currency alone; nothing to choose where there is one."""
    if len(found) < 2 and not chosen:
        return []
    names = sorted({one.currency for one in found} | ({chosen} if chosen else set()))
    counts = {one.currency: one.count for one in found}
    every = {"name": "", "said": "All currencies", "count": sum(counts.values())}
    return [every, *({"name": n, "said": n.upper(), "count": counts.get(n, 0)} for n in names)]


def _feed(feed: Any, zone: ZoneInfo) -> dict[str, str] | None:
    """The person's own address: since when, and when it was last read."""
    if feed is None:
        return None
    used = feed.used_at
    return {
        "since": formats.moment(feed.created_at, zone),
        "used": f"last read {formats.ago(used, clock.wall())} ago" if used else "never read yet",
    }


handlers = [show]
