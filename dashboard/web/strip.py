"""The next 24 hours, hour by hour: how much money stops being held in each."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from dashboard import formats
from dashboard.bookings.outlook import Ending
from dashboard.bookings.spans import span

HOURS = 25
HEIGHT = 44
TICK_EVERY = 3
HOUR = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Column:
    """One hour with money in it. `x` is in percent; heights are in pixels, the risky part below."""

    x: float
    height: int
    risky: int
    amount: str
    count: int
    told: str
    when: str
    expires: str


@dataclass(frozen=True, slots=True)
class Strip:
    """One currency's columns; they are never compared with another currency's."""

    currency: str
    columns: list[Column]
    risky: bool


@dataclass(frozen=True, slots=True)
class Tick:
    x: float
    label: str
    day: str


def width() -> float:
    """A column's width in percent."""
    return round(100 / HOURS, 3)


def first_hour(now: datetime, zone: ZoneInfo) -> datetime:
    """The full hour that `now` is in, by the clock of `zone`, as an instant in UTC."""
    local = now.astimezone(zone)
    return (now - timedelta(minutes=local.minute, seconds=local.second)).replace(
        microsecond=0, tzinfo=UTC
    )


def strips(endings: Sequence[Ending], now: datetime, zone: ZoneInfo) -> list[Strip]:
    """A strip per currency, in the order in which their holds end."""
    currencies = list(dict.fromkeys(ending.currency for ending in endings))
    first = first_hour(now, zone)
    return [
        _strip(currency, [one for one in endings if one.currency == currency], first, zone)
        for currency in currencies
    ]


def _strip(currency: str, endings: list[Ending], first: datetime, zone: ZoneInfo) -> Strip:
    by_hour: dict[int, list[Ending]] = {}
    for ending in endings:
        by_hour.setdefault((ending.at - first) // HOUR, []).append(ending)
    tallest = max(sum(one.amount for one in hour) for hour in by_hour.values())
    columns = [
        _column(index, hour, first + index * HOUR, tallest, zone)
        for index, hour in sorted(by_hour.items())
    ]
    return Strip(currency.upper(), columns, any(ending.person for ending in endings))


def _column(
    index: int, endings: list[Ending], start: datetime, tallest: int, zone: ZoneInfo
) -> Column:
    amount = sum(ending.amount for ending in endings)
    risk = sum(ending.amount for ending in endings if ending.person)
    said = formats.money(amount, endings[0].currency)
    holds = "1 hold" if len(endings) == 1 else f"{len(endings)} holds"
    hours = f"{formats.time_of_day(start, zone)} to {formats.time_of_day(start + HOUR, zone)}"
    person = "; needs a person" if risk else ""
    return Column(
        x=round(index * 100 / HOURS, 3),
        height=max(3, round(amount * HEIGHT / tallest)),
        risky=round(risk * HEIGHT / tallest),
        amount=said,
        count=len(endings),
        told=f"{hours}: {holds}, {said}{person}",
        when=hours,
        expires=str(span(start, start + HOUR)),
    )


def progress(now: datetime, zone: ZoneInfo) -> float:
    """Where the present moment is on the strip, in percent."""
    return round((now - first_hour(now, zone)) / HOUR * 100 / HOURS, 3)


def ticks(now: datetime, zone: ZoneInfo) -> list[Tick]:
    """The hours under the strip; midnight carries the new day's name."""
    first = first_hour(now, zone)
    found = []
    for index in range(HOURS):
        at = (first + index * HOUR).astimezone(zone)
        if at.hour % TICK_EVERY == 0:
            day = at.strftime("%a") if at.hour == 0 else ""
            found.append(Tick(round(index * 100 / HOURS, 3), f"{at:%H:%M}", day))
    return found
