"""Alerts in words: what they come to together, and each by itself. No name of a person."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, TypeVar
from zoneinfo import ZoneInfo

from dashboard import findings, formats, money
from dashboard.alerts.kinds import ABOUT, LATE, Kind, Severity, Trouble


class Told(Protocol):
    """What a trouble and an alert have in common."""

    @property
    def kind(self) -> str: ...

    @property
    def amount(self) -> int: ...

    @property
    def currency(self) -> str: ...


T = TypeVar("T", bound=Told)


@dataclass(frozen=True, slots=True)
class Banner:
    """The one line above a page: what is worst, what that means, and how many more there are."""

    said: str
    means: str
    link: str
    more: int


def together(some: Sequence[Told]) -> str:
    """What alerts of one kind come to: "3 holds worth $308.00 are at risk"."""
    about = ABOUT[Kind(some[0].kind)]
    amounts = money.sums((one.currency, one.amount) for one in some if one.currency)
    form = about.one if len(some) == 1 else about.many
    return form.format(count=len(some), worth=findings.worth(amounts) if amounts else "")


def by_kind(some: Iterable[T]) -> dict[Kind, list[T]]:
    """The alerts of each kind, in the order in which they came."""
    found: dict[Kind, list[T]] = {}
    for one in some:
        found.setdefault(Kind(one.kind), []).append(one)
    return found


def counts(troubles: Iterable[Trouble]) -> str:
    """For machines, and for whoever may not read amounts: "2 hold_at_risk, 1 dead_letter"."""
    return ", ".join(f"{len(some)} {kind}" for kind, some in by_kind(troubles).items())


def sentence(trouble: Trouble, number: str, zone: ZoneInfo) -> str:
    """One alert by itself; `number` is what staff call the booking, if it is about one."""
    amount = formats.money(trouble.amount, trouble.currency) if trouble.currency else ""
    about = " ".join(part for part in (number, amount) if part)
    ends = {Kind.HOLD_AT_RISK: "ends", Kind.DISPUTE_OPEN: "answer by"}.get(trouble.kind)
    until = f"{ends} {formats.moment(trouble.until, zone)}" if ends and trouble.until else ""
    detail = trouble.detail[:1].lower() + trouble.detail[1:]
    said = ", ".join(part for part in (about, detail, until) if part)
    name = ABOUT[trouble.kind].name
    return f"{name}: {said}" if said else name


def banner(troubles: Sequence[Trouble], now: datetime, zone: ZoneInfo) -> Banner | None:
    """What every page has to say above all else; nothing where it can wait to be looked up."""
    loud = [one for one in troubles if one.severity is Severity.CRITICAL or one.kind in LATE]
    if not loud:
        return None
    kind, some = next(iter(by_kind(loud).items()))
    said = f"{together(some)}{_when(some, now, zone)}."
    return Banner(said, ABOUT[kind].short, f"/alerts#{kind}", len(troubles) - len(some))


def _when(some: Sequence[Trouble], now: datetime, zone: ZoneInfo) -> str:
    """Until when something can be done, where that has an end ahead; else since when it is so."""
    ends = [one.until for one in some if one.until is not None and one.until > now]
    if ends:
        left = formats.countdown(min(ends), now)
        return f"; there is time until {formats.moment(min(ends), zone)} ({left})"
    since = min(one.since for one in some)
    return f", since {formats.moment(since, zone)} ({formats.ago(since, now)} ago)"
