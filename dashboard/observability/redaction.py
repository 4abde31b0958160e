"""The second lock on the log: what must never be read there is blotted out of every line.

The first lock is that nobody puts it in. This one is for the text of an exception that nobody
wrote here: a driver's, a library's.
"""

import re
from collections.abc import Iterable, MutableMapping
from typing import Any
from urllib.parse import unquote, urlsplit

from dashboard.settings import Settings

BLOT = "[hidden]"
# Shorter ones would blot out half of the language.
SHORTEST = 6
_PATTERNS = tuple(
    re.compile(pattern)
    for pattern in (
        # Stripe's keys, and what a browser confirms a payment with.
        r"\b(?:sk|rk|pk)_(?:test|live)_\w+",
        r"\bwhsec_\w+",
        r"\b(?:pi|seti)_\w+_secret_\w+",
        # What opens a student's page, and what opens somebody's calendar.
        r"(?<=/pay/)(?!\{)[^\s/?#\"']+",
        r"(?<=/calendar/feeds/)(?!\{)[^\s/?#\"']+",
        # The userinfo of an address, as in postgresql://name:password@host.
        r"(?<=://)[^/\s@:]*:[^/\s@]+(?=@)",
        r"(?i)\bbearer\s+\S+",
        # A card's number, with or without its blanks; an instant or an id has other neighbours.
        r"(?<![\w.-])\d(?:[ -]?\d){12,18}(?![\w.-])",
        # The person behind an address is no affair of whoever reads logs.
        r"[\w.+%-]+@[\w-]+(?:\.[\w-]+)+",
    )
)


class Redaction:
    """A processor of structlog: blots out the secrets of `settings`, and what looks like one."""

    def __init__(self, settings: Settings | None = None) -> None:
        known = sorted(_secrets(settings), key=len, reverse=True) if settings else []
        words = [re.escape(secret) for secret in known]
        self._patterns = (*([re.compile("|".join(words))] if words else []), *_PATTERNS)

    def __call__(
        self, logger: Any, method: str, line: MutableMapping[str, Any]
    ) -> MutableMapping[str, Any]:
        """The line, with every text in it cleaned."""
        for name, value in line.items():
            # The time and the level are made here.
            if name not in ("timestamp", "level"):
                line[name] = self._cleaned(value)
        return line

    def _cleaned(self, value: Any) -> Any:
        if value is None or isinstance(value, bool | int | float):
            return value
        if isinstance(value, dict):
            return {key: self._cleaned(one) for key, one in value.items()}
        if isinstance(value, list | tuple):
            return [self._cleaned(one) for one in value]
        return self.text(str(value))

    def text(self, text: str) -> str:
        """The text without its secrets."""
        for pattern in self._patterns:
            text = pattern.sub(BLOT, text)
        return text


def _secrets(settings: Settings) -> Iterable[str]:
    known = [
        settings.stripe_api_key,
        settings.secret_key,
        settings.metrics_token or "",
        *settings.webhook_secrets,
    ]
    for address in (settings.database_url, settings.redis_url, settings.smtp_url):
        password = urlsplit(address).password if address else None
        known += [password, unquote(password)] if password else []
    return {secret for secret in known if len(secret) >= SHORTEST}
