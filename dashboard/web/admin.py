"""piccolo-admin behind the desk's own sign-in, at /admin/: it reads and draws, the desk writes.

Of piccolo-admin's own doors none is open: no sign-in, no session, no change of a password. What
comes in here was let in by the guard, with the desk's session and as an admin.
"""

import asyncio
import hmac
import re
import threading
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import msgspec
import piccolo_admin
from litestar import asgi
from litestar.datastructures import MutableScopeHeaders
from litestar.exceptions import MethodNotAllowedException, NotFoundException
from litestar.handlers import BaseRouteHandler
from litestar.types import Message, Receive, Scope, Send
from piccolo_admin.endpoints import AdminRouter, create_admin
from piccolo_admin.translations.data import ENGLISH
from piccolo_api.shared.auth import User
from starlette.authentication import AuthCredentials, AuthenticationBackend
from starlette.middleware.authentication import AuthenticationMiddleware
from starlette.requests import HTTPConnection
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response

from dashboard.bookings.errors import BadOrder
from dashboard.staff import auth
from dashboard.staff.tables import Staff
from dashboard.web import admin_writes, pages, security, trail
from dashboard.web.admin_tables import BY_NAME, TABLES, Shown, configured
from dashboard.web.security import Connection, ForgedForm

# The page makes its styles as it goes, which the desk's own policy forbids. No script is looser.
POLICY = security.PAGE_POLICY.replace("style-src 'self'", "style-src 'self' 'unsafe-inline'")
# The names that piccolo-admin's script uses for its proof; the desk's own has another name.
CSRF_COOKIE, CSRF_HEADER = "csrftoken", "X-CSRFToken"
LONGEST_BODY = 64 * 1024
# A longer number is no id, and no number to a database either.
LONGEST_ID = 18
_ROW = re.compile(r"/api/tables/(?P<table>\w+)/(?:(?P<row>[^/]+)/)?")
_READ = ("/assets/", "/public/meta/", "/public/translations/")
_READ_API = ("/api/tables/", "/api/links/", "/api/forms/", "/api/user/")
_let_in = security.guard("admin")
_building = threading.Lock()


async def _enter(connection: Connection, handler: BaseRouteHandler) -> None:
    """Let in admins only; what may change something must prove that our own page asks for it."""
    # Litestar cuts the mount's own part off; errors and the audit name the whole address.
    connection.scope["path"] = _path(connection.scope)
    await _let_in(connection, handler)
    if connection.state.staff is None:
        raise security.NotForThisRole("A token can't come in here.")
    if str(connection.scope.get("method")) not in security.SAFE_METHODS:
        given = connection.headers.get(CSRF_HEADER, "")
        if not hmac.compare_digest(given.encode(), connection.state.csrf.encode()):
            raise ForgedForm


