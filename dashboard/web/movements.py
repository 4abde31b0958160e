"""Capture, release, refund: the forms, and what became of them when they were sent."""

from dataclasses import dataclass, replace
from typing import Any

from litestar import get, post
from litestar.params import FromPath
from litestar.response import Redirect
from litestar_htmx import HTMXRequest, HTMXTemplate

from dashboard import clock, findings, sentences, settings
from dashboard.bookings.holds import Hold, story
from dashboard.mail import promises
from dashboard.payments import actions
from dashboard.payments.actions import Stood, Wish
from dashboard.payments.errors import Busy, Declined, Mismatch, NotAllowed, OutcomeUnknown
from dashboard.payments.facts import State, Verb
from dashboard.payments.tables import Operation
from dashboard.web import movement_form as form
from dashboard.web import outages
from dashboard.web.behind import behind
from dashboard.web.hold_page import LARGEST_ID, Note, hold_context, moved, need
from dashboard.web.movement_form import Asked, Checked
from dashboard.web.pages import page
from dashboard.web.security import guard
from dashboard.web.ways import back_from
from jobs import nudges

VERBS = {
    "capture": Verb.CAPTURE,
    "captures": Verb.CAPTURE,
    "release": Verb.RELEASE,
    "releases": Verb.RELEASE,
    "refund": Verb.REFUND,
    "refunds": Verb.REFUND,
}
FORMS = [f"/holds/{{payment_id:int}}/{verb}" for verb in ("capture", "release", "refund")]
TARGETS = [f"{path}s" for path in FORMS]
# Codes that another amount could pass; the message belongs at the field.
_AMOUNTS = ("too_much", "too_little", "wrong_step")
# Codes that say that the form is older than what it is about.
_OLD = ("stale", "decided_since", "paused_since")
Answer = HTMXTemplate | Redirect


@dataclass(frozen=True, slots=True)
class Sent:
    """A form on its way: where it came from, what it asked, and about which payment."""

    request: HTMXRequest
    found: Hold
    verb: Verb
    asked: Asked


@get(FORMS, guards=[guard("support")])
async def blank(request: HTMXRequest, payment_id: FromPath[int]) -> HTMXTemplate:
    """The empty form, or why there is none any more."""
    asked = form.fresh(back_from(request.query_params))
    sent = Sent(request, await need(payment_id), _verb(request), asked)
    if sent.verb not in sent.found.movements(clock.now()):
        return await _gone(sent, "not_now", {}, 409)
    return await _form(sent, None, 200)


@post(FORMS, guards=[guard("support")], status_code=200)
async def look(request: HTMXRequest, payment_id: FromPath[int]) -> HTMXTemplate:
    """What the typed amount would do, for browsers without scripts. Nothing is moved."""
    sent = Sent(request, await need(payment_id), _verb(request), form.read(await request.form()))
    checked = form.check(sent.asked, sent.found, sent.verb, request.state.staff)
    return await _form(sent, Checked(checked.amount, _amount_only(checked)), 200)


@post(TARGETS, guards=[guard("support")], status_code=200)
async def move(request: HTMXRequest, payment_id: FromPath[int]) -> Answer:
    """Move the money, once, however often the form arrives."""
    sent = Sent(request, await need(payment_id), _verb(request), form.read(await request.form()))
    checked = form.check(sent.asked, sent.found, sent.verb, request.state.staff)
    if checked.faults:
        return await _form(sent, checked, 403 if checked.forbidden else 422)
    if sent.asked.agreed is not None and sent.asked.agreed != checked.amount:
        checked.faults["form"] = "The button named another amount. Look again, then press it."
        return await _form(sent, checked, 422)
    return await _perform(sent, checked)


@get("/operations/{operation_id:str}/outcome", guards=[guard()])
async def outcome(request: HTMXRequest, operation_id: FromPath[str]) -> HTMXTemplate:
    """How an operation stands, for the panel that waits for it."""
    operation = await Operation.objects().get(Operation.id == operation_id)
    found = await need(operation.payment if operation else LARGEST_ID)
    assert operation is not None
    return await _outcome(request, found, operation, 200)


async def _perform(sent: Sent, checked: Checked) -> Answer:
    wish = Wish(
        sent.verb,
        sent.found.books.purchase.id,
        sent.asked.operation.lower(),
        sent.request.state.actor,
        payment_id=sent.found.payment.id,
        amount=checked.amount,
        reason=sent.asked.reason,
        note=sent.asked.note.strip(),
        shown=sent.asked.shown,
        stood=Stood(sent.asked.undecided, sent.found.books.purchase.paused_until),
    )
    try:
        operation = await actions.perform(wish)
    except Mismatch:
        checked.faults["form"] = "This form was sent before with another amount. Look again."
        return await _form(replace_operation(sent), checked, 422)
    except Busy as busy:
        return await _busy(sent, busy.operation)
    except NotAllowed as refused:
        return await _refused(sent, checked, refused)
    except Declined as declined:
        said = declined.refusal.message.rstrip(".")
        checked.faults["form"] = f"Stripe refused: {said}. Nothing was moved."
        return await _declined(sent, checked)
    except OutcomeUnknown as unknown:
        waiting = await Operation.objects().get(Operation.id == unknown.operation_id)
        return await _outcome(sent.request, await need(sent.found.payment.id), waiting, 202)
    outages.reached(outages.STRIPE)
    return await _succeeded(sent, operation)


