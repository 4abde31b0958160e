"""What became of the holds that were placed in a week."""

from collections.abc import Sequence
from dataclasses import dataclass

from litestar import get
from litestar_htmx import HTMXRequest, HTMXTemplate
from markupsafe import Markup

from dashboard.metrics import cohorts, outlook, queries
from dashboard.metrics.cohorts import Cohort, Pile
from dashboard.metrics.figures import ENOUGH, Share
from dashboard.metrics.spans import Span, Step
from dashboard.metrics.stacks import COHORT, stack
from dashboard.web import analytics_words as words
from dashboard.web.analytics_asked import Asked
from dashboard.web.analytics_page import frame, here
from dashboard.web.analytics_stack import parts_of
from dashboard.web.analytics_table import Table, piles
from dashboard.web.pages import page
from dashboard.web.security import guard


@dataclass(frozen=True, slots=True)
class Part:
    """One currency: a sentence, a chart and its table."""

    currency: str
    heading: str
    label: str
    chart: Markup
    table: Table


@get("/analytics/cohorts", guards=[guard()])
async def index(request: HTMXRequest) -> HTMXTemplate:
    """The weeks of a period, whole."""
    what = await here(request)
    shown = [await _part(what, one) for one in what.currencies(await queries.currencies())]
    context = {**await frame(what, "/cohorts"), "parts": shown, "heading": shown[0].heading}
    return await page(request, "analytics/cohorts.html", context, 422 if what.faults else 200)


async def _part(what: Asked, currency: str) -> Part:
    found = await cohorts.cohorts(what.span.first, what.span.last, currency)
    sheet = outlook.weeks(found, currency)
    caption = f"Holds by the week in which they were placed, {currency.upper()}, the newest first"
    heading = _heading(found, currency)
    days = [words.day(one.week) for one in found]
    # The first pair of columns is the whole, of which the others are the parts.
    drawn = stack(days, parts_of(sheet, 1, by_amount=False), COHORT, "holds")
    return Part(
        currency,
        heading,
        f"Holds by the week in which they were placed: {heading} The table has every week.",
        Markup(drawn) if found else Markup(""),  # noqa: S704
        piles(sheet, caption, Step.WEEK, queries.today()),
    )


def _heading(found: Sequence[Cohort], currency: str) -> str:
    placed = sum((one.placed for one in found), Pile()).count
    if not placed:
        return f"No hold was placed in {currency.upper()} in these weeks."
    captured = sum((one.captured + one.refunded for one in found), Pile()).count
    expired = sum((one.expired for one in found), Pile()).count
    still = sum((one.still_open for one in found), Pile()).count
    whole = Span(found[0].week, outlook.last_day(found[-1]))
    of = "of " if placed >= ENOUGH else ""
    told = (
        f"{Share(captured, placed).told} {of}the holds placed {words.period(whole)} were captured"
    )
    open_ones = f"{still:,} {'is' if still == 1 else 'are'} still open"
    return f"{told}, {Share(expired, placed).told} expired; {open_ones}."


handlers = [index]
