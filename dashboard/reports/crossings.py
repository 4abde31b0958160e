"""The e-mail about lines that were crossed: once for each crossing, to each of finance."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

import structlog

from dashboard import db, settings
from dashboard.mail.letters import Letter
from dashboard.mail.phrases import Section
from dashboard.metrics.facts import Metric
from dashboard.metrics.tables import Crossing, Threshold
from dashboard.metrics.values import NAMES, SHARES
from dashboard.reports import words
from dashboard.reports.notices import finance, owe

log = structlog.get_logger()
TEMPLATE = "crossing"
# As the other mail: what is older is no news, and stands on the chart.
NEWS_FOR = timedelta(days=3)
FOOT = (
    "You get this e-mail because you are finance at the desk, or because ALERT_EMAIL names you. It "
    "comes once for each day on which a figure is beyond the line that finance has drawn."
)
Crossed = tuple[Crossing, Threshold]


async def tell(now: datetime) -> bool:
    """Owe one e-mail about every crossing that is news; false when there is none, or nobody.

    The crossings are marked as told in the transaction that writes the letters down: whoever dies,
    and however many do this at once, each crossing is told once.
    """
    if not await Crossing.exists().where(_untold(now)):
        return False
    to = await finance()
    if not to:
        return False
    async with db.transaction():
        mine = (
            await Crossing.update({Crossing.mailed_at: now})
            .where(_untold(now))
            .returning(*Crossing.all_columns())
        )
        found = await _with_lines([Crossing(**row) for row in mine])
        if not found:
            return False
        await owe(to, letter(found), now)
    log.info("crossings.told", crossings=len(found), people=len(to))
    return True


def _untold(now: datetime) -> Any:
    return Crossing.mailed_at.is_null() & (Crossing.recorded_at > now - NEWS_FOR)


async def _with_lines(rows: Sequence[Crossing]) -> list[Crossed]:
    drawn = {
        row.id: row
        for row in await Threshold.objects().where(
            Threshold.id.is_in([row.threshold for row in rows] or [0])
        )
    }
    return [(row, drawn[row.threshold]) for row in sorted(rows, key=lambda row: row.id)]


def letter(found: Sequence[Crossed]) -> Letter:
    """One letter about these crossings, the first of them in its subject."""
    first = _said(*found[0])
    more = "" if len(found) == 1 else f", and {len(found) - 1} more"
    return Letter(
        TEMPLATE,
        f"[Holdfast] {first}{more}",
        "failed",
        first,
        "A figure is beyond the line that finance has drawn for it."
        if len(found) == 1
        else f"{len(found)} figures are beyond the lines that finance has drawn for them.",
        (),
        tuple((_name(row), _beyond(row, line)) for row, line in found),
        tuple(_section(row, line) for row, line in found),
        ("Open the analytics", f"{settings.current().base_url}/analytics"),
        sign="📈",
        foot=FOOT,
    )


def _name(row: Crossing) -> str:
    currency = f", {row.currency.upper()}" if row.currency else ""
    return f"{NAMES[Metric(row.metric)]}{currency}, {words.day(row.day)}"


def _said(row: Crossing, line: Threshold) -> str:
    metric = Metric(row.metric)
    currency = f" ({row.currency.upper()})" if row.currency else ""
    return f"{NAMES[metric]}{currency}: {_beyond(row, line)}"


def _beyond(row: Crossing, line: Threshold) -> str:
    return words.beyond(Metric(row.metric), row.value, line.value)


def _section(row: Crossing, line: Threshold) -> Section:
    metric = Metric(row.metric)
    chosen = settings.current()
    currency = row.currency or chosen.default_currency
    counted = words.rows_of(metric, row.day, row.day, currency)
    sentences = [f"{row.cases:,} cases that day. The rows: {chosen.base_url}{counted}"]
    if metric in SHARES:
        of = words.rows_of(f"{metric}.of", row.day, row.day, currency)
        sentences.append(f"What they are a part of: {chosen.base_url}{of}")
    sentences.append(f"The line was drawn by {line.set_by}.")
    return Section(_name(row), tuple(sentences))


def samples() -> dict[str, tuple[str, Letter]]:
    """By name: what the e-mail is called, and a letter about a made-up crossing."""
    at, day = datetime(2026, 11, 24, 7, tzinfo=UTC), date(2026, 11, 24)
    line = Threshold(
        id=1, metric=Metric.EXPIRY, currency="usd", value=100, set_by="Fiona", set_at=at
    )
    row = Crossing(
        metric=Metric.EXPIRY,
        currency="usd",
        day=day,
        threshold=1,
        value=321,
        cases=140,
        recorded_at=at,
    )
    return {"crossing": ("A line was crossed", letter([(row, line)]))}
