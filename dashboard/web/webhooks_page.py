"""The messages from Stripe: did they reach us, what became of them, how late were they?"""

from collections.abc import Sequence
from dataclasses import replace
from urllib.parse import urlencode

from litestar import get
from litestar_htmx import HTMXRequest, HTMXTemplate

from dashboard import clock, settings
from dashboard.bookings import search
from dashboard.bookings.holds import subjects
from dashboard.payments import deliveries
from dashboard.payments.deliveries import Asked
from dashboard.payments.tables import Payment, StripeEvent
from dashboard.staff.tables import reaches
from dashboard.web import event_words
from dashboard.web.event_words import Line
from dashboard.web.pages import page
from dashboard.web.security import guard
from dashboard.web.wholes import whole

# As many payments as a search in words of ours may stand for.
MOST_PAYMENTS = 200


@get("/webhooks", guards=[guard()])
async def index(request: HTMXRequest) -> HTMXTemplate:
    """The events, the newest first, a page at a time."""
    given, now, zone = dict(request.query_params.items()), clock.now(), settings.current().zone
    what = await _in_our_words(deliveries.asked(given))
    rows, more = await deliveries.listed(what)
    counts, last = await deliveries.counts(), await deliveries.last_received()
    kept = {"view": what.view, "q": what.q}
    refused = await request.app.state.refused_deliveries.lately()
    context = {
        "asked": what,
        "rows": await lines(rows),
        "more": urlencode({**kept, "after": more}) if more else "",
        "first": urlencode(kept),
        "counts": {view: event_words.number(count) for view, count in counts.items()},
        "dead": counts["dead"],
        "view_names": event_words.VIEW_NAMES,
        "heading": event_words.heading(counts, last, now),
        "refused": event_words.refused(refused, zone),
        "may_replay": reaches(request.state.staff, "support"),
        "flash": _replayed(given),
    }
    return await page(request, "webhooks/index.html", context)


async def _in_our_words(what: Asked) -> Asked:
    """A booking's number or an e-mail stands for the intents of its payments."""
    if not (what.q.startswith("#") or "@" in what.q):
        return what
    rows = (
        await Payment.select(Payment.stripe_intent_id)
        .where((await search.matching(what.q)) & Payment.stripe_intent_id.is_not_null())
        .limit(MOST_PAYMENTS)
    )
    return replace(what, intents=[row["stripe_intent_id"] for row in rows])


async def lines(rows: Sequence[StripeEvent]) -> list[Line]:
    """Events as a list shows them, each with its hold."""
    now, zone = clock.now(), settings.current().zone
    payments = await deliveries.payments_of(rows)
    found = await Payment.select(Payment.id, Payment.purchase).where(
        Payment.id.is_in(sorted(set(payments.values())) or [0])
    )
    about = await subjects({row["purchase"] for row in found})
    numbers = {
        row["id"]: about[row["purchase"]].number
        if row["purchase"] in about
        else f"payment {row['id']}"
        for row in found
    }
    holds = {event: (payment, numbers[payment]) for event, payment in payments.items()}
    return [event_words.line(row, holds.get(row.id), now, zone) for row in rows]


def _replayed(given: dict[str, str]) -> str:
    """What a replay of many came to, for a browser that was redirected."""
    done, missed = (whole(given.get(name, ""), 9) for name in ("replayed", "missed"))
    if done is None:
        return ""
    some = "1 event is" if done == 1 else f"{done:,} events are"
    rest = f" {missed:,} had been replayed by somebody else." if missed else ""
    return f"{some} handled once more.{rest}"
