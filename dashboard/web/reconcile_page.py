"""Do we and Stripe agree? What differs, why, and what became of it."""

from collections.abc import Sequence
from typing import Any

from litestar import Response, get, post
from litestar.response import Redirect
from litestar_htmx import HTMXRequest, HTMXTemplate

from dashboard import settings
from dashboard.bookings.tables import Booking
from dashboard.payments.reconcile import differences, runs
from dashboard.payments.reconcile.tables import ReconcileDifference, ReconcileRun
from dashboard.payments.tables import Payment
from dashboard.staff.tables import reaches
from dashboard.web import reconcile_words as words
from dashboard.web.pages import page
from dashboard.web.security import guard
from dashboard.web.wholes import whole
from jobs import nudges

MOST = 50
FEW = 20
LARGEST = 2**62


@get("/reconcile", guards=[guard()])
async def index(request: HTMXRequest) -> HTMXTemplate:
    """What differs now, what was brought in line, what is known, what has resolved itself."""
    return await reconcile_page(request, {})


@post("/reconcile", guards=[guard("support")])
async def compare_now(request: HTMXRequest) -> Response[Any]:
    """Have everything compared at once; the page then shows how far it has come."""
    run = await runs.ask(request.state.actor.name)
    nudges.reconcile(run.id)
    return Redirect(f"/reconcile?watched={run.id}", status_code=303)


async def reconcile_page(
    request: HTMXRequest, more: dict[str, Any], status: int = 200
) -> HTMXTemplate:
    """The page as things stand, with what an answer has to add to it."""
    staff, zone = request.state.get("staff"), settings.current().zone
    run, going = await runs.latest(), await runs.unfinished()
    after = whole(request.query_params.get("after", ""), 18) or 0
    count = await differences.open_count()
    found = await differences.listed("open", MOST + 1, after)
    context = {
        "heading": words.heading(run, count),
        "last": words.last(run, zone) if run else "",
        "going": words.progress(going, zone) if going else "",
        "stuck": bool(going and going.error),
        "watched": going.id if going else 0,
        "finished": _finished(request, run, going),
        "open": await _shown(found[:MOST]),
        "more": found[MOST - 1].id if len(found) > MOST else 0,
        "count": count,
        "after": after,
        **await _settled(run, going),
        "may_run": staff is not None and reaches(staff, "support"),
        "may_decide": staff is not None and reaches(staff, "finance"),
        "flash": await _done(whole(request.query_params.get("done", ""), 18) or 0),
        "trouble": "",
        "fault": None,
        "typed": "",
    }
    return await page(request, "reconcile/index.html", {**context, **more}, status)


async def _settled(run: ReconcileRun | None, going: ReconcileRun | None) -> dict[str, Any]:
    """What needs nobody: mended by the newest run, acknowledged, adopted, resolved."""
    newest = going or run
    number = newest.id if newest else 0
    return {
        "mended": await _shown(await differences.listed("converged", FEW, run=number)),
        "known": await _shown(await differences.listed("acknowledged", FEW)),
        "adopted": await _shown(await differences.listed("adopted", FEW)),
        "gone": await _shown(await differences.listed("gone", FEW)),
    }


def _finished(request: HTMXRequest, run: ReconcileRun | None, going: ReconcileRun | None) -> bool:
    """Whether the run that this page was watching has ended since the page was made."""
    watched = whole(request.query_params.get("watched", ""), 18) or 0
    return bool(request.htmx and run and not going and run.id == watched)


async def _shown(rows: Sequence[ReconcileDifference]) -> list[words.Shown]:
    numbers = await _numbers([row.payment for row in rows if row.payment is not None])
    zone = settings.current().zone
    return [words.shown(row, numbers.get(row.payment, ""), zone) for row in rows]


async def _numbers(payment_ids: Sequence[int]) -> dict[int, str]:
    """The bookings of these payments, as staff call them, with the students' names."""
    held = await Payment.select(Payment.id, Payment.purchase).where(
        Payment.id.is_in(list(payment_ids) or [0])
    )
    purchases = {row["purchase"]: row["id"] for row in held}
    booked = (
        await Booking.select(Booking.id, Booking.purchase, Booking.student.name.as_alias("name"))
        .where(Booking.purchase.is_in(list(purchases) or [0]))
        .order_by(Booking.id, ascending=False)
    )
    first = {row["purchase"]: f"#{row['id']} {row['name']}" for row in booked}
    return {row["id"]: first.get(row["purchase"], "") for row in held}


async def _done(difference_id: int) -> str:
    """What the form that led here did, for a browser that was redirected."""
    row = await ReconcileDifference.objects().get(ReconcileDifference.id == difference_id)
    return f"{words.decided(row, settings.current().zone)}." if row and row.decided_at else ""


handlers = [index, compare_now]
