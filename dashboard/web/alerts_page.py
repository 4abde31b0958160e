"""What is wrong, and since when: what is open, with what to do about it, and what is over."""

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from litestar import get
from litestar_htmx import HTMXRequest, HTMXTemplate

from dashboard import clock, formats, settings
from dashboard.alerts import queries, record, wording
from dashboard.alerts.kinds import ABOUT, Kind, Severity, Trouble
from dashboard.alerts.tables import Alert
from dashboard.web.pages import page
from dashboard.web.security import guard

LATELY = 30


@get("/alerts", guards=[guard()])
async def index(request: HTMXRequest) -> HTMXTemplate:
    """Every open alert by kind, then the lately closed ones."""
    now, zone = clock.now(), settings.current().zone
    troubles = await queries.standing(now)
    said = await record.sentences(troubles)
    context = {
        "heading": _heading(troubles),
        "groups": [
            _group(kind, some, said, now, zone) for kind, some in wording.by_kind(troubles).items()
        ],
        "closed": [_closed(row, zone) for row in await queries.lately_closed(LATELY)],
        "told": settings.current().alert_email or "",
    }
    return await page(request, "alerts/index.html", context)


def _heading(troubles: list[Trouble]) -> str:
    if not troubles:
        return "Nothing is wrong"
    first = wording.together(next(iter(wording.by_kind(troubles).values())))
    rest = len(wording.by_kind(troubles)) - 1
    more = "" if rest == 0 else " and 1 other matter" if rest == 1 else f" and {rest} other matters"
    return f"{first}{more}"


def _group(
    kind: Kind, some: list[Trouble], said: dict[str, str], now: datetime, zone: ZoneInfo
) -> dict[str, Any]:
    return {
        "kind": kind,
        "together": wording.together(some),
        "about": ABOUT[kind],
        "rows": [
            {
                "said": said[one.key],
                "critical": one.severity is Severity.CRITICAL,
                "amount": formats.money(one.amount, one.currency) if one.currency else "",
                "since": formats.moment(one.since, zone),
                "iso": one.since.isoformat(),
                "ago": formats.ago(one.since, now),
                "link": one.link,
            }
            for one in some
        ],
    }


def _closed(row: Alert, zone: ZoneInfo) -> dict[str, str]:
    return {
        "said": row.said,
        "link": row.link,
        "from": formats.moment(row.opened_at, zone),
        "to": formats.moment(row.closed_at, zone),
        "lasted": formats.ago(row.opened_at, row.closed_at),
        "told": formats.moment(row.told_at, zone) if row.told_at else "",
    }


handlers = [index]
