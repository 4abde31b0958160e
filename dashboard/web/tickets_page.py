"""The list of tickets: who waits, and for how long."""

from urllib.parse import urlencode

from litestar import get
from litestar_htmx import HTMXRequest, HTMXTemplate

from dashboard import clock, settings
from dashboard.staff.tables import reaches
from dashboard.support import queries
from dashboard.web import ticket_lines
from dashboard.web.pages import page
from dashboard.web.security import guard

VIEW_NAMES = {**ticket_lines.STATUS_NAMES, "all": "All"}


@get("/tickets", guards=[guard()])
async def index(request: HTMXRequest) -> HTMXTemplate:
    """The tickets; who has waited longest stands first."""
    what, now = queries.asked(dict(request.query_params.items())), clock.now()
    rows, after = await queries.listed(what)
    counts = await queries.counts()
    context = {
        "asked": what,
        "rows": await ticket_lines.shown(rows, now, settings.current().zone),
        "more": urlencode(what.query(after=after)) if after else "",
        "first": urlencode(what.query(after="")),
        "counts": counts,
        "view_names": VIEW_NAMES,
        "topics": ticket_lines.TOPIC_NAMES,
        "heading": ticket_lines.heading(counts, await queries.longest("open"), now),
        "may_open": reaches(request.state.staff, "support"),
    }
    return await page(request, "tickets/index.html", context)


handlers = [index]
