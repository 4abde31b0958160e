"""The months, each on a page that can be printed, and who gets them by e-mail."""

from datetime import date
from typing import Any

from litestar import Response, get, post
from litestar.exceptions import NotFoundException
from litestar.params import FromPath
from litestar.response import Redirect
from litestar_htmx import HTMXRequest, HTMXTemplate

from dashboard import clock, db, formats, settings
from dashboard.audit import record
from dashboard.audit.record import Action
from dashboard.metrics.queries import today
from dashboard.reports import month, monthly
from dashboard.reports import words as told
from dashboard.web import report_words as words
from dashboard.web import trail
from dashboard.web.pages import page
from dashboard.web.security import guard


@get("/reports", guards=[guard()])
async def index(request: HTMXRequest) -> HTMXTemplate:
    """Every month since something was counted, and whether this person gets them."""
    staff = request.state.staff
    wanted = await monthly.subscribed(staff.id)
    found = await month.months()
    context = {
        "heading": words.of_months(len(found)),
        "months": [(f"{one:%Y-%m}", told.month(one)) for one in found],
        "wanted": wanted,
        "address": staff.email,
        "next": told.month(today()),
        "flash": words.CHANGED.get(request.query_params.get("done", ""), ""),
    }
    return await page(request, "reports/index.html", context)


@post("/reports/subscription", guards=[guard()])
async def subscribe(request: HTMXRequest) -> Response[Any]:
    """Begin or end to send a person each month's report."""
    wanted = (await request.form()).get("wanted") == "yes"
    staff, outcome = request.state.staff, "wanted" if wanted else "unwanted"
    async with db.transaction():
        await (monthly.subscribe if wanted else monthly.unsubscribe)(staff.id)
        await record.write(trail.who(request.scope), Action.SUBSCRIPTION, "/reports", outcome)
    return Redirect(f"/reports?done={outcome}", status_code=303)


@get("/reports/{name:str}", guards=[guard()])
async def show(request: HTMXRequest, name: FromPath[str]) -> HTMXTemplate:
    """One month, made to be printed."""
    found = await month.report(_month(name))
    zone = settings.current().zone
    context = {
        "report": found,
        "name": told.month(found.first),
        "heading": words.heading(found),
        "days": told.days(found.first, found.last),
        "parts": [words.part(one, found) for one in found.parts],
        "as_of": formats.moment(clock.now(), zone),
    }
    return await page(request, "reports/month.html", context)


def _month(name: str) -> date:
    """The first day of a month as it stands in addresses: "2026-11"."""
    try:
        first = date.fromisoformat(f"{name}-01")
    except ValueError:
        first = date.max
    if len(name) != 7 or not 2000 <= first.year <= today().year or first > today():
        raise NotFoundException("There is no report of such a month.")
    return first


handlers = [index, subscribe, show]
