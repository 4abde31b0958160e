"""What no database of ours can keep is refused at the door, whichever page it was meant for."""

from typing import Any
from urllib.parse import parse_qsl

from litestar import Request
from litestar.enums import RequestEncodingType

from dashboard.bookings.errors import BadOrder

_FORMS = (RequestEncodingType.URL_ENCODED, RequestEncodingType.MULTI_PART)


async def refuse(request: Request[Any, Any, Any]) -> None:
    """Raise BadOrder for a NUL in the query or in a form: PostgreSQL stores none, SQLite does.

    JSON bodies are judged where they are read (`inputs.read`).
    """
    query = parse_qsl(request.scope["query_string"].decode("latin-1"), keep_blank_values=True)
    given: list[tuple[str, Any]] = [*query]
    if request.method == "POST" and request.content_type[0] in _FORMS:
        given += (await request.form()).multi_items()
    for name, value in given:
        if "\x00" in name or (isinstance(value, str) and "\x00" in value):
            raise BadOrder((name.replace("\x00", ""), "This has a character that can't be kept."))