@asgi("/admin", is_mount=True, copy_scope=True, guards=[_enter])
async def mounted(scope: Scope, receive: Receive, send: Send) -> None:
    """The page, what it reads, and what it sends; of all else here there is nothing."""

    async def with_policy(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableScopeHeaders.from_message(message)
            headers["Content-Security-Policy"] = POLICY
            if inside.startswith("/assets/"):
                # Their names carry their content's hash.
                headers["Cache-Control"] = "private, max-age=31536000, immutable"
        await send(message)

    inside = _path(scope).removeprefix("/admin")
    if str(scope.get("method")) in security.SAFE_METHODS:
        application = await _reading(inside, scope)
    else:
        application = await _writing(inside, scope, receive)
    await application(_inner(scope), receive, with_policy)


async def _reading(inside: str, scope: Scope) -> Any:
    if inside == "":
        return RedirectResponse("/admin/", status_code=307)
    if inside == "/":
        page = HTMLResponse(_page())
        page.set_cookie(
            CSRF_COOKIE,
            scope["state"]["csrf"],
            path="/admin/",
            secure=security.secure(),
            samesite="strict",
        )
        return page
    row = (match := _ROW.fullmatch(inside)) and match["row"]
    if row and row.isdigit() and len(row) > LONGEST_ID:
        raise NotFoundException("There is no such row.")
    if inside.startswith((*_READ, *_READ_API)):
        return await asyncio.to_thread(_piccolo)
    raise NotFoundException("There is nothing here.")


async def _writing(inside: str, scope: Scope, receive: Receive) -> Response:
    if inside == "/public/logout/":
        return await _sign_out(scope)
    match = _ROW.fullmatch(inside)
    shown = BY_NAME.get(match["table"]) if match else None
    if match is None or shown is None:
        raise NotFoundException("There is nothing here.")
    verb = {"POST": not match["row"], "PATCH": bool(match["row"])}.get(
        str(scope.get("method")), False
    )
    if not shown.fields or not verb:
        raise MethodNotAllowedException(_refusal(shown))
    return await _edit(shown, match["row"], scope, await _body(receive))


def _refusal(shown: Shown) -> str:
    if shown.fields:
        return "Nothing is deleted or replaced here. Turn `active` off instead."
    return "This table is only read here. What is in it changes by what happens at the desk."


async def _edit(shown: Shown, row: str | None, scope: Scope, body: bytes) -> Response:
    who = trail.who(scope)
    try:
        given = msgspec.json.decode(body, type=dict[str, Any])
        if row is None:
            made = await admin_writes.create(shown, given, who)
            return JSONResponse([{"id": made}], status_code=201)
        await admin_writes.change(shown, int(row) if len(row) <= LONGEST_ID else 0, given, who)
    except BadOrder as error:
        # As the page reads it: the field, and what is wrong with it.
        said = [{"loc": [field], "msg": message} for field, message in error.faults]
        return JSONResponse({"detail": said}, status_code=422)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return JSONResponse({"detail": [{"loc": ["body"], "msg": "No JSON."}]}, status_code=422)
    except (admin_writes.NoSuchRow, ValueError):
        return JSONResponse({"detail": "There is no such row."}, status_code=404)
    return JSONResponse({"id": int(row)})


async def _body(receive: Receive) -> bytes:
    body, more = b"", True
    while more:
        message: Any = await receive()
        body += message.get("body", b"")
        more = message.get("more_body", False)
        if len(body) > LONGEST_BODY:
            return b""
    return body


async def _sign_out(scope: Scope) -> Response:
    """Out of the desk as well: there is one session for both."""
    connection = HTTPConnection(dict(scope))
    await auth.end_session(connection.cookies.get(security.session_cookie_name(), ""))
    answer = JSONResponse({})
    for name in (security.session_cookie_name(), security.csrf_cookie_name()):
        answer.delete_cookie(name, secure=security.secure(), samesite="lax")
    answer.delete_cookie(CSRF_COOKIE, path="/admin/", secure=security.secure())
    return answer


def _path(scope: Scope) -> str:
    # As it was sent: Litestar cuts it at the mount, and adds a slash.
    return unquote(scope["raw_path"].decode("ascii", "replace").partition("?")[0])


def _inner(scope: Scope) -> dict[str, Any]:
    """The scope as an application at /admin would have got it, with nothing of ours in it."""
    names = ("type", "asgi", "http_version", "method", "scheme", "raw_path", "query_string")
    more = {name: scope[name] for name in (*names, "headers", "client", "server")}  # type: ignore[literal-required]
    staff = scope["state"].get("staff")
    return {**more, "path": _path(scope), "root_path": "/admin", "desk.staff": staff, "state": {}}


class _Desk(AuthenticationBackend):
    """Whom the guard let in is who piccolo-admin has before it."""

    async def authenticate(self, conn: HTTPConnection) -> tuple[AuthCredentials, User]:
        return AuthCredentials(["authenticated"]), User(user=conn.scope["desk.staff"])


def _piccolo() -> AdminRouter:
    # It takes most of a second, once: beside the loop, and not twice for two first requests.
    with _building:
        return _built()


@cache
def _built() -> AdminRouter:
    made: AdminRouter = create_admin(
        configured(),
        auth_table=Staff,
        read_only=True,
        auto_include_related=False,
        page_size=25,
        site_name="Holdfast",
        default_language_code="en",
        translations=[ENGLISH],
        sidebar_links={"The desk": "/holds", "Audit": "/audit"},
    )
    # Its proof against forged requests is a random cookie; ours is bound to the session.
    made.user_middleware.clear()
    for route in made.routes:
        if isinstance(inner := getattr(route, "app", None), AuthenticationMiddleware):
            inner.backend = _Desk()
    return made


@cache
def _page() -> str:
    """Its page in our looks, and with what our script must know before its own begins."""
    page = (Path(piccolo_admin.__file__).parent / "dist" / "index.html").read_text()
    edited = [shown for shown in TABLES if shown.fields]
    fields = " ".join(f"{shown.name}.{field}" for shown in edited for field in shown.fields)
    before = (
        f'<meta name="holdfast-edited" content="{" ".join(shown.name for shown in edited)}">'
        f'<meta name="holdfast-fields" content="{fields}">'
        f'<link rel="icon" type="image/svg+xml" href="{pages.asset("icon.svg")}">'
        f'<script src="{pages.asset("admin.js")}"></script>'
    )
    after = "".join(
        f'<link rel="stylesheet" href="{pages.asset(name)}">'
        for name in ("vendor/fonts.css", "tokens.css", "admin.css")
    )
    page = page.replace("<title>Piccolo Admin</title>", f"<title>Holdfast</title>{before}")
    return page.replace("</head>", f"{after}</head>")
