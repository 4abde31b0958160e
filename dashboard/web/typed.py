"""What somebody sent is not lost when it can't be taken: a page of an error gives it back."""

from dataclasses import dataclass
from typing import Any

from litestar import Request
from litestar.enums import RequestEncodingType

from dashboard import settings

_FORMS = (RequestEncodingType.URL_ENCODED, RequestEncodingType.MULTI_PART)
# What people type or choose, as our forms call it. Everything else goes along unseen.
_NAMES = {
    "amount": "Amount",
    "body": "Text",
    "note": "Note",
    "q": "Search",
    "reason": "Reason",
    "subject": "Subject",
    "until": "Until",
}
_NEVER = ("_csrf", "password")


@dataclass(frozen=True, slots=True)
class Sent:
    """A form as it arrived: its fields, and those that a person would miss, by their names."""

    action: str
    fields: list[tuple[str, str]]
    shown: list[tuple[str, str]]


async def remember(request: Request[Any, Any, Any]) -> None:
    """Keep a form of one of our own pages for the page of an error, should there be one.

    Another site's form is not kept: our page would offer to send it in its name.
    """
    if request.content_type[0] not in _FORMS or not same_site(request):
        return
    fields = [
        (name, value)
        for name, value in (await request.form()).multi_items()
        if isinstance(value, str) and name not in _NEVER
    ]
    shown = [(_NAMES[name], value) for name, value in fields if name in _NAMES and value.strip()]
    request.state.sent = Sent(request.url.path, fields, shown)


def same_site(request: Request[Any, Any, Any]) -> bool:
    """Whether a browser swears that one of our own pages made the request."""
    origin = request.headers.get("Origin", "")
    ours = (settings.current().base_url.rstrip("/"), str(request.base_url).rstrip("/"))
    return request.headers.get("Sec-Fetch-Site") == "same-origin" or origin in ours
