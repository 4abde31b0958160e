"""What browsers keep: a file that is named by its content for ever, a font for a week."""

from functools import cache

from litestar.datastructures import MutableScopeHeaders
from litestar.types import Message, Scope

from dashboard.web.pages import STATIC, asset

FOREVER = "public, max-age=31536000, immutable"
# Fonts are named in a style sheet of others, without a hash. One that is a week old is as good.
WEEK = "public, max-age=604800"
PREFIX = "/static/"


async def add_header(message: Message, scope: Scope) -> None:
    """A `before_send` hook for the files under /static."""
    if message["type"] != "http.response.start" or not scope["path"].startswith(PREFIX):
        return
    headers = MutableScopeHeaders.from_message(message)
    if message["status"] == 200:
        headers["Cache-Control"] = _kept(scope["path"].removeprefix(PREFIX), scope)


def _kept(name: str, scope: Scope) -> str:
    if name not in _files():
        return "no-cache"
    # By what this process has: while a release is put in place, another one may have made the page.
    asked = f"{PREFIX}{name}?{scope['query_string'].decode('latin-1')}"
    if asked == asset(name):
        return FOREVER
    return WEEK if name.endswith(".woff2") else "no-cache"


@cache
def _files() -> frozenset[str]:
    return frozenset(str(path.relative_to(STATIC)) for path in STATIC.rglob("*") if path.is_file())
