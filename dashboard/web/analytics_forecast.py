"""What ends on which day if nobody acts, and what last week's look ahead was worth."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from litestar import get
from litestar_htmx import HTMXRequest, HTMXTemplate
from markupsafe import Markup

from dashboard import clock, formats
from dashboard.metrics import forecast, outlook, queries
from dashboard.metrics.cohorts import Pile
from dashboard.metrics.forecast import Ahead, Outcome
from dashboard.metrics.spans import Step
from dashboard.metrics.stacks import FORECAST, stack
from dashboard.web import analytics_words as words
from dashboard.web.analytics_page import frame, here
from dashboard.web.analytics_stack import parts_of
from dashboard.web.analytics_table import Table, piles
from dashboard.web.pages import page
from dashboard.web.security import guard

ONE, WEEK = timedelta(days=1), timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Part:
    """One currency: what is ahead, and what was foreseen a week ago beside what happened."""

    currency: str
    heading: str
    label: str
    chart: Markup
    table: Table
    before: str
    kept: Table | None


@get("/analytics/forecast", guards=[guard()])
async def index(request: HTMXRequest) -> HTMXTemplate:
    """The money whose holds end on each of the coming days."""
    what = await here(request)
    found = await forecast.ahead(clock.now())
    shown = [await _part(found, one) for one in what.currencies(await queries.currencies())]
    context = {
        **await frame(what, "/forecast"),
        "parts": shown,
        "heading": shown[0].heading,
        "made_on": queries.today() - WEEK,
    }
    return await page(request, "analytics/forecast.html", context, 422 if what.faults else 200)


async def _part(found: Sequence[Ahead], currency: str) -> Part:
    mine = [one for one in found if one.currency == currency]
    sheet, today = outlook.ahead(mine, currency), queries.today()
    heading = _heading(mine, currency)
    days = [words.day(one.day) for one in mine]
    drawn = stack(days, parts_of(sheet, 0, by_amount=True), FORECAST, currency.upper())
    foreseen = await forecast.kept(today - WEEK, currency)
    name = f"What ends on which day if nobody acts, {currency.upper()}"
    return Part(
        currency,
        heading,
        f"{name}: {heading} The table has every day.",
        Markup(drawn) if mine else Markup(""),  # noqa: S704
        # What is ahead is not "so far", today's rest neither.
        piles(sheet, name, Step.DAY, today - ONE, newest_first=False),
        _before(foreseen, currency),
        _kept(foreseen, currency),
    )


def _kept(foreseen: Sequence[Outcome] | None, currency: str) -> Table | None:
    if not foreseen:
        return None
    made = words.day(queries.today() - WEEK)
    name = f"What was foreseen on {made}, and what happened, {currency.upper()}"
    sheet = outlook.kept(foreseen, currency)
    return piles(sheet, name, Step.DAY, queries.today(), newest_first=False)


def _heading(found: Sequence[Ahead], currency: str) -> str:
    resolves, person = _sums(found)
    if not (resolves + person).count:
        return f"Nothing is on hold in {currency.upper()}: nothing can expire."
    until = words.day(found[-1].day)
    itself = formats.money(resolves.amount, currency)
    if not person.count:
        return f"Nothing needs a person: {itself} on hold will resolve itself by {until}."
    needs = formats.money(person.amount, currency)
    told = f"{needs} will expire unless a person acts"
    return (
        f"{told}; {itself} more will resolve itself by {until}." if resolves.count else f"{told}."
    )


def _sums(found: Sequence[Ahead | Outcome]) -> tuple[Pile, Pile]:
    resolves = sum((one.resolves for one in found), Pile())
    return resolves, sum((one.person for one in found), Pile())


def _before(foreseen: Sequence[Outcome] | None, currency: str) -> str:
    made = words.day(queries.today() - WEEK)
    if foreseen is None:
        return f"No look ahead was kept on {made}: the worker keeps the first one of each day."
    over = [one for one in foreseen if one.expired is not None]
    if not over:
        return f"On {made} nothing was foreseen for the days until now."
    resolves, person = _sums(over)
    expired = sum((one.expired for one in over if one.expired), Pile())
    whole = formats.money((resolves + person).amount, currency)
    needs = formats.money(person.amount, currency)
    gone = formats.money(expired.amount, currency)
    return (
        f"On {made} {whole} was foreseen to end by yesterday, {needs} of it needing a person; "
        f"{gone} expired."
    )


handlers = [index]
