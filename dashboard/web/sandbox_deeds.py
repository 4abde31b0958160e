"""What `/sandbox` does to webhooks, to the next calls, and to one payment at its bank."""

from collections.abc import Mapping
from typing import Any

from litestar import Response, post
from litestar.params import FromPath
from litestar_htmx import HTMXRequest

from dashboard.bookings.holds import Hold
from dashboard.money import WrongAmount, parse
from dashboard.payments.facts import CardState
from dashboard.snapshots import Intent
from dashboard.stripe_gateway import NotThere, Unreachable, gateway
from dashboard.web import sandbox_words as words
from dashboard.web.hold_page import need
from dashboard.web.sandbox_controls import Away, Refused, in_stripes_dashboard, order
from dashboard.web.sandbox_page import ACT, AWAY, back, noted, shown
from dashboard.web.wholes import whole

# What a delivery is told, by the button's value.
TREATMENTS: dict[str, tuple[str, dict[str, Any]]] = {
    "hold": ("mode", {"state": "held"}),
    "drop": ("dropped", {"state": "dropped"}),
    "delay": ("delayed", {"state": "pending", "wait": 60.0}),
}
ASKS = {"decline_code": "authentication_required"}
ANSWERS = {"confirmed": "success", "failed": "failure", "working": "processing"}
Typed = Mapping[str, str]


@post("/sandbox/webhooks", guards=ACT)
async def all_webhooks(request: HTMXRequest) -> Response[Any]:
    """Say how webhooks are treated from now on, or what becomes of all that are held back."""
    given = await _typed(request)
    deed = given.get("deed", "")
    try:
        if deed in words.MODES:
            await order("POST", "webhooks", {"mode": deed})
            code, count = "mode", 1
        elif deed in ("release", "reverse"):
            told = {"order": "reverse" if deed == "reverse" else "created"}
            code, count = _went((await order("POST", "deliveries/release", told))["statuses"])
        elif deed == "forget":
            answered = await order("POST", "deliveries", {"state": "dropped"})
            code, count = "dropped", int(answered["changed"])
        else:
            raise Refused("Choose what is to become of the webhooks.")
    except (Refused, Away) as error:
        return await _refused(request, error, given)
    await noted(request, "Webhooks", {"deed": deed})
    return back(code, count, given.get("payment", ""), "webhooks")


@post("/sandbox/webhooks/{delivery_id:int}", guards=ACT)
async def one_webhook(request: HTMXRequest, delivery_id: FromPath[int]) -> Response[Any]:
    """Send one delivery, again if it was sent before; hold, drop or delay it."""
    given = await _typed(request)
    deed = given.get("deed", "")
    try:
        if deed == "send":
            answered = await order("POST", f"deliveries/{delivery_id}/send", {"times": 1})
            code, count = _went(answered["statuses"])
        elif deed in TREATMENTS:
            code, told = TREATMENTS[deed]
            count = int((await order("POST", f"deliveries/{delivery_id}", told))["changed"])
            if not count:
                raise Refused("It was sent already.")
        else:
            raise Refused("Choose what is to become of the webhook.")
    except (Refused, Away) as error:
        return await _refused(request, error, given)
    await noted(request, "One webhook", {"deed": deed})
    return back(code, count, given.get("payment", ""), "webhooks")


def _went(statuses: list[int | None]) -> tuple[str, int]:
    """What to say of webhooks that went out; null for one that nobody answered."""
    missed = sum(status is None or status >= 300 for status in statuses)
    return ("refused", missed) if missed else ("sent", len(statuses))


@post("/sandbox/faults", guards=ACT)
async def faults(request: HTMXRequest) -> Response[Any]:
    """Arm a trouble for the next calls to Stripe, or take all of them back."""
    given = await _typed(request)
    code = "disarmed" if given.get("disarm") else "armed"
    try:
        if code == "disarmed":
            await _disarm(given["disarm"])
        elif given.get("deed") == "asks":
            code = "asks"
            await order("POST", "next_off_session", ASKS | {"times": 1})
        else:
            await order("POST", "faults", _fault(given))
    except (Refused, Away) as error:
        return await _refused(request, error, given)
    told = {name: given.get(name, "") for name in ("call", "kind", "when", "times")}
    await noted(request, f"Trouble {code}", told if code == "armed" else {})
    return back(code, 1, given.get("payment", ""), "troubles")


