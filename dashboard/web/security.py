"""Who may come in: guards, the token against forged forms, and the headers of every answer."""

import hmac
import secrets
from collections.abc import Awaitable, Callable
from hashlib import sha256
from typing import Any

from litestar.connection import ASGIConnection, Request
from litestar.datastructures import Cookie, MutableScopeHeaders
from litestar.exceptions import NotAuthorizedException, PermissionDeniedException
from litestar.handlers import BaseRouteHandler
from litestar.types import Message, Scope

from dashboard import settings
from dashboard.payments.actors import Actor
from dashboard.staff import auth
from dashboard.staff.tables import Staff, reaches
from dashboard.web import typed

Connection = ASGIConnection[Any, Any, Any, Any]
Guard = Callable[[Connection, BaseRouteHandler], Awaitable[None]]
SAFE_METHODS = ("GET", "HEAD", "OPTIONS")
CSRF_HEADER = "X-CSRF-Token"
CSRF_FIELD = "_csrf"
# A page's script marks its looks with it: they are nobody's click.
LOOK_HEADER = "X-Look"
SESSION_SECONDS = int(auth.ABSOLUTE_LIMIT.total_seconds())

PAGE_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "font-src 'self'",
        "img-src 'self' data:",
        "connect-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
)


class SignInNeeded(NotAuthorizedException):
    """Nobody is signed in, or the session or the token is worth nothing any more."""

    detail = "Sign in, or send a valid token."


class NotForThisRole(PermissionDeniedException):
    """Somebody is signed in whose role, or whose token's scope, does not reach this far."""


class ForgedForm(PermissionDeniedException):
    """A cookie came along, but not the proof that one of our own pages made the request."""

    detail = "This form is too old, or was not made by this site. Load the page again."


def secure() -> bool:
    """Whether people reach us by https; cookies and headers are stricter then."""
    return settings.current().base_url.startswith("https://")


def session_cookie_name() -> str:
    return "__Host-holdfast_session" if secure() else "holdfast_session"


def csrf_cookie_name() -> str:
    return "__Host-holdfast_csrf" if secure() else "holdfast_csrf"


def session_cookie(token: str) -> Cookie:
    """The cookie of a signed-in browser; an empty token takes it away."""
    age = SESSION_SECONDS if token else 0
    return _cookie(session_cookie_name(), token, age, httponly=True)


def csrf_cookie(value: str) -> Cookie:
    """The cookie that a form's own field or header is compared with. Scripts may read it."""
    return _cookie(csrf_cookie_name(), value, SESSION_SECONDS, httponly=False)


def _cookie(name: str, value: str, max_age: int, *, httponly: bool) -> Cookie:
    return Cookie(
        key=name,
        value=value,
        max_age=max_age,
        path="/",
        httponly=httponly,
        secure=secure(),
        samesite="lax",
    )


def csrf_token(session_token: str) -> str:
    """The proof for forms of this session: nobody can make it without the key and the session."""
    key = settings.current().secret_key.encode()
    return hmac.new(key, b"csrf:" + session_token.encode(), sha256).hexdigest()


def proof(connection: Connection) -> str:
    """The proof for forms of the session that this browser has."""
    return csrf_token(connection.cookies.get(session_cookie_name(), ""))


def visitor_token(connection: Connection) -> str:
    """The proof for forms of somebody who has not signed in: the value of their own cookie."""
    return connection.cookies.get(csrf_cookie_name()) or secrets.token_hex(32)


def masked(token: str) -> str:
    """The proof as a page carries it, never twice the same.

    Pages are compressed together with what people type, and by the length of such answers a secret
    could be guessed letter by letter.
    """
    plain = token.encode()
    pad = secrets.token_bytes(len(plain))
    return (pad + _mixed(pad, plain)).hex()


def _unmasked(given: str) -> bytes:
    try:
        both = bytes.fromhex(given)
    except ValueError:
        return b""
    half, odd = divmod(len(both), 2)
    return b"" if odd else _mixed(both[:half], both[half:])


def _mixed(pad: bytes, text: bytes) -> bytes:
    return bytes(one ^ other for one, other in zip(pad, text, strict=True))


