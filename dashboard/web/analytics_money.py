"""Do the numbers add up? The money by day in each currency, as equations."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from litestar import get
from litestar_htmx import HTMXRequest, HTMXTemplate

from dashboard import formats
from dashboard.metrics import balances, queries
from dashboard.metrics.series import Point, Series, series
from dashboard.metrics.sheets import Sheet
from dashboard.web import analytics_words as words
from dashboard.web.analytics_asked import Asked
from dashboard.web.analytics_page import frame, here
from dashboard.web.analytics_table import Table, Text, table
from dashboard.web.pages import page
from dashboard.web.security import guard

_SHEETS: dict[str, tuple[str, Callable[[Series], Sheet]]] = {
    "What is held": ("On hold", balances.held),
    "What was taken": ("Taken and kept", balances.taken),
    "What is at risk": ("At risk", balances.at_risk),
}


@dataclass(frozen=True, slots=True)
class Equation:
    """One of the tables: the whole period as an equation, and then its points."""

    title: str
    terms: Sequence[Text]
    table: Table


@dataclass(frozen=True, slots=True)
class Part:
    """One currency."""

    currency: str
    heading: str
    equations: Sequence[Equation]


@get("/analytics/money", guards=[guard()])
async def index(request: HTMXRequest) -> HTMXTemplate:
    """The money of a period."""
    what = await here(request)
    shown = [await _part(what, one) for one in what.currencies(await queries.currencies())]
    context = {
        **await frame(what, "/money"),
        "parts": shown,
        "heading": shown[0].heading,
        "each": words.each(what.step),
    }
    return await page(request, "analytics/money.html", context, 422 if what.faults else 200)


async def _part(what: Asked, currency: str) -> Part:
    found = await series(what.span, what.step, currency)
    whole = replace(found, points=[Point(found.span, found.total, found.before)])
    equations = [_equation(title, found, whole) for title in _SHEETS]
    return Part(currency, _heading(found), equations)


def _equation(title: str, found: Series, whole: Series) -> Equation:
    name, made = _SHEETS[title]
    today = queries.today()
    caption = f"{name}, {words.period(found.span)}, {found.currency.upper()}, the newest first"
    (line,) = table(made(whole), caption, found.step, today).lines
    return Equation(title, line.cells, table(made(found), caption, found.step, today))


def _heading(found: Series) -> str:
    money = found.total.money
    took, back = money.captured + money.charged, money.refunded + money.lost

    def said(amount: int) -> str:
        return formats.money(amount, found.currency).replace("-", "−")

    if not took and not back:
        if money.held:
            return f"Nothing was taken; {said(money.held)} is on hold."
        return f"No money moved in {found.currency.upper()} in this time."
    gone = f"{said(back)} given back or lost"
    return f"{said(took)} was taken and {gone}: {said(money.net)} before fees."


handlers = [index]
