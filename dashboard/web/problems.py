"""Errors as programs read them: application/problem+json (RFC 9457)."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from litestar import Response

MEDIA_TYPE = "application/problem+json"


def problem(
    status: int,
    title: str = "",
    detail: str = "",
    members: Mapping[str, Any] | None = None,
    headers: Mapping[str, str] | None = None,
) -> Response[Any]:
    """An answer that tells what went wrong; `members` are further ones, such as `errors`."""
    title = title or HTTPStatus(status).phrase
    told = {"type": "about:blank", "title": title, "status": status, "detail": detail}
    body = {**told, **(members or {})}
    return Response(
        body, status_code=status, media_type=MEDIA_TYPE, headers=dict(headers) if headers else None
    )
