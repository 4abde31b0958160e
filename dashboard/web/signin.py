"""Signing in and out, and the choice of light or dark."""

from typing import Any

from litestar import Response, get, post
from litestar.datastructures import Cookie
from litestar.response import Redirect
from litestar_htmx import HTMXRequest, HTMXTemplate

from dashboard.payments.actors import Actor
from dashboard.staff import attempts, auth
from dashboard.staff.tables import Staff
from dashboard.web import security
from dashboard.web.limits import SIGN_IN, limit
from dashboard.web.pages import THEMES, page

HOME = "/holds"
_NO_MATCH = "E-mail and password don't match an account."
YEAR = 365 * 24 * 3600


@get("/sign-in")
async def form(request: HTMXRequest) -> HTMXTemplate:
    """The form; whoever is signed in may sign in again as somebody else."""
    return await _form(request, request.query_params.get("next", ""))


@post("/sign-in", guards=[limit(SIGN_IN)])
async def sign_in(request: HTMXRequest) -> Response[Any]:
    """Check e-mail and password; a new session each time, the old one ends."""
    await security.check_form(request, request.cookies.get(security.csrf_cookie_name(), ""))
    given = {name: str(value) for name, value in (await request.form()).items()}
    email, wanted = given.get("email", ""), given.get("next", "")
    address = request.client.host if request.client else ""
    request.state.tried = email
    try:
        staff = await auth.authenticate(email, given.get("password", ""), address)
    except auth.SignInRefused:
        return await _form(request, wanted, email, _NO_MATCH, 422)
    except attempts.Throttled as error:
        wait = "a minute" if error.minutes == 1 else f"{error.minutes} minutes"
        said = f"Too many attempts. Wait {wait}, then try again."
        answer = await _form(request, wanted, email, said, 429)
        answer.headers["Retry-After"] = str(error.seconds)
        return answer
    return await _enter(request, staff, wanted)


async def _enter(request: HTMXRequest, staff: Staff, wanted: str) -> Redirect:
    """A fresh session in place of the browser's old one, and on to the wanted page."""
    old = request.cookies.get(security.session_cookie_name())
    token = await auth.open_session(staff, replaces=old)
    request.state.actor = Actor(staff.name or staff.email, "staff", staff.id)
    cookies = [
        security.session_cookie(token),
        security.csrf_cookie(security.csrf_token(token)),
    ]
    return Redirect(safe(wanted), status_code=303, cookies=cookies)


@post("/sign-out", guards=[security.guard()])
async def sign_out(request: HTMXRequest) -> Redirect:
    """End the session here and in the database."""
    await auth.end_session(request.cookies.get(security.session_cookie_name(), ""))
    gone = [security.session_cookie(""), security.csrf_cookie("")]
    return Redirect("/sign-in", status_code=303, cookies=gone)


@post("/theme")
async def choose_theme(request: HTMXRequest) -> Redirect:
    """Keep the choice of light or dark; it is no secret and moves nothing, so nobody need prove."""
    given = await request.form()
    theme = str(given.get("theme", ""))
    chosen = theme if theme in THEMES else "system"
    cookie = Cookie(key="holdfast_theme", value=chosen, max_age=YEAR, path="/", samesite="lax")
    return Redirect(safe(str(given.get("back", ""))), status_code=303, cookies=[cookie])


async def _form(
    request: HTMXRequest, wanted: str, email: str = "", error: str = "", status: int = 200
) -> HTMXTemplate:
    token = security.visitor_token(request)
    context = {
        "wanted": wanted,
        "email": email,
        "error": error,
        "csrf": security.masked(token),
        "staff": None,
    }
    answer = await page(request, "sign_in.html", context, status)
    answer.set_cookie(security.csrf_cookie(token))
    return answer


def safe(wanted: str) -> str:
    """An address on this site, or the queue: nobody is sent elsewhere by a crafted link."""
    # Browsers take a backslash for a slash, and leave out what can't be seen.
    inside = wanted.startswith("/") and not wanted.startswith("//")
    clean = wanted.isprintable() and "\\" not in wanted
    return wanted if inside and clean else HOME


handlers = [form, sign_in, sign_out, choose_theme]
