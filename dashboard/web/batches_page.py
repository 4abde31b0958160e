"""Many holds at once: their review, its confirmation, and how far the worker has come with it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from litestar import Response, get, post
from litestar.exceptions import NotFoundException
from litestar.params import FromPath
from litestar.response import Redirect
from litestar_htmx import HTMXRequest, HTMXTemplate

from dashboard import clock, db, findings, formats, sentences, settings
from dashboard.audit import record as audit
from dashboard.audit.record import Action
from dashboard.batches import queries, record
from dashboard.batches.queries import Progress
from dashboard.batches.record import Item
from dashboard.batches.review import MOST, Movable, review
from dashboard.batches.tables import RowState
from dashboard.bookings import queue
from dashboard.bookings.errors import KeyReused
from dashboard.bookings.holds import Hold, holds
from dashboard.mail import promises
from dashboard.payments.actions import Shown, Stood
from dashboard.payments.facts import Verb
from dashboard.staff.tables import reaches
from dashboard.web import batch_form as form
from dashboard.web import batch_words as words
from dashboard.web import lines, trail
from dashboard.web.batch_form import Asked
from dashboard.web.pages import page
from dashboard.web.security import guard
from jobs import nudges

LISTED = 30
LARGEST = 2**62
REUSED = "This review was confirmed before, with another content. Choose the holds again."


@get("/jobs/review", guards=[guard("support")])
async def look(request: HTMXRequest) -> HTMXTemplate:
    """What would happen to the chosen holds. Nothing is moved."""
    asked = request.query_params
    verb = form.VERBS.get(asked.get("verb", ""))
    if verb is not None and asked.get("of") == "list":
        chosen = queue.filters({**asked, "after": ""})
        found = await queue.listed(chosen, clock.now(), MOST)
        said = form.ONLY_THE_FIRST if found.next_after else ""
        return await _review(request, form.fresh(verb), found.payment_ids, {}, said=said)
    ids = form.chosen(asked.getall("hold", []))
    fault = form.fault_of_choice(verb, ids)
    faults = {"form": fault} if fault else {}
    return await _review(request, form.fresh(verb), [] if fault else ids, faults)


@post("/jobs", guards=[guard("support")])
async def confirm(request: HTMXRequest) -> Response[Any]:
    """Write down what was reviewed, once, and have the worker begin."""
    asked = form.read(await request.form())
    faults = form.faults(asked)
    if faults:
        return await _review(request, asked, asked.payment_ids[:MOST], faults, 422)
    try:
        batch_id = await db.shielded(_written(request, asked))
    except KeyReused:
        return await _review(request, form.fresh(asked.order().verb), [], {"form": REUSED}, 409)
    except LookupError:
        return await _review(request, asked, [], {"form": form.INCOMPLETE}, 422)
    nudges.batch(batch_id)
    return Redirect(f"/jobs/{batch_id}", status_code=303)


@get("/jobs", guards=[guard()])
async def index(request: HTMXRequest) -> HTMXTemplate:
    """The newest batches, and how far each has come."""
    before = (form.chosen([request.query_params.get("before", "")]) or [0])[0]
    found = await queries.newest(LISTED + 1, before)
    context = {
        "heading": words.index(found[:LISTED]),
        "jobs": [_job(one) for one in found[:LISTED]],
        "more": found[LISTED - 1].batch.id if len(found) > LISTED else 0,
        "before": before,
    }
    return await page(request, "batches/index.html", context)


@get("/jobs/{batch_id:int}", guards=[guard()])
async def show(request: HTMXRequest, batch_id: FromPath[int]) -> HTMXTemplate:
    """One batch: how far it has come, and what became of each hold."""
    return await _show(request, await _need(batch_id))


@post("/jobs/{batch_id:int}/retry", guards=[guard("support")])
async def retry(request: HTMXRequest, batch_id: FromPath[int]) -> Response[Any]:
    """Ask anew for what was declined, or found another movement under way."""
    found = await _need(batch_id)
    shown = form.chosen([str((await request.form()).get("retries", ""))])
    # A page that is old, or that there never was, asks for nothing.
    if shown == [found.batch.retries]:
        await db.shielded(_again(request, found.batch.id, shown[0]))
        nudges.batch(found.batch.id)
    return Redirect(f"/jobs/{found.batch.id}", status_code=303)


async def _written(request: HTMXRequest, asked: Asked) -> int:
    """The batch and its entry in the audit together."""
    order = asked.order()
    async with db.transaction():
        batch_id, new = await record.confirm(order, request.state.actor)
        if new:
            await _audit(request, batch_id, order.verb, len(order.items))
    return batch_id


async def _again(request: HTMXRequest, batch_id: int, retries: int) -> None:
    async with db.transaction():
        count = await record.retry(batch_id, retries, request.state.actor)
        if count:
            await _audit(request, batch_id, "retry", count)


async def _audit(request: HTMXRequest, batch_id: int, did: str, count: int) -> None:
    who, detail = trail.who(request.scope), {"did": str(did), "holds": str(count)}
    await audit.write(who, Action.BATCH, f"/jobs/{batch_id}", detail=detail)


async def _need(batch_id: int) -> Progress:
    found = await queries.progress(min(batch_id, LARGEST))
    if found is None:
        raise NotFoundException("There is no such job.")
    return found


async def _review(
    request: HTMXRequest,
    asked: Asked,
    payment_ids: Sequence[int],
    faults: dict[str, str],
    status: int = 0,
    said: str = "",
) -> HTMXTemplate:
    verb, now, zone = asked.verb or Verb.CAPTURE, clock.now(), settings.current().zone
    found = await review(verb, payment_ids, now)
    told = await promises.broken(verb, [one.hold for one in found.movable], now)
    context = {
        "heading": words.reviewed(found) if payment_ids else faults.get("form", form.NONE),
        "said": said,
        "verb": verb.value,
        "asked": asked,
        "faults": {"form": "", "reason": "", "note": "", **faults},
        "movable": [
            {
                "hold": one.hold,
                "due": lines.due(one.hold, now, zone),
                "row": form.row(_item(one)),
                "amount": formats.money(one.amount, one.hold.currency),
                "rest": _rest(one, verb),
                "promise": told.get(one.hold.payment.id),
            }
            for one in found.movable
        ],
        "broken": words.broken(len(told)),
        "left": found.left,
        "unknown": found.unknown,
        "totals": findings.amounts_of(found.totals),
        "button": words.button(found) if found.movable else "",
        "reasons": sentences.REASONS.get(verb, {}),
    }
    return await page(request, "batches/review.html", context, status or (422 if faults else 200))


def _item(one: Movable) -> Item:
    facts = one.hold.facts
    shown = Shown(facts.authorized, facts.captured, facts.refunded + facts.refund_pending)
    purchase = one.hold.books.purchase
    stood = Stood(purchase.owed is None, purchase.paused_until)
    return Item(one.hold.payment.id, one.amount, shown, stood)


def _rest(one: Movable, verb: Verb) -> str:
    """What a capture leaves of a hold, to go back to the card."""
    rest = one.hold.facts.authorized - one.amount
    return formats.money(rest, one.hold.currency) if verb is Verb.CAPTURE and rest else ""


@dataclass(frozen=True, slots=True)
class Job:
    """One batch in the list."""

    id: int
    heading: str
    rest: str
    by: str
    at: str
    iso: str
    open: bool


def _job(found: Progress) -> Job:
    batch, zone = found.batch, settings.current().zone
    return Job(
        batch.id,
        words.heading(found),
        words.rest(found),
        batch.asked_by,
        formats.moment(batch.asked_at, zone),
        batch.asked_at.isoformat(),
        found.open > 0,
    )


async def _show(request: HTMXRequest, found: Progress) -> HTMXTemplate:
    batch, staff = found.batch, request.state.get("staff")
    verb, rows = Verb(batch.verb), [line.row for line in found.lines]
    about = {one.payment.id: one for one in await holds([row.payment for row in rows])}
    changed = [line.row.payment for line in found.lines if line.state is RowState.CHANGED]
    context = {
        "job": _job(found),
        "verb": verb.value,
        "done": {"capture": "captured", "release": "released"}[verb.value],
        "why": sentences.reason(batch.reason, verb),
        "note": batch.note,
        "total": len(rows),
        "settled": len(rows) - found.open,
        "lines": [_line(line, verb, about[line.row.payment]) for line in found.lines],
        "may_retry": staff is not None and reaches(staff, "support"),
        "retried": found.retried,
        "retries": batch.retries,
        "changed": changed,
    }
    return await page(request, "batches/show.html", context)


def _line(line: queries.Line, verb: Verb, hold: Hold) -> dict[str, Any]:
    return {
        "id": line.row.payment,
        "hold": hold,
        "amount": formats.money(line.row.amount, line.row.currency),
        "state": str(line.state),
        "said": words.state(line, verb),
        "tries": line.row.tries,
        "by": line.row.asked_by if line.row.tries > 1 else "",
    }


handlers = [look, confirm, index, show, retry]
