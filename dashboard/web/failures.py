"""Errors as people read them: a page with its own words and the request's name."""

from typing import Any
from urllib.parse import quote

from litestar import Request, Response
from litestar.response import Redirect
from litestar_htmx import HTMXDetails

from dashboard import clock, formats, settings
from dashboard.web import errors, security
from dashboard.web.pages import page_of_error

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


def answer(request: Request[Any, Any, Any], error: Exception) -> Response[Any]:
    """The answer to an exception: problem+json for programs, a page for people."""
    response = errors.answer(request, error)
    # For the audit, should this be a denial.
    request.state.refused_because = str(getattr(error, "detail", "") or error)
    if not _person(request):
        return response
    status = response.status_code or 500
    if status == 401 and request.method == "GET":
        return _to_sign_in(request)
    text = str((response.content or {}).get("detail", ""))
    heading = HEADINGS.get(status, "Something went wrong on our side")
    if isinstance(error, security.ForgedForm):
        heading = "This form is out of date"
    context = {
        "heading": heading,
        "text": text,
        "at": formats.moment(clock.now(), settings.current().zone),
    }
    return page_of_error(request, context, status)


def _person(request: Request[Any, Any, Any]) -> bool:
    htmx = request.headers.get("HX-Request") == "true"
    return htmx or "text/html" in request.headers.get("Accept", "")


def _to_sign_in(request: Request[Any, Any, Any]) -> Response[Any]:
    """To the sign-in page, and back afterwards; htmx is told to take the whole page there."""
    here = request.url.path
    if request.headers.get("HX-Request") == "true":
        current = HTMXDetails(request).current_url_abs_path or here
        return Response(
            "", status_code=401, headers={"HX-Redirect": _sign_in(current)}, media_type="text/html"
        )
    query = f"?{request.url.query}" if request.url.query else ""
    return Redirect(_sign_in(f"{here}{query}"), status_code=303)


def _sign_in(wanted: str) -> str:
    return f"/sign-in?next={quote(wanted, safe='/')}"
