"""Days of events for the analytics, made up, and what a page says of them."""

import json
import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from html import unescape
from typing import Any

import httpx

from dashboard import clock, settings
from jobs.metrics import keep_metrics
from tests.metrics.histories import Told, open_ticket, payment, tell

DAY = timedelta(days=1)
Story = Sequence[Told]


def noon() -> datetime:
    """The middle of the present day in the desk's zone, in which its figures count their days."""
    here = clock.now().astimezone(settings.current().zone)
    return here.replace(hour=12, minute=0, second=0, microsecond=0).astimezone(UTC)


def held(ended: str, hours: float = 30, **more: Any) -> list[Told]:
    """A hold that ended in this way after so many hours."""
    end = Told(ended, timedelta(hours=hours), **more)
    return [Told("authorized", timedelta()), end]


def refused() -> Told:
    """A capture that Stripe refused, a day after the hold was placed."""
    return Told("operation_refused", DAY, operation="op-1", detail={"verb": "capture"})


async def happened(stories: Sequence[Story], days_ago: float, currency: str = "usd") -> None:
    """Let each of these happen to a payment of its own, beginning so many days ago."""
    for story in stories:
        await tell(await payment(currency), story, noon() - days_ago * DAY)


async def a_mixed_month(scale: int = 1, currency: str = "usd") -> None:
    """Something of everything that the six figures count, in enough cases for percentages."""
    captured = [held("captured", 20 + number, operation=f"op-{number}") for number in range(24)]
    await happened(captured * scale, 9, currency)
    await happened([held("expired", 40)] * scale, 6, currency)
    after_refusal = [*held("expired", 60), refused()]
    await happened([after_refusal] * 2 * scale, 6, currency)
    await happened([held("released", 10)] * 3 * scale, 5, currency)
    await happened([[Told("declined", timedelta())]] * 2 * scale, 4, currency)
    await happened([[Told("charged", timedelta(), 4200)]] * scale, 4, currency)
    await happened([[Told("authorized", timedelta())]] * 2 * scale, 1, currency)
    for number in range(3 * scale):
        await open_ticket(noon() - (number % 4) * DAY)


async def counted() -> None:
    """What the worker's tick does: count the days that something has happened on."""
    while await keep_metrics():
        pass


def charts(answer: httpx.Response) -> dict[str, Any]:
    """The figures that a page carries, by their panels."""
    pattern = r'<script type="application/json" id="figure-([^"]+)">(.*?)</script>'
    return {key: json.loads(text) for key, text in re.findall(pattern, answer.text, re.S)}


def panel(answer: httpx.Response, key: str) -> str:
    """The HTML of one panel."""
    match = re.search(rf'<article class="panel" id="{key}">(.*?)</article>', answer.text, re.S)
    assert match, f"no panel {key}"
    return match[1]


def cells(html: str) -> list[list[str]]:
    """The rows of the first table in it, as texts; the first one is the head."""
    rows = re.findall(r"<tr.*?</tr>", html, re.S)
    return [
        [
            unescape(re.sub(r"<[^>]+>", "", cell)).strip()
            for cell in re.findall(r"<t[hd].*?</t[hd]>", row, re.S)
        ]
        for row in rows
    ]


def links(html: str) -> list[tuple[str, str]]:
    """Texts and addresses of the links to rows."""
    found = re.findall(r'<a href="(/analytics/rows[^"]*)"[^>]*>(.*?)</a>', html, re.S)
    return [(unescape(text).strip(), unescape(href)) for href, text in found]
