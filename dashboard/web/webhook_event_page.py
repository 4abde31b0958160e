"""The page of one message from Stripe: its story, what a replay would change, and the replay."""

from datetime import timedelta
from typing import Any

from litestar import Response, get, post
from litestar.exceptions import NotFoundException
from litestar.params import FromPath
from litestar.response import Redirect
from litestar_htmx import HTMXRequest, HTMXTemplate

from dashboard import clock, db, settings
from dashboard.audit import record
from dashboard.audit.record import Action
from dashboard.bookings.holds import hold
from dashboard.payments import deliveries, ledger, replaying
from dashboard.payments.rehearsal import rehearse
from dashboard.payments.replaying import FINISHED, NotNow
from dashboard.payments.tables import StripeEvent
from dashboard.reasons import why
from dashboard.staff.tables import reaches
from dashboard.stripe_gateway import NotThere, Unreachable
from dashboard.web import event_words, rehearsal_words, trail
from dashboard.web.pages import page
from dashboard.web.rehearsal_words import Told
from dashboard.web.security import guard
from dashboard.web.webhooks_page import lines
from dashboard.web.wholes import whole
from jobs import nudges

AWAY = "Stripe can’t be reached right now. Nothing was moved by asking; look again soon."
GONE = "Stripe knows no such object for our key, so a replay would fail in the same way."
# One that was backed off for an hour is not worth a look every two seconds.
SOON = timedelta(seconds=90)
MOVING = "Somebody is changing this payment right now. Look again in a moment."


@get("/webhooks/{event_id:str}", guards=[guard()])
async def show(request: HTMXRequest, event_id: FromPath[str]) -> HTMXTemplate:
    """One event: when it came, what became of it, whose it is."""
    return await _page(request, await _need(event_id))


@get("/webhooks/{event_id:str}/dry-run", guards=[guard("support")])
async def dry_run(request: HTMXRequest, event_id: FromPath[str]) -> HTMXTemplate:
    """The same page, with what a replay would change. Stripe is read; nothing is written."""
    row = await _need(event_id)
    told, status = await _rehearsed(row)
    return await _page(request, row, status=status, told=told)


@post("/webhooks/{event_id:str}/replay", guards=[guard("support")])
async def replay(request: HTMXRequest, event_id: FromPath[str]) -> Response[Any]:
    """Have it handled once more; 409 where somebody else was faster, or it is being handled."""
    row = await _need(event_id)
    shown = whole(str((await request.form()).get("shown") or ""), 9)
    try:
        await _replay(request, row.id, -1 if shown is None else shown)
    except NotNow as refused:
        fresh = refused.event or row
        if shown is not None and _pressed_twice(request, fresh, shown):
            return Redirect(event_words.href(row.id), status_code=303)
        said = event_words.refusal(fresh, clock.now(), settings.current().zone)
        return await _page(request, fresh, status=409, trouble=said)
    return Redirect(event_words.href(row.id), status_code=303)


@get("/webhooks/replay-dead", guards=[guard("support")])
async def review(request: HTMXRequest) -> HTMXTemplate:
    """Which dead letters "Replay" would have handled once more, the oldest first."""
    rows = await replaying.dead()
    dead = (await deliveries.counts())["dead"]
    context = {
        "rows": await lines(rows),
        "shown": {row.id: f"{row.replays}:{row.id}" for row in rows},
        "dead": event_words.number(dead),
        "more": dead > len(rows),
    }
    return await page(request, "webhooks/replay_dead.html", context)


@post("/webhooks/replay-dead", guards=[guard("support")])
async def replay_dead(request: HTMXRequest) -> Redirect:
    """Replay those that the review listed; of each, once."""
    done = missed = 0
    for given in (await request.form()).getall("event", [])[: replaying.AT_ONCE]:
        shown, _, event_id = str(given).partition(":")
        try:
            await _replay(request, event_id, -1 if whole(shown, 9) is None else int(shown))
            done += 1
        except NotNow:
            missed += 1
    return Redirect(f"/webhooks?view=dead&replayed={done}&missed={missed}", status_code=303)


async def _replay(request: HTMXRequest, event_id: str, shown: int) -> None:
    """The deed and its entry in the audit stand together; the worker is told afterwards."""
    async with db.transaction():
        before = await replaying.replay(event_id, shown, request.state.actor)
        detail = {"was": str(before.state), "error": str(before.error)}
        subject = event_words.href(event_id)
        await record.write(trail.who(request.scope), Action.REPLAY, subject, detail=detail)
    nudges.event(event_id)


def _pressed_twice(request: HTMXRequest, fresh: StripeEvent, shown: int) -> bool:
    """Whether it was this person's own press, of this very page, that was faster."""
    mine = fresh.replayed_by == request.state.actor.name
    return bool(mine and fresh.replays == shown + 1)


async def _need(event_id: str) -> StripeEvent:
    row = await deliveries.event(event_id)
    if row is None:
        raise NotFoundException("There is no such event.")
    return row


async def _rehearsed(row: StripeEvent) -> tuple[Told, int]:
    """What a replay would change in words, or why that can't be told."""
    if row.state == "ignored":
        return Told("Nothing: events of this type aren’t read."), 200
    try:
        seen = await rehearse(row)
    except Unreachable:
        return Told(AWAY), 503
    except NotThere:
        return Told(GONE), 200
    except ledger.Contended:
        return Told(MOVING), 200
    return await rehearsal_words.told(seen, row, settings.current().zone), 200


async def _page(
    request: HTMXRequest,
    row: StripeEvent,
    status: int = 200,
    told: Told | None = None,
    trouble: str = "",
) -> HTMXTemplate:
    now, zone, staff = clock.now(), settings.current().zone, request.state.staff
    payment = (await deliveries.payments_of([row])).get(row.id)
    found = await hold(payment) if payment else None
    may = reaches(staff, "support")
    context = {
        "event": row,
        "line": (await lines([row]))[0],
        "heading": event_words.title(row),
        "story": event_words.story(row, len(settings.current().webhook_secrets), zone),
        "triggers": event_words.triggers(row),
        "why": why(found, now, zone) if found else "",
        "may_ask": may and (row.state != "ignored" or told is not None),
        "may_replay": may and row.state in FINISHED,
        "soon": row.state == "waiting" and row.due_at is not None and row.due_at - now < SOON,
        "told": told,
        "trouble": trouble,
    }
    return await page(request, "webhooks/show.html", context, status)


handlers = [show, dry_run, replay, review, replay_dead]
