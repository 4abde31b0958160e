"""The page that lies under an open dialog: made anew when the dialog has done its work."""

from typing import Any
from urllib.parse import parse_qsl, urlsplit

from litestar_htmx import HTMXRequest

from dashboard.bookings import queue
from dashboard.bookings.holds import hold
from dashboard.web import live, triage_page
from dashboard.web.hold_page import LARGEST_ID, hold_context
from dashboard.web.queue_page import queue_context
from dashboard.web.wholes import whole


async def behind(request: HTMXRequest) -> dict[str, Any]:
    """For the swap out of band: the queue, the triage, a payment, or nothing."""
    try:
        parts = urlsplit((request.htmx.current_url or "") if request.htmx else "")
    except ValueError:
        return {"behind": ""}
    given = dict(parse_qsl(parts.query))
    if parts.path == "/holds":
        chosen, tag = queue.filters(given), await live.of_desk(request)
        return {"behind": "holds/queue.html", **await queue_context(request, chosen, tag)}
    if parts.path == "/triage":
        tag = await live.of_desk(request)
        shown = await triage_page.context(request, given, tag)
        return {"behind": "triage/screen.html", **shown} if shown else {"behind": ""}
    # A header may say anything, and what was moved by then must still be told.
    last = whole(parts.path.removeprefix("/holds/"), 18)
    if last is not None and last < LARGEST_ID and (found := await hold(last)):
        return {"behind": "holds/hold.html", **await hold_context(request, found)}
    return {"behind": ""}