async def _declined(sent: Sent, checked: Checked) -> HTMXTemplate:
    fresh = replace_operation(replace(sent, found=await need(sent.found.payment.id)))
    if fresh.verb in fresh.found.movements(clock.now()):
        # The old operation has ended refused; another try is another operation.
        return await _form(fresh, checked, 422)
    return await _message(fresh, checked.faults["form"], 422)


def replace_operation(sent: Sent) -> Sent:
    """The same typed form under a fresh operation id."""
    return replace(sent, asked=replace(sent.asked, operation=form.fresh().operation))


async def _succeeded(sent: Sent, operation: Operation) -> Answer:
    # What follows from it, the booking's status and the student's mail, need not wait a minute.
    nudges.settle(operation.purchase)
    if not sent.request.htmx:
        done = f"/holds/{sent.found.payment.id}?done={operation.id}"
        return Redirect(sent.asked.back or done, status_code=303)
    return await _outcome(sent.request, await need(sent.found.payment.id), operation, 200)


async def _outcome(
    request: HTMXRequest, found: Hold, operation: Operation | None, status: int
) -> HTMXTemplate:
    assert operation is not None
    state = State(operation.state)
    context = {
        "operation": operation,
        "settled": operation.open_for is None,
        "flash": moved(operation, found) if state is State.SUCCEEDED else "",
        "said": _said(operation),
    }
    if not request.htmx:
        more = await hold_context(request, found)
        return await page(request, "holds/show.html", {**more, "flash": context["flash"]}, status)
    name = "holds/moved.html" if state is State.SUCCEEDED else "holds/waiting.html"
    under = await behind(request)
    return await page(request, name, {**under, **context}, status)


def _said(operation: Operation) -> str:
    if operation.open_for is not None:
        return sentences.busy(operation, settings.current().zone)
    said = operation.error_message.rstrip(".") or "it was not carried out"
    return f"Nothing was moved: {said}."


async def _busy(sent: Sent, operation: Operation) -> HTMXTemplate:
    said = f"{sentences.busy(operation, settings.current().zone)} Nothing was sent."
    return await _message(sent, said, 409)


async def _refused(sent: Sent, checked: Checked, refused: NotAllowed) -> HTMXTemplate:
    fresh = replace(sent, found=await need(sent.found.payment.id))
    overdrawn = refused.code in _AMOUNTS and sent.asked.part
    if overdrawn or refused.code in _OLD:
        said = _sentence(fresh, refused.code, refused.values)
        checked.faults["amount" if overdrawn else "form"] = said
        if sent.verb in fresh.found.movements(clock.now()):
            return await _form(fresh, checked, 422 if overdrawn else 409)
    return await _gone(fresh, refused.code, refused.values, 409)


def _sentence(sent: Sent, code: str, values: dict[str, Any]) -> str:
    zone = settings.current().zone
    return sentences.not_allowed(code, values, sent.found.currency, zone)


async def _gone(sent: Sent, code: str, values: dict[str, Any], status: int) -> HTMXTemplate:
    """It can't be done any more: who was faster, or the rule that forbids it."""
    operation = sent.found.books.operation
    if operation is not None:
        return await _message(sent, sentences.busy(operation, settings.current().zone), status)
    ends = [
        entry.event
        for entry in await story(sent.found.books.purchase.id)
        if entry.event.payment == sent.found.payment.id
        and entry.event.kind in ("captured", "charged", "released")
    ]
    said = ""
    if ends and sent.verb is not Verb.REFUND:
        last = ends[-1]
        said = findings.ended_by(sent.found, last.actor, last.kind, last.occurred_at, clock.now())
    return await _message(sent, said or _sentence(sent, code, values), status)


async def _message(sent: Sent, said: str, status: int) -> HTMXTemplate:
    under = await behind(sent.request)
    # What was typed for it may be wanted elsewhere: in a note, or in the next form.
    context = {"said": said, "verb": sent.verb.value, "typed": sent.asked.note.strip()}
    if sent.request.htmx:
        return await page(sent.request, "holds/refused.html", {**under, **context}, status)
    more = await hold_context(sent.request, await need(sent.found.payment.id))
    note = {"note": Note(context["typed"])} if context["typed"] else {}
    return await page(sent.request, "holds/show.html", {**more, **note, "trouble": said}, status)


async def _form(sent: Sent, checked: Checked | None, status: int) -> HTMXTemplate:
    context = form.shown(sent.found, sent.verb, sent.asked, checked)
    amounts = {sent.found.payment.id: context["agreed"]}
    told = await promises.broken(sent.verb, [sent.found], clock.now(), amounts)
    context["promise"] = told.get(sent.found.payment.id)
    return await page(sent.request, "holds/movement.html", context, status)


def _amount_only(checked: Checked) -> dict[str, str]:
    """A look at the amount does not ask for the reason yet."""
    return {name: said for name, said in checked.faults.items() if name == "amount"}


def _verb(request: HTMXRequest) -> Verb:
    return VERBS[request.url.path.rsplit("/", 1)[-1]]


handlers = [blank, look, move, outcome]
