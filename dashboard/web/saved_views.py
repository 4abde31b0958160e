"""Saved views: a list of holds is given a name, another one, or forgotten."""

from dataclasses import dataclass
from typing import Any

from litestar import Request, Response, get, post
from litestar.exceptions import NotFoundException
from litestar.params import FromPath
from litestar.response import Redirect
from litestar_htmx import ClientRedirect, HTMXRequest

from dashboard import clock, db
from dashboard.audit import record
from dashboard.audit.record import Action
from dashboard.bookings import outlook, queue
from dashboard.bookings.queue import Filters
from dashboard.staff import views
from dashboard.staff.tables import SavedView, reaches
from dashboard.staff.views import ViewRefused
from dashboard.web import tabs, trail
from dashboard.web.hold_page import LARGEST_ID
from dashboard.web.pages import page
from dashboard.web.queue_page import in_words
from dashboard.web.security import NotForThisRole, guard


@dataclass(frozen=True, slots=True)
class Typed:
    """The form as it was sent; `holds` is the state of the list, `sharing` is mine or all."""

    name: str = ""
    sharing: str = "mine"
    holds: str = ""


@get("/holds/views/new", guards=[guard()])
async def blank(request: HTMXRequest) -> Response[Any]:
    """The form that saves the list in the address."""
    chosen = queue.filters(dict(request.query_params.items()))
    return await _form(request, Typed(holds=tabs.state(chosen)))


@post("/holds/views", guards=[guard()], status_code=200)
async def save(request: HTMXRequest) -> Response[Any]:
    """Save the list, for oneself or for everybody."""
    typed = await _typed(request)
    if typed.sharing == "all" and not reaches(request.state.staff, "support"):
        raise NotForThisRole("A view for everybody needs support.")
    try:
        await _save(request, typed)
    except ViewRefused as refused:
        return await _form(request, typed, refused)
    return _shown(request, f"/holds?{typed.holds}")


@get("/holds/views/{view_id:int}", guards=[guard()])
async def change(request: HTMXRequest, view_id: FromPath[int]) -> Response[Any]:
    """The form that renames or deletes a view."""
    found = await _need(request, view_id)
    return await _changing(request, found, found.name)


@post("/holds/views/{view_id:int}", guards=[guard()], status_code=200)
async def rename(request: HTMXRequest, view_id: FromPath[int]) -> Response[Any]:
    """Give the view another name."""
    found, typed = await _need(request, view_id), await _typed(request)
    try:
        async with db.transaction():
            await views.rename(found, typed.name)
            await _told(request, found.id, "renamed", typed.name, {"before": found.name})
    except ViewRefused as refused:
        return await _changing(request, found, typed.name, refused)
    return _shown(request, f"/holds?{found.query}")


@post("/holds/views/{view_id:int}/delete", guards=[guard()], status_code=200)
async def delete(request: HTMXRequest, view_id: FromPath[int]) -> Response[Any]:
    """Forget the view; its holds stay where they are."""
    found = await _need(request, view_id)
    async with db.transaction():
        await views.delete(found)
        await _told(request, found.id, "deleted", found.name, {"holds": found.query})
    return _shown(request, f"/holds?{found.query}")


async def _save(request: HTMXRequest, typed: Typed) -> None:
    staff, shared = request.state.staff, typed.sharing == "all"
    async with db.transaction():
        view_id = await views.keep(staff, typed.name, typed.holds, shared=shared)
        told = {"for": "everybody" if shared else "oneself", "holds": typed.holds}
        await _told(request, view_id, "named", typed.name, told)


async def _told(
    request: Request[Any, Any, Any], view_id: int, did: str, name: str, more: dict[str, str]
) -> None:
    who = trail.who(request.scope)
    await record.write(who, Action.VIEW, f"views/{view_id}", did, {"name": name.strip(), **more})


async def _typed(request: HTMXRequest) -> Typed:
    form = await request.form()
    sharing = "all" if form.get("sharing") == "all" else "mine"
    holds = tabs.state(tabs.read(str(form.get("holds", ""))))
    return Typed(str(form.get("name", "")), sharing, holds)


async def _need(request: HTMXRequest, view_id: int) -> SavedView:
    """The view, or a 404: what somebody keeps for themselves is nobody else's business."""
    known = view_id < LARGEST_ID
    found = await views.view(view_id, request.state.staff) if known else None
    if found is None:
        raise NotFoundException("There is no such view, or it is somebody else’s.")
    return found


async def _form(
    request: HTMXRequest, typed: Typed, refused: ViewRefused | None = None
) -> Response[Any]:
    context = {
        "typed": typed,
        "may_share": reaches(request.state.staff, "support"),
        **await _about(tabs.read(typed.holds), refused),
    }
    return await page(request, "holds/save_view.html", context, 422 if refused else 200)


async def _changing(
    request: HTMXRequest, found: SavedView, name: str, refused: ViewRefused | None = None
) -> Response[Any]:
    context = {"view": found, "name": name, **await _about(tabs.read(found.query), refused)}
    return await page(request, "holds/change_view.html", context, 422 if refused else 200)


async def _about(chosen: Filters, refused: ViewRefused | None) -> dict[str, Any]:
    (count,) = await outlook.numbers([chosen], clock.now())
    return {
        "says": in_words(chosen),
        "count": count,
        "back": f"/holds?{tabs.state(chosen)}",
        "longest": views.LONGEST_NAME,
        "fault": {"at": refused.at, "said": refused.said} if refused else {"at": "", "said": ""},
    }


def _shown(request: HTMXRequest, address: str) -> Response[Any]:
    """The list itself, from a dialog as well."""
    if request.htmx:
        return ClientRedirect(redirect_to=address)
    return Redirect(address, status_code=303)


handlers = [blank, save, change, rename, delete]
