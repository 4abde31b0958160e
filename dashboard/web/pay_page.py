"""The page of a student without an account: `/pay/{token}`. Its only right is its address.

Looking changes nothing. A POST pays, answers the bank for the student on the sandbox, or asks
Stripe how an attempt stands; then it leads back to the page, or tells a script in JSON.
"""

import re
import uuid
from typing import Any

from litestar import Request, Response, Router, get, post
from litestar.params import FromPath
from litestar.response import Redirect, Template

from dashboard import clock, formats, settings
from dashboard.bookings import pay_links, till
from dashboard.bookings.errors import BadOrder, NoSuchBooking
from dashboard.bookings.till import Stage, Till, TooManyCards
from dashboard.web import answers, pages, pay_words
from dashboard.web.limits import PAGES, PAYING, limit
from dashboard.web.sandbox_controls import Away, Refused, order
from dashboard.web.sandbox_words import CARD_NAMES, CARDS
from dashboard.web.security import PAGE_POLICY

AnyRequest = Request[Any, Any, Any]
STRIPE_JS = "https://js.stripe.com/clover/stripe.js"
# Stripe's own list of what its script needs, beside what every page of ours has.
_STRIPE_ADDS = {
    "script-src 'self'": " https://js.stripe.com https://*.js.stripe.com",
    "connect-src 'self'": " https://api.stripe.com",
}
STRIPE_POLICY = "; ".join(
    (
        *(part + _STRIPE_ADDS.get(part, "") for part in PAGE_POLICY.split("; ")),
        "frame-src https://js.stripe.com https://*.js.stripe.com https://hooks.stripe.com",
    )
)
_CARD = re.compile(r"[A-Za-z0-9_]{1,255}")
HEADERS = {
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Robots-Tag": "noindex, nofollow",
}
CHOOSE = "Choose a card."
RELOAD = "This form is not whole. Load the page again."
TOO_MANY = "Many cards were tried in the last hour. Wait an hour, or write to us."
# The test cards that are offered first: one of each kind.
USUAL = (
    "pm_card_visa",
    "pm_card_chargeDeclined",
    "pm_card_chargeDeclinedInsufficientFunds",
    "pm_card_authenticationRequired",
    "pm_card_authenticationRequiredOnSetup",
    "pm_card_chargeCustomerFail",
)
AWAY = "The sandbox does not answer."


@get("/{token:str}", guards=[limit(PAGES)])
async def show(request: AnyRequest, token: FromPath[str]) -> Template:
    """What there is to pay or to confirm; 404 for an address that is none of ours."""
    found = await _find(token)
    return await _page(request, found) if found else _nothing(request)


@post("/{token:str}", guards=[limit(PAYING)], status_code=200)
async def act(request: AnyRequest, token: FromPath[str]) -> Response[Any]:
    """Pay, answer the bank on the sandbox, or ask Stripe again; then back to the page."""
    found = await _find(token)
    if found is None:
        return _nothing(request)
    given = {name: str(value) for name, value in (await request.form()).items()}
    try:
        await _DEEDS.get(given.get("do", ""), _ask)(found, given)
    except TooManyCards:
        return await _told(request, found, TOO_MANY, 429)
    except BadOrder as error:
        return await _told(request, found, error.faults[0][1], 422)
    except (Refused, Away) as error:
        # The bank's question may have been answered elsewhere: what Stripe shows then counts.
        await till.ask(found)
        if isinstance(error, Away):
            return await _told(request, found, AWAY, 503)
    if _script(request):
        return await _told(request, await till.find(found.booking.id))
    return Redirect(f"/pay/{token}", status_code=303, headers=HEADERS)


async def _pay(found: Till, given: dict[str, str]) -> None:
    card = given.get("payment_method", "")
    if found.stage is not Stage.CARD:
        return
    if card == "saved" and _saved(found):
        await till.pay(found, None, _key(given))
        return
    if not _CARD.fullmatch(card) or (settings.current().sandbox and card not in CARD_NAMES):
        raise BadOrder(("payment_method", CHOOSE))
    await till.pay(found, card, _key(given))


