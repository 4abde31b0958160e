"""Errors as people read them: a page with its own words, what was typed, and the request's name."""

from typing import Any
from urllib.parse import quote

from litestar import Request, Response
from litestar.response import Redirect
from litestar_htmx import HTMXDetails

from dashboard import clock, formats, settings
from dashboard.web import errors, security
from dashboard.web.pages import page_of_error
from dashboard.web.typed import Sent, same_site

HEADINGS = {
    400: "That request can’t be read",
    401: "You are not signed in any more",
    403: "This isn’t for your role",
    404: "There is nothing here",
    405: "That isn’t possible here",
    409: "That isn’t possible now",
    413: "That is too large",
    422: "That can’t be taken as it is",
    429: "Too many requests",
    503: "Out of reach for the moment",
}
_FORGED = "This form is out of date"
_SIGNED_OUT = (
    "Your session has ended, and nothing was done. Sign in in another tab, then come back."
)
# The form was right and may be sent once more as it is: it can't happen twice.
_AGAIN = (401, 429, 500, 503)
# The dialog's own place for what went wrong, and the page's.
_IN_DIALOG, _ON_PAGE = "#dialog-trouble", "#trouble"


def answer(request: Request[Any, Any, Any], error: Exception) -> Response[Any]:
    """The answer to an exception: problem+json for programs, a page for people."""
    response = errors.answer(request, error)
    # For the audit, should this be a denial.
    request.state.refused_because = str(getattr(error, "detail", "") or error)
    if not _person(request):
        return response
    status = response.status_code or 500
    if status == 401 and request.method == "GET" and not _htmx(request):
        return _to_sign_in(request)
    forged = isinstance(error, security.ForgedForm)
    page = page_of_error(request, _context(request, response, status, forged), status)
    page.headers.update(_merged(request, forged))
    return page


def _context(
    request: Request[Any, Any, Any], response: Response[Any], status: int, forged: bool
) -> dict[str, Any]:
    text = str((response.content or {}).get("detail", ""))
    # Our own page made it: it may go again with the proof of the session that there is by then.
    sent: Sent | None = request.state.get("sent")
    if forged and sent is not None:
        text = "It was made before you signed in again. Look at it, then send it."
    return {
        "heading": _FORGED if forged else HEADINGS.get(status, "Something went wrong on our side"),
        "text": _SIGNED_OUT if status == 401 else text,
        "at": formats.moment(clock.now(), settings.current().zone),
        "signed_out": status == 401,
        "sign_in": _sign_in(_here(request)),
        "sent": sent if forged or status in _AGAIN else None,
        "csrf": security.proof(request) if sent else request.state.get("csrf", ""),
    }


def _merged(request: Request[Any, Any, Any], forged: bool) -> dict[str, str]:
    """For htmx: the error goes to its own place, and the page and its forms stay as they are."""
    if not _htmx(request):
        return {}
    dialog = request.headers.get("HX-Target") in ("dialog-body", "dialog-trouble")
    headers = {
        "HX-Retarget": _IN_DIALOG if dialog else _ON_PAGE,
        "HX-Reswap": "innerHTML",
        "HX-Reselect": ".failure",
    }
    if forged and same_site(request):
        headers[security.CSRF_HEADER] = security.proof(request)
    return headers


def _htmx(request: Request[Any, Any, Any]) -> bool:
    return request.headers.get("HX-Request") == "true"


def _person(request: Request[Any, Any, Any]) -> bool:
    return _htmx(request) or "text/html" in request.headers.get("Accept", "")


def _here(request: Request[Any, Any, Any]) -> str:
    """The page that the person has open."""
    if _htmx(request):
        return HTMXDetails(request).current_url_abs_path or "/holds"
    return request.url.path if request.method == "GET" else "/holds"


def _to_sign_in(request: Request[Any, Any, Any]) -> Response[Any]:
    """To the sign-in page, and back afterwards."""
    query = f"?{request.url.query}" if request.url.query else ""
    return Redirect(_sign_in(f"{request.url.path}{query}"), status_code=303)


def _sign_in(wanted: str) -> str:
    return f"/sign-in?next={quote(wanted, safe='/')}"
