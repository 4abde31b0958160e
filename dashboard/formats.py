"""Amounts and instants as people read them. Countdowns round down; a deadline never looks later."""

from datetime import datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from babel.dates import format_datetime, get_timezone_name
from babel.numbers import format_currency

from dashboard.money import to_decimal

LOCALE = "en_US"
# A page of fifty holds says the same few prices and instants a thousand times, and babel parses its
# locale for each.
said_before = lru_cache(maxsize=8_192)


@said_before
def money(amount: int, currency: str) -> str:
    """`amount` minor units as "$96.00", with the currency's own number of decimals."""
    said = format_currency(to_decimal(amount, currency), currency.upper(), locale=LOCALE)
    # A code, unlike a sign, needs a space before the digits, and one that no line breaks at.
    return said.replace(currency.upper(), f"{currency.upper()}\N{NO-BREAK SPACE}", 1)


def countdown(until: datetime, now: datetime) -> str:
    """The time left, rounded down to its two largest units: "1 h 12 min", "6 d 3 h"."""
    left = until - now
    if left <= timedelta():
        return "ended"
    minutes = int(left.total_seconds()) // 60
    days, hours, rest = minutes // 1440, minutes % 1440 // 60, minutes % 60
    if days:
        return f"{days} d {hours} h"
    if hours:
        return f"{hours} h {rest} min"
    return f"{rest} min" if rest else "under 1 min"


@said_before
def moment(at: datetime, zone: ZoneInfo) -> str:
    """An instant with its day and zone: "Tue 24 Nov 02:00 EST"."""
    local = at.astimezone(zone)
    return f"{format_datetime(local, 'EEE d MMM HH:mm', locale=LOCALE)} {zone_name(at, zone)}"


@said_before
def day_and_time(at: datetime, zone: ZoneInfo) -> str:
    """An instant with its day, for a text that names the zone elsewhere: "Tue 24 Nov 02:00"."""
    return format_datetime(at.astimezone(zone), "EEE d MMM HH:mm", locale=LOCALE)


@said_before
def weekday_and_time(at: datetime, zone: ZoneInfo) -> str:
    """An instant of the coming days, whose weekday is enough: "Tue 02:00"."""
    return format_datetime(at.astimezone(zone), "EEE HH:mm", locale=LOCALE)


@said_before
def day(at: datetime, zone: ZoneInfo) -> str:
    """The day of an instant: "Tue 24 Nov"."""
    return format_datetime(at.astimezone(zone), "EEE d MMM", locale=LOCALE)


def ago(at: datetime, now: datetime) -> str:
    """How long ago it was, in one unit, rounded down: "8 seconds", "3 hours"."""
    seconds = max(0, int((now - at).total_seconds()))
    for size, unit in ((86400, "day"), (3600, "hour"), (60, "minute"), (1, "second")):
        if seconds >= size:
            count = seconds // size
            return f"{count} {unit}" if count == 1 else f"{count} {unit}s"
    return "a moment"


def age(at: datetime, now: datetime) -> str:
    """How old something is, in one short unit, rounded down: "40 s", "3 h"."""
    seconds = max(0, int((now - at).total_seconds()))
    for size, unit in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds // size} {unit}"
    return f"{seconds} s"


def time_of_day(at: datetime, zone: ZoneInfo) -> str:
    """The hour and minute in `zone`: "02:00"."""
    return format_datetime(at.astimezone(zone), "HH:mm", locale=LOCALE)


def to_the_second(at: datetime, zone: ZoneInfo) -> str:
    """The time of day in `zone`, for something that was asked just now: "02:14:05"."""
    return format_datetime(at.astimezone(zone), "HH:mm:ss", locale=LOCALE)


def zone_of(name: str, otherwise: ZoneInfo) -> ZoneInfo:
    """The zone of this name, or another one where the system doesn't know it any more."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        return otherwise


def zone_name(at: datetime, zone: ZoneInfo) -> str:
    """The zone's short name at that instant: "EST"."""
    return get_timezone_name(at.astimezone(zone), width="short", locale=LOCALE)