async def _disarm(which: str) -> None:
    """Take back one trouble by its number, the bank's question, or everything."""
    number = whole(which, 15)
    if number is not None:
        await order("DELETE", f"faults/{number}")
        return
    await order("POST", "next_off_session", ASKS | {"times": 0})
    if which != "asks":
        await order("DELETE", "faults")


def _fault(given: Typed) -> dict[str, Any]:
    kind, when = given.get("kind", ""), given.get("when", "")
    times = whole(given.get("times", ""), 15)
    known = given.get("call") in words.CALLS and kind in words.TROUBLES and when in words.MOMENTS
    if not known:
        raise Refused("Choose a call, a trouble and a moment.")
    if times is None or not 1 <= times <= words.MOST_TIMES:
        raise Refused(f"Choose how often: 1 to {words.MOST_TIMES} times.")
    if kind == "402" and when == "after":
        raise Refused("A decline changes nothing at the bank: it comes before the change.")
    path = words.CALLS[given["call"]][1]
    return {"when": when, "kind": kind, "method": "POST", "path": path, "times": times}


@post("/sandbox/payments/{payment_id:int}", guards=ACT)
async def payment(request: HTMXRequest, payment_id: FromPath[int]) -> Response[Any]:
    """Be the bank, the student or somebody in Stripe's own dashboard, about one payment."""
    given = await _typed(request)
    found = await need(payment_id)
    deed = given.get("deed", "")
    try:
        if deed in ANSWERS:
            await _answer(found, ANSWERS[deed])
        elif deed != "away":
            await _perform(await _intent(found), deed, given)
    except (Refused, Away, Unreachable, NotThere) as error:
        return await _refused(request, error, given, str(payment_id))
    await noted(request, "Played the bank", {"deed": deed, "payment": f"payment/{payment_id}"})
    return back(deed, 1, str(payment_id), "payment")


async def _answer(found: Hold, result: str) -> None:
    """The student answers the bank: about the payment, or about a card that is to be saved."""
    purchase = found.books.purchase
    if purchase.card_state == CardState.NEEDS_CUSTOMER and purchase.setup_intent_id:
        path = f"setup_intents/{purchase.setup_intent_id}/authenticate"
    else:
        path = f"intents/{(await _intent(found)).id}/authenticate"
    await order("POST", path, {"result": result})


async def _intent(found: Hold) -> Intent:
    if not found.payment.stripe_intent_id:
        raise Refused("Stripe has not heard of this payment yet.")
    return await gateway().fetch(found.payment.stripe_intent_id)


async def _perform(intent: Intent, deed: str, given: Typed) -> None:
    charge = intent.charge.id if intent.charge else ""
    named = given.get("of", "")
    if deed == "disputed" and charge:
        await order("POST", f"charges/{charge}/dispute", {})
    elif deed in ("won", "lost") and named in {one.id for one in intent.disputes}:
        await order("POST", f"disputes/{named}", {"status": deed})
    elif deed == "refund" and named in {one.id for one in intent.refunds}:
        await order("POST", f"refunds/{named}", {"status": given.get("status", "")})
    elif deed == "captured":
        most = {"amount_to_capture": _amount(given, intent)}
        await in_stripes_dashboard(f"/v1/payment_intents/{intent.id}/capture", most)
    elif deed == "cancelled":
        await in_stripes_dashboard(f"/v1/payment_intents/{intent.id}/cancel", {})
    elif deed == "refunded":
        told = {"payment_intent": intent.id, "amount": _amount(given, intent)}
        await in_stripes_dashboard("/v1/refunds", told)
    else:
        raise Refused("That is not possible for this payment.")


def _amount(given: Typed, intent: Intent) -> int:
    """What was typed, in minor units; Refused with the reason for what is no amount."""
    try:
        return parse(given.get("amount", ""), intent.currency)
    except WrongAmount as error:
        raise Refused(str(error)) from error


async def _typed(request: HTMXRequest) -> dict[str, str]:
    return {name: str(value)[:300].strip() for name, value in (await request.form()).items()}


async def _refused(
    request: HTMXRequest, error: Exception, given: Typed, payment: str = ""
) -> Response[Any]:
    """The page again, with the sandbox's reason; 409, or 503 when it does not answer."""
    said = str(error) if isinstance(error, Refused) else AWAY
    at_hand = payment or given.get("payment", "")
    status = 409 if isinstance(error, Refused) else 503
    return await shown(request, trouble=said, status=status, payment=at_hand)


handlers = [all_webhooks, one_webhook, faults, payment]
