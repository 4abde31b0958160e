"""Compare one payment with Stripe, from its page, while somebody waits."""

from dataclasses import dataclass
from typing import Any

from litestar import Response, post
from litestar.params import FromPath
from litestar_htmx import HTMXRequest

from dashboard import clock, db, formats, settings
from dashboard.bookings.holds import Hold
from dashboard.payments.reconcile import runs
from dashboard.payments.reconcile.finding import Finding, Verdict
from dashboard.stripe_gateway import Unreachable
from dashboard.web import outages
from dashboard.web import reconcile_words as words
from dashboard.web.hold_page import hold_context, need, unreachable
from dashboard.web.pages import page
from dashboard.web.security import guard
from jobs import nudges

UNDER_WAY = "It is moving at this moment. Compare again when that is done."


@dataclass(frozen=True, slots=True)
class Told:
    """One difference that was found: fields with their names, and whether it is mended already."""

    cause: str
    fields: list[tuple[str, str, str]]
    can: str
    mended: bool


@dataclass(frozen=True, slots=True)
class Comparison:
    """What the comparison found, or the sentence that it found nothing."""

    said: str
    found: list[Told]


@post("/holds/{payment_id:int}/compare", guards=[guard("support")])
async def compare(request: HTMXRequest, payment_id: FromPath[int]) -> Response[Any]:
    """Ask Stripe now; only what differs is shown, and what a post can mend is mended."""
    found = await need(payment_id)
    try:
        verdict = await db.shielded(runs.one(payment_id))
    except Unreachable:
        context = await hold_context(request, found)
        more = {**context, "trouble": unreachable(found)}
        return await page(request, "holds/show.html", more, 503)
    outages.reached(outages.STRIPE)
    if any(finding.converged for finding in verdict.findings):
        nudges.settle(found.books.purchase.id)
    context = await hold_context(request, await need(payment_id))
    more = {**context, "comparison": _told(found, verdict)}
    return await page(request, "holds/show.html", more)


def _told(found: Hold, verdict: Verdict) -> Comparison:
    if verdict.under_way:
        return Comparison(UNDER_WAY, [])
    asked = formats.to_the_second(clock.now(), settings.current().zone)
    said = "" if verdict.findings else f"We and Stripe agree, asked {asked}"
    return Comparison(said, [_finding(one, found.currency) for one in verdict.findings])


def _finding(one: Finding, currency: str) -> Told:
    zone = settings.current().zone
    fields = [
        words.field([field.name, field.ours, field.theirs], currency, zone) for field in one.fields
    ]
    return Told(one.cause, fields, words.can(one.kind), one.converged)