async def _answer(found: Till, given: dict[str, str]) -> None:
    """The student answers the bank's question, as only the sandbox's students can."""
    asked, result = found.question, given.get("result", "")
    if asked is None or not settings.current().sandbox:
        return
    if result not in ("success", "failure"):
        raise BadOrder(("result", "Confirm, or fail the confirmation."))
    kind = "setup_intents" if asked.about == "card" else "intents"
    await order("POST", f"{kind}/{asked.stripe_id}/authenticate", {"result": result})
    await till.ask(found)


async def _ask(found: Till, _: dict[str, str]) -> None:
    if found.stage in (Stage.CONFIRM, Stage.UNKNOWN):
        await till.ask(found)


_DEEDS = {"pay": _pay, "answer": _answer, "ask": _ask}


async def _find(token: str) -> Till | None:
    booking_id = pay_links.read(token)
    try:
        return None if booking_id is None else await till.find(booking_id)
    except NoSuchBooking:
        return None


def _key(given: dict[str, str]) -> str:
    """The attempt's own key, made with the form: a form that is sent twice is one attempt."""
    try:
        return str(uuid.UUID(given.get("key", "")))
    except ValueError:
        raise BadOrder(("key", RELOAD)) from None


def _saved(found: Till) -> bool:
    """Whether the card that we have can be used again, now that its owner is here."""
    return found.bank_asks and found.stage is Stage.CARD


def _script(request: AnyRequest) -> bool:
    return "application/json" in request.headers.get("Accept", "")


async def _told(
    request: AnyRequest, found: Till, fault: str = "", code: int = 200
) -> Response[Any]:
    """How it stands: for a script in JSON, else as the page with what was wrong."""
    if not _script(request):
        return await _page(request, found, fault, code)
    told: dict[str, Any] = {"stage": found.stage, "fault": fault}
    if found.question and not settings.current().sandbox:
        told["client_secret"] = await answers.client_secret(found.question)
    return Response(told, status_code=code, headers=HEADERS)


async def _page(request: AnyRequest, found: Till, fault: str = "", code: int = 200) -> Template:
    chosen, zone = settings.current(), pay_words.zone_of(found)
    stripes = not chosen.sandbox and found.stage in (Stage.CARD, Stage.CONFIRM)
    key = chosen.stripe_publishable_key if stripes else None
    asked = found.question
    context = {
        "till": found,
        "stage": str(found.stage),
        "heading": pay_words.heading(found),
        "status": pay_words.status(found),
        "said": pay_words.said(found),
        "lines": pay_words.lines(found),
        "when": formats.moment(found.booking.starts_at, zone),
        "amount": pay_words.money(found, found.amount),
        "zone_name": zone.key.split("/")[-1].replace("_", " "),
        "word": pay_words.word(found),
        "button": pay_words.button(found),
        "cards": [card for group in CARDS.values() for card in group.items()],
        "usual_cards": USUAL,
        "saved": _saved(found),
        "fault": fault,
        "key": str(uuid.uuid4()),
        "publishable_key": key,
        "stripe_js": STRIPE_JS,
        "client_secret": await answers.client_secret(asked) if key and asked else None,
    }
    headers = HEADERS | ({"Content-Security-Policy": STRIPE_POLICY} if key else {})
    return _template(request, "pay/show.html", context, code, headers)


def _nothing(request: AnyRequest) -> Template:
    return _template(request, "pay/nothing.html", {}, 404, HEADERS)


def _template(
    request: AnyRequest, name: str, context: dict[str, Any], code: int, headers: dict[str, str]
) -> Template:
    shared = {
        "theme": pages.theme(request),
        "sandbox": settings.current().sandbox,
        "now": clock.now(),
    }
    return Template(name, context={**shared, **context}, status_code=code, headers=headers)


router = Router("/pay", route_handlers=[show, act], include_in_schema=False)