async def check_form(request: Request[Any, Any, Any], expected: str) -> None:
    """Raise ForgedForm unless the request carries the expected proof, as a header or a field."""
    given = request.headers.get(CSRF_HEADER)
    if given is None:
        given = str((await request.form()).get(CSRF_FIELD, ""))
    proofs = (given.encode(), _unmasked(given))
    if not expected or not any(hmac.compare_digest(one, expected.encode()) for one in proofs):
        raise ForgedForm


def guard(role: str = "viewer", scope: str | None = None) -> Guard:
    """Let in staff with at least this role, and programs whose token has this scope.

    Leaves `actor` (and for staff `staff` and `csrf`) in the connection's state. A request that a
    cookie authenticates must prove its origin when it may change something.
    """

    async def check(connection: Connection, _: BaseRouteHandler) -> None:
        token = _bearer(connection)
        if token is not None:
            await _enter_by_token(connection, token, scope)
        else:
            await _enter_by_session(connection, role)

    return check


def _bearer(connection: Connection) -> str | None:
    kind, _, token = connection.headers.get("Authorization", "").partition(" ")
    return token.strip() if kind.lower() == "bearer" else None


async def _enter_by_token(connection: Connection, token: str, scope: str | None) -> None:
    found = await auth.check_token(token)
    if found is None:
        raise SignInNeeded
    # Also known when it is turned away: the audit keeps who that was.
    connection.state.actor = Actor(found.name, "api", None)
    if scope is None or scope not in found.scopes.split(","):
        raise NotForThisRole("This token's scopes do not reach this far.")
    connection.state.staff = None


def only_looks(connection: Connection) -> bool:
    """Whether an open page asks by itself what is new. Nobody is at it, so no session lives longer
    by it, and nothing leads elsewhere."""
    return LOOK_HEADER in connection.headers


async def _enter_by_session(connection: Connection, role: str) -> None:
    token = connection.cookies.get(session_cookie_name(), "")
    form = None
    if isinstance(connection, Request) and connection.method not in SAFE_METHODS:
        form = connection
    if form is not None:
        # Before anything can fail: what was typed is given back whatever happens.
        await typed.remember(form)
    staff = await auth.session_staff(token, not only_looks(connection)) if token else None
    if staff is None:
        raise SignInNeeded
    connection.state.actor = Actor(staff.name or staff.email, "staff", staff.id)
    if form is not None:
        await check_form(form, csrf_token(token))
    if not reaches(staff, role):
        raise NotForThisRole(f"Your role is {staff.role}; this needs {role}.")
    connection.state.staff = staff
    connection.state.csrf = csrf_token(token)


def is_finance(staff: Staff | None) -> bool:
    """Whether money may be given back without a limit; a program is never more than support."""
    return staff is not None and reaches(staff, "finance")


def request_id(connection: Connection) -> str:
    """The name of this request, for error pages, answers and the log alike."""
    return _request_id(connection.scope)


def _request_id(scope: Scope) -> str:
    found: str = scope["state"].setdefault("request_id", secrets.token_hex(6))
    return found


async def add_headers(message: Message, scope: Scope) -> None:
    """A `before_send` hook: it reaches every answer, errors and mounted applications included."""
    if message["type"] != "http.response.start":
        return
    headers = MutableScopeHeaders.from_message(message)
    headers.setdefault("Content-Security-Policy", PAGE_POLICY)
    headers.setdefault("X-Content-Type-Options", "nosniff")
    headers.setdefault("X-Frame-Options", "DENY")
    headers.setdefault("Referrer-Policy", "same-origin")
    headers.setdefault("Cross-Origin-Opener-Policy", "same-origin")
    headers.setdefault("Permissions-Policy", "camera=(), microphone=(), geolocation=()")
    headers["X-Request-Id"] = _request_id(scope)
    for name, value in scope["state"].get("rate_headers", {}).items():
        headers[name] = value
    if secure():
        headers.setdefault("Strict-Transport-Security", "max-age=63072000; includeSubDomains")
    if scope["state"].get("staff") is not None:
        # What a signed-in person saw must not come out of a shared machine's cache.
        headers.setdefault("Cache-Control", "private, no-store")
