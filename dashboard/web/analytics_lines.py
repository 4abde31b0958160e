"""The lines that finance draws in the figures."""

import re
from decimal import Decimal
from typing import Any

from litestar import Response, post
from litestar.response import Redirect
from litestar_htmx import HTMXRequest

from dashboard import db
from dashboard.audit import record
from dashboard.audit.record import Action
from dashboard.bookings.errors import BadOrder
from dashboard.metrics import queries, thresholds
from dashboard.metrics.facts import Metric
from dashboard.metrics.tables import Threshold
from dashboard.metrics.values import DURATIONS, NAMES, SHARES
from dashboard.web import trail
from dashboard.web.analytics_asked import Asked
from dashboard.web.analytics_page import figures_page, here
from dashboard.web.analytics_standing import lines_of, told
from dashboard.web.security import guard

_SHARE = re.compile(r"(\d{1,3}(?:\.\d{1,2})?) ?%?", re.ASCII)
_HOURS = re.compile(r"(\d{1,4}(?:\.\d{1,2})?) ?(?:h|hours)?", re.ASCII)
_NUMBER = re.compile(r"(\d{1,7})", re.ASCII)
MOST_HOURS = 8784


class Unusable(Exception):
    """What was typed is no place for a line; the message says what would be."""


@post("/analytics/lines", guards=[guard("finance")])
async def draw(request: HTMXRequest) -> Response[Any]:
    """Draw the line of one metric, or take it away when nothing was typed."""
    what, form = await here(request), await request.form()
    metric, currency = await _which(form)
    typed = str(form.get("value") or "").strip()[:40]
    try:
        drawn = await _draw(request, metric, currency, read(metric, typed))
    except Unusable as wrong:
        return await _again(request, what, form, typed, str(wrong))
    return Redirect(f"/analytics?{what.query(drawn=str(drawn.id))}", status_code=303)


async def _which(form: Any) -> tuple[Metric, str]:
    """The metric and the currency of the form; BadOrder for what no form of ours has sent."""
    metric, currency = str(form.get("metric") or ""), str(form.get("currency") or "")
    if metric not in set(Metric):
        raise BadOrder(("metric", "There is no such figure."))
    known = [""] if metric == Metric.TICKETS else await queries.currencies()
    if currency not in known:
        raise BadOrder(("currency", "Nothing was counted in this currency."))
    return Metric(metric), currency


def read(metric: Metric, typed: str) -> int | None:
    """What was typed, in the unit of `Threshold.value`; None for nothing. Raises Unusable."""
    if not typed:
        return None
    if metric in SHARES:
        share = _SHARE.fullmatch(typed)
        if share is None or Decimal(share[1]) > 100:
            raise Unusable("Enter a percentage from 0 to 100, such as 1.5.")
        return int(Decimal(share[1]) * 100)
    if metric in DURATIONS:
        hours = _HOURS.fullmatch(typed)
        if hours is None or Decimal(hours[1]) > MOST_HOURS:
            raise Unusable(f"Enter hours from 0 to {MOST_HOURS:,}, such as 48 or 36.5.")
        return int(Decimal(hours[1]) * 3600)
    number = _NUMBER.fullmatch(typed)
    if number is None or int(number[1]) > thresholds.MOST[metric]:
        raise Unusable("Enter a whole number of tickets a day, such as 5.")
    return int(number[1])


async def _draw(request: HTMXRequest, metric: Metric, currency: str, at: int | None) -> Threshold:
    who = trail.who(request.scope)
    before = (await lines_of(currency)).get(metric)
    async with db.transaction():
        drawn = await thresholds.draw(metric, currency, at, who.actor, who.staff)
        detail = {
            "figure": NAMES[metric],
            "currency": currency.upper(),
            "limit": told(metric, drawn),
            "before": told(metric, before),
        }
        await record.write(who, Action.LINE, f"metrics_threshold/{drawn.id}", detail=detail)
    return drawn


async def _again(
    request: HTMXRequest, what: Asked, form: Any, typed: str, fault: str
) -> Response[Any]:
    """The page with the form as it was sent, open, and what is wrong with it."""
    sent = {"key": str(form.get("key") or "")[:60], "typed": typed, "fault": fault}
    return await figures_page(request, what, {"form": sent}, 422)


handlers = [draw]
