"""Waiving a fee: the form, and what became of it when it was sent."""

import uuid
from dataclasses import dataclass
from typing import Any

from litestar import Response, get, post
from litestar.params import FromPath
from litestar.response import Redirect
from litestar_htmx import HTMXRequest

from dashboard import formats, sentences, settings
from dashboard.bookings import waiving
from dashboard.bookings.errors import Conflict
from dashboard.bookings.holds import Hold
from dashboard.bookings.waiving import Waiver
from dashboard.money import WrongAmount, decimals, parse
from dashboard.payments.errors import NotAllowed
from dashboard.web.hold_page import hold_context, need
from dashboard.web.pages import page
from dashboard.web.security import guard, is_finance
from dashboard.web.wholes import whole

LONGEST_REASON = 400
_AT_THE_AMOUNT = ("too_much", "too_little", "wrong_step", "leaves_too_little")


@dataclass(frozen=True, slots=True)
class Typed:
    """What the form sent, as it was typed. `agreed` is the amount that the button named."""

    decision: str
    part: bool = False
    amount: str = ""
    reason: str = ""
    shown: int | None = None
    agreed: int | None = None


@get("/holds/{payment_id:int}/waive", guards=[guard("support")])
async def blank(request: HTMXRequest, payment_id: FromPath[int]) -> Response[Any]:
    """The empty form, or why there is none."""
    found = await need(payment_id)
    if not owed(found):
        return await _gone(request, found, "No fee is owed for this booking.")
    return await _form(request, found, Typed(str(uuid.uuid4())))


@post("/holds/{payment_id:int}/waive", guards=[guard("support")], status_code=200)
async def look(request: HTMXRequest, payment_id: FromPath[int]) -> Response[Any]:
    """What the typed amount would do, for browsers without scripts. Nothing is decided."""
    found, typed = await need(payment_id), _read(await request.form())
    faults = _faults(request, found, typed)
    faults.pop("reason", None)
    return await _form(request, found, typed, faults)


@post("/holds/{payment_id:int}/waivers", guards=[guard("support")])
async def waive(request: HTMXRequest, payment_id: FromPath[int]) -> Response[Any]:
    """Waive the fee, once, however often the form arrives."""
    found, typed = await need(payment_id), _read(await request.form())
    booking_id = found.subject.booking_id
    if booking_id is None:
        return await _gone(request, found, "A package has no fee that could be waived.")
    try:
        await waiving.waive(booking_id, await _checked(request, found, typed))
    except _Faulty as faulty:
        return await _form(request, found, typed, faulty.faults, 422)
    except NotAllowed as refused:
        fresh = await need(payment_id)
        if refused.code != "stale" or not owed(fresh):
            return await _form(request, fresh, typed, {"form": _said(fresh, refused)}, 403)
        return await _form(request, fresh, typed, {"form": _said(fresh, refused)}, 409)
    except Conflict as conflict:
        return await _gone(request, await need(payment_id), str(conflict))
    return Redirect(f"/holds/{payment_id}", status_code=303)


def owed(found: Hold) -> int:
    """The fee that could be waived, in minor units."""
    return waiving.fee(found.subject.clause, found.books)


class _Faulty(Exception):
    """A form that can't be taken; a message per field."""

    def __init__(self, faults: dict[str, str]) -> None:
        super().__init__()
        self.faults = faults


async def _checked(request: HTMXRequest, found: Hold, typed: Typed) -> Waiver:
    # A form that was sent before is answered as then, whatever is owed by now.
    faults = _faults(request, found, typed) if typed.shown == owed(found) else {}
    if not typed.decision or typed.shown is None or typed.agreed is None:
        faults["form"] = "This form is incomplete. Load the page again."
    amount = _amount(found, typed)
    if not faults and typed.part and amount != typed.agreed:
        faults["form"] = "The button named another amount. Look again, then press it."
    if faults:
        raise _Faulty(faults)
    return Waiver(
        request.state.actor,
        typed.reason,
        amount if typed.part else None,
        typed.shown,
        typed.decision,
        is_finance(request.state.staff),
    )


def _faults(request: HTMXRequest, found: Hold, typed: Typed) -> dict[str, str]:
    faults, fee = {}, owed(found)
    try:
        amount = parse(typed.amount, found.currency) if typed.part else fee
        unlimited = is_finance(request.state.staff)
        refused = waiving.refusal(found.books, amount, fee, unlimited)
        if refused is not None:
            place = "amount" if refused.code in _AT_THE_AMOUNT or typed.part else "form"
            faults[place] = _said(found, refused)
    except WrongAmount as error:
        faults["amount"] = str(error)
    if not typed.reason:
        faults["reason"] = "Say in a sentence why, for the story."
    elif len(typed.reason) > LONGEST_REASON:
        faults["reason"] = f"Keep it under {LONGEST_REASON} characters."
    return faults


def _amount(found: Hold, typed: Typed) -> int | None:
    if not typed.part:
        return owed(found)
    try:
        return parse(typed.amount, found.currency)
    except WrongAmount:
        return None


def _said(found: Hold, refused: NotAllowed) -> str:
    zone = settings.current().zone
    return sentences.not_allowed(refused.code, refused.values, found.currency, zone)


def _read(given: Any) -> Typed:
    numbers = {}
    for name in ("shown", "agreed"):
        numbers[name] = whole(str(given.get(name) or ""), 15)
    return Typed(
        decision=str(given.get("decision") or "")[:64],
        part=given.get("scope") == "part",
        amount=str(given.get("amount") or ""),
        reason=str(given.get("reason") or "").strip(),
        **numbers,
    )


async def _form(
    request: HTMXRequest,
    found: Hold,
    typed: Typed,
    faults: dict[str, str] | None = None,
    status: int = 200,
) -> Response[Any]:
    fee, wanted = owed(found), _amount(found, typed)
    amount = wanted if wanted is not None and 0 < wanted <= fee else fee
    context = {
        "hold": found,
        "typed": typed,
        "faults": {"form": "", "amount": "", "reason": "", **(faults or {})},
        "fee": fee,
        "fee_said": formats.money(fee, found.currency),
        "fee_name": waiving.FEES.get(found.subject.clause, "The fee"),
        "amount": amount,
        "amount_said": formats.money(amount, found.currency),
        "rest_said": formats.money(fee - amount, found.currency),
        "whole": amount == fee,
        "taken": waiving.captured(found.books),
        "who": found.subject.first_name or "The student",
        "decimals": decimals(found.currency),
    }
    return await page(request, "holds/waive.html", context, status)


async def _gone(request: HTMXRequest, found: Hold, said: str) -> Response[Any]:
    context = await hold_context(request, found)
    return await page(request, "holds/show.html", {**context, "trouble": said}, 409)


handlers = [blank, look, waive]
