"""The page of a package: its lessons, what a refund of the unused ones gives, and who may do it."""

import uuid
from dataclasses import dataclass
from typing import Any

from litestar import Response, get, post
from litestar.exceptions import NotFoundException
from litestar.params import FromPath
from litestar.response import Redirect
from litestar_htmx import HTMXRequest

from dashboard import formats, sentences, settings
from dashboard.bookings import limits, package_refunds
from dashboard.bookings.errors import Conflict
from dashboard.bookings.package_refunds import Wanted
from dashboard.bookings.package_sheet import Sheet, sheet
from dashboard.payments.errors import Busy, NotAllowed
from dashboard.staff.tables import reaches
from dashboard.web import package_answer
from dashboard.web.hold_page import LARGEST_ID
from dashboard.web.pages import page
from dashboard.web.security import guard, is_finance
from dashboard.web.wholes import whole

LONGEST_REASON = 400


@dataclass(frozen=True, slots=True)
class Typed:
    """What the refund's form sent, as it was typed."""

    decision: str
    reason: str = ""
    agreed: int | None = None


async def need(package_id: int) -> Sheet:
    """The package, or a 404 that says so."""
    try:
        return await sheet(package_id if package_id < LARGEST_ID else 0)
    except LookupError:
        raise NotFoundException("There is no such package.") from None


@get("/packages/{package_id:int}", guards=[guard("viewer", "payments")])
async def show(request: HTMXRequest, package_id: FromPath[int]) -> Response[Any]:
    """One package: a page for people, JSON for programs."""
    found = await need(package_id)
    if "text/html" not in request.headers.get("Accept", "") and not request.htmx:
        return Response({"package": package_answer.view(found)}, headers={"Vary": "Accept"})
    return await _page(request, found)


@get("/packages/{package_id:int}/refunds", guards=[guard("support")])
async def review(request: HTMXRequest, package_id: FromPath[int]) -> Response[Any]:
    """What a refund of the unused lessons would do, with the button that does it."""
    found = await need(package_id)
    if found.obstacle:
        return await _page(request, found, found.obstacle, status=409)
    return await _form(request, found, Typed(str(uuid.uuid4())))


@post("/packages/{package_id:int}/refunds", guards=[guard("support")])
async def refund(request: HTMXRequest, package_id: FromPath[int]) -> Response[Any]:
    """Refund the unused lessons, once, however often the form arrives."""
    found, typed = await need(package_id), _typed(await request.form())
    if fault := _fault(typed.reason):
        return await _form(request, found, typed, {"reason": fault}, 422)
    if typed.agreed is None or not typed.decision:
        fault = "This form is incomplete. Load the page again."
        return await _form(request, found, typed, {"form": fault}, 422)
    wanted = Wanted(
        request.state.actor,
        typed.reason,
        is_finance(request.state.staff),
        typed.agreed,
        typed.decision,
    )
    try:
        await package_refunds.refund_unused(package_id, wanted)
    except NotAllowed as refused:
        said = _sentence(found, refused)
        status = 409 if refused.code == "stale" else 403
        return await _form(request, await need(package_id), typed, {"form": said}, status)
    except Conflict as conflict:
        return await _page(request, await need(package_id), str(conflict), status=409)
    return Redirect(f"/packages/{package_id}", status_code=303)


@post("/packages/{package_id:int}/withdraw", guards=[guard("finance")])
async def withdraw(request: HTMXRequest, package_id: FromPath[int]) -> Response[Any]:
    """Take a refund back that has not gone, and free the lessons that were reserved for it."""
    found = await need(package_id)
    reason = str((await request.form()).get("reason") or "").strip()
    if fault := _fault(reason):
        return await _page(request, found, fault, reason, 422)
    try:
        await package_refunds.withdraw(found.package.purchase, request.state.actor, reason)
    except Conflict as conflict:
        return await _page(request, await need(package_id), str(conflict), reason, 409)
    except Busy as busy:
        said = sentences.busy(busy.operation, settings.current().zone)
        return await _page(request, await need(package_id), said, reason, 409)
    return Redirect(f"/packages/{package_id}", status_code=303)


def _fault(reason: str) -> str:
    if not reason:
        return "Say in a sentence why, for the story."
    if len(reason) > LONGEST_REASON:
        return f"Keep it under {LONGEST_REASON} characters."
    return ""


def _typed(given: Any) -> Typed:
    agreed = whole(str(given.get("agreed") or ""), 15)
    decision = str(given.get("decision") or "")[:64]
    reason = str(given.get("reason") or "").strip()
    return Typed(decision, reason, agreed)


def _sentence(found: Sheet, refused: NotAllowed) -> str:
    zone = settings.current().zone
    return sentences.not_allowed(refused.code, refused.values, found.currency, zone)


async def _page(
    request: HTMXRequest, found: Sheet, trouble: str = "", typed: str = "", status: int = 200
) -> Response[Any]:
    staff = request.state.staff
    context = {
        **_shared(found),
        "may_refund": reaches(staff, "support") and not found.obstacle,
        "may_withdraw": is_finance(staff) and found.withdrawable,
        "undone": formats.money(found.undone, found.currency),
        "trouble": trouble,
        "typed_reason": typed,
    }
    return await page(request, "packages/show.html", context, status)


async def _form(
    request: HTMXRequest,
    found: Sheet,
    typed: Typed,
    faults: dict[str, str] | None = None,
    status: int = 200,
) -> Response[Any]:
    refused = limits.needs_finance(found.worth.unused, found.worth.back, found.currency)
    beyond = refused is not None and not is_finance(request.state.staff)
    context = {
        **_shared(found),
        "typed": typed,
        "faults": {"form": "", "reason": "", **(faults or {})},
        "beyond": _sentence(found, refused) if refused is not None and beyond else "",
        "trouble": "",
    }
    return await page(request, "packages/refund.html", context, status)


def _shared(found: Sheet) -> dict[str, Any]:
    current = found.books.current
    return {
        "sheet": found,
        "amount": formats.money(found.worth.unused, found.currency),
        "left": formats.money(
            max(0, found.worth.captured - found.worth.back - found.worth.unused), found.currency
        ),
        "first_name": (found.student.name.split() or [found.student.email])[0],
        "why": package_refunds.why(found.package, found.worth, found.currency),
        "hold_id": current.id if current is not None else None,
        "formats": formats,
        "flash": "",
    }


handlers = [show, review, refund, withdraw]
