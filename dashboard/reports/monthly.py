"""The e-mail about a month that is over: once to each person who wants it."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction

import structlog

from dashboard import clock, db, formats, settings
from dashboard.mail.letters import Letter
from dashboard.mail.phrases import Section
from dashboard.metrics.days import starts_at
from dashboard.metrics.facts import Metric
from dashboard.metrics.figures import Average, Figures, Money, PerHundred, Share, Spread
from dashboard.metrics.queries import today
from dashboard.metrics.values import NAMES
from dashboard.payments.tables import Purchase, StripeEvent
from dashboard.reports import words
from dashboard.reports.month import Part, Report, report
from dashboard.reports.notices import owe
from dashboard.reports.tables import SentReport, Subscription
from dashboard.reports.words import end_of_month
from dashboard.staff.tables import Staff

log = structlog.get_logger()
TEMPLATE = "month"
# What the last hours of a month brought has been told and counted by then.
AFTER = timedelta(hours=3)
# After a standstill so many months are still told.
MOST_MONTHS = 3
FOOT = "You get this e-mail because you subscribed to it on the desk's page of reports."
_ONE = timedelta(days=1)


async def subscribed(staff: int) -> bool:
    """Whether a person gets the report."""
    return bool(await Subscription.exists().where(Subscription.staff == staff))


async def subscribe(staff: int) -> None:
    """Send a person each month's report from now on; twice is once."""
    row = Subscription(staff=staff, since=clock.now())
    await Subscription.insert(row).on_conflict(target=Subscription.staff, action="DO NOTHING")


async def unsubscribe(staff: int) -> None:
    """Send no more."""
    await Subscription.delete().where(Subscription.staff == staff)


async def tell(now: datetime) -> int:
    """Owe the reports of the last months to whoever has not got them; answers how many.

    Whoever had subscribed before the month was over gets it: on the first, or as soon as the worker
    runs again.
    """
    return sum([await _tell_month(month, now) for month in _over(now)])


async def owed(now: datetime) -> bool:
    """Whether somebody has not got the report of a month that is over."""
    for month in _over(now):
        if await _without(month) and not await _unfinished(month):
            return True
    return False


async def _unfinished(month: date) -> bool:
    """Whether something that was due in a month is still to be done, as after a standstill.

    What it brings, at Stripe's own time, belongs into that month.
    """
    ends_at = _ends_at(month)
    events = (StripeEvent.due_at < ends_at) & (StripeEvent.state == "waiting")
    return bool(
        await Purchase.exists().where(Purchase.due_at < ends_at)
        or await StripeEvent.exists().where(events)
    )


def _over(now: datetime) -> list[date]:
    """The first days of the last months that are over, the oldest first."""
    found, month = list[date](), today().replace(day=1)
    for _ in range(MOST_MONTHS):
        month = (month - _ONE).replace(day=1)
        if _ends_at(month) + AFTER <= now:
            found.append(month)
    return found[::-1]


def _ends_at(month: date) -> datetime:
    return starts_at(end_of_month(month) + _ONE, settings.current().zone)


async def _tell_month(month: date, now: datetime) -> int:
    people = await _without(month)
    if not people or await _unfinished(month):
        return 0
    written, told = letter(await report(month)), 0
    for staff, address, name in people:
        told += await _tell_one(month, staff, (address, name), written, now)
    return told


async def _without(month: date) -> list[tuple[int, str, str]]:
    """Number, address and name of active people who subscribed in time and have not got it."""
    got = SentReport.select(SentReport.staff).where(SentReport.month == month)
    rows = (
        await Subscription.select(
            Subscription.staff,
            Subscription.staff.email.as_alias("email"),
            Subscription.staff.name.as_alias("name"),
        )
        .where(Subscription.since < _ends_at(month))
        .where(Subscription.staff.is_in(Staff.select(Staff.id).where(Staff.active.eq(True))))
        .where(Subscription.staff.not_in(got))
        .order_by(Subscription.id)
    )
    return [(row["staff"], row["email"], row["name"]) for row in rows]


async def _tell_one(
    month: date, staff: int, to: tuple[str, str], written: Letter, now: datetime
) -> bool:
    async with db.transaction():
        mark = SentReport(month=month, staff=staff, written_at=now)
        if not await SentReport.insert(mark).on_conflict(action="DO NOTHING"):
            return False
        await owe([to], written, now)
    log.info("report.told", month=str(month), staff=staff)
    return True


def letter(found: Report) -> Letter:
    """The month in a few numbers, and where all of it stands."""
    month = words.month(found.first)
    finding = words.finding(found.parts[0].figures, found.parts[0].currency)
    base = settings.current().base_url
    return Letter(
        TEMPLATE,
        f"[Holdfast] {month}: {finding}",
        "captured",
        f"{month}: {finding}",
        "The month is over.",
        (),
        tuple(row for part in found.parts for row in _rows(part, len(found.parts) > 1)),
        tuple(_worst(part) for part in found.parts if part.worst),
        ("Open the report", f"{base}/reports/{found.first:%Y-%m}"),
        sign="📊",
        foot=FOOT,
    )


def _rows(part: Part, named: bool) -> Sequence[tuple[str, str]]:
    money, currency = part.figures.money, part.currency
    after = f" ({currency.upper()})" if named else ""

    def said(amount: int) -> str:
        return formats.money(amount, currency)

    figures = [(f"{NAMES[metric]}{after}", words.told(metric, part.figures)) for metric in Metric]
    return [
        *figures,
        (f"Captured and charged{after}", said(money.captured + money.charged)),
        (f"Refunded and lost{after}", said(money.refunded + money.lost)),
        (f"Net after known fees{after}", said(money.after_fees)),
    ]


def _worst(part: Part) -> Section:
    one = part.worst[0]
    some = "1 hold" if len(part.worst) == 1 else f"{len(part.worst)} holds"
    lost = formats.money(sum(row.cost for row in part.worst), part.currency)
    said = f"{some} went wrong and lost {lost} together, {one.hold.subject.number} before all."
    return Section(f"What went wrong, {part.currency.upper()}", (said,))


def samples() -> dict[str, tuple[str, Letter]]:
    """By name: what the e-mail is called, and a letter about a made-up month."""
    figures = Figures(
        authorization=Share(412, 440),
        capture_time=Spread(380, Fraction(95_400), 190_800, Fraction(101_000)),
        expiry=Share(7, 402),
        still_open=38,
        capture_failure=Share(9, 391),
        hold_duration=Average(402, 402 * 101_000),
        tickets=12,
        tickets_per_100=PerHundred(12, 412),
        money=Money(captured=3_648_000, charged=420_000, refunded=96_000, fees=121_300),
    )
    part = Part("usd", figures, figures, [])
    first = datetime(2026, 11, 1, tzinfo=UTC).date()
    made_up = Report(first, end_of_month(first), False, [part])
    return {"month": ("A month is over", letter(made_up))}
