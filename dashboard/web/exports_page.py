"""Tables as files: asked for at a table, made at once or by the worker, fetched here."""

from typing import Any

from litestar import Response, get, post
from litestar.exceptions import NotFoundException, ValidationException
from litestar.params import FromPath
from litestar.response import File, Redirect
from litestar_htmx import HTMXRequest, HTMXTemplate

from dashboard import clock, db
from dashboard.audit import record
from dashboard.audit.record import Action
from dashboard.exports import catalog, making, shelf
from dashboard.exports.sheets import Wanted
from dashboard.web import exports_words as words
from dashboard.web import trail
from dashboard.web.pages import page
from dashboard.web.security import guard
from dashboard.web.wholes import whole
from jobs import nudges

MOST = 50
LARGEST = 2**62
CSV = "text/csv"
_GONE = "This file is not here any more, or not yet. Its table can be exported again."


@get("/exports", guards=[guard("finance")])
async def index(request: HTMXRequest) -> HTMXTemplate:
    """The files that were asked for, one's own or everybody's, and how far each has come."""
    mine = request.query_params.get("whose") == "mine"
    before = whole(request.query_params.get("before", ""), 18) or 0
    staff = request.state.staff.id if mine else None
    rows = await shelf.listed(MOST + 1, staff, before)
    context = {
        "heading": words.heading(rows),
        "mine": mine,
        "lines": [words.line(row) for row in rows[:MOST]],
        "going": await shelf.unfinished(staff),
        "before": before,
        "more": rows[MOST - 1].id if len(rows) > MOST else 0,
        "whose": "mine" if mine else "all",
    }
    return await page(request, "exports/index.html", context)


@post("/exports", guards=[guard("finance")], status_code=200)
async def create(request: HTMXRequest) -> Response[Any]:
    """The file, if it can be had at once; else the list, where the worker's progress shows."""
    form = await request.form()
    what, query = str(form.get("what", "")), str(form.get("query", ""))
    try:
        asked = catalog.wanted(what, query, clock.now())
    except catalog.NoSuchTable as error:
        raise ValidationException("There is no such table to export.") from error
    text = await making.at_once(asked)
    return await _later(request, asked) if text is None else await _now(request, asked, text)


@get("/exports/{export_id:int}/file", guards=[guard("finance")])
async def fetch(request: HTMXRequest, export_id: FromPath[int]) -> File:
    """The file of an export, once it is whole."""
    row = await shelf.one(min(export_id, LARGEST))
    path = await shelf.file_of(row) if row else None
    if row is None or path is None:
        raise NotFoundException(_GONE)
    await _noted(request, f"export/{row.id}", "fetched", {"file": row.file_name})
    return File(path, filename=row.file_name, media_type=CSV)


async def _now(request: HTMXRequest, asked: Wanted, text: str) -> Response[Any]:
    told = {"table": asked.sheet.name, "filters": asked.query, "file": asked.file_name}
    await _noted(request, "/exports", "sent", told)
    headers = {"Content-Disposition": f'attachment; filename="{asked.file_name}"'}
    return Response(text.encode(), media_type=CSV, headers=headers)


async def _later(request: HTMXRequest, asked: Wanted) -> Response[Any]:
    async with db.transaction():
        row = await making.ask(asked, request.state.actor)
        told = {"table": asked.sheet.name, "filters": asked.query, "file": row.file_name}
        await _noted(request, f"export/{row.id}", "asked", told)
    nudges.export(row.id)
    return Redirect(f"/exports#export-{row.id}", status_code=303)


async def _noted(request: HTMXRequest, subject: str, outcome: str, detail: dict[str, str]) -> None:
    who = trail.who(request.scope)
    await record.write(who, Action.EXPORT, subject, outcome, {k: v for k, v in detail.items() if v})


handlers = [index, create, fetch]
