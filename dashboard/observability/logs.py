"""One shape for every log line of a process: for a person in a terminal, JSON otherwise.

A traceback never shows local variables: they hold bodies, cookies and keys.
"""

import logging
import sys
from typing import Any, TextIO

import structlog

from dashboard.observability.redaction import Redaction
from dashboard.settings import Settings

# These say at INFO what is either ours to say or would carry addresses with ids in them.
QUIET = ("httpx", "httpcore", "huey", "stripe", "asyncio", "aiosqlite", "piccolo", "uvicorn.access")


def configure(
    settings: Settings | None = None, level: int = logging.INFO, stream: TextIO | None = None
) -> None:
    """Send structlog's and the standard library's lines to `stream` (stderr) in one shape.

    The secrets of `settings` are blotted out wherever they should turn up.
    """
    out = stream or sys.stderr
    shared = _shared()
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
    )
    handler = logging.StreamHandler(out)
    handler.setFormatter(_formatter(shared, _endings(Redaction(settings), terminal=out.isatty())))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    for name in QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)


def configure_default() -> None:
    """What a process that configures nothing does: a script, a test, piccolo's own command.

    structlog's own default would print the local variables of every frame of an error.
    """
    structlog.configure(processors=[*_shared(), *_endings(Redaction(), terminal=True)])


def _shared() -> list[Any]:
    return [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]


def _endings(redaction: Redaction, *, terminal: bool) -> list[Any]:
    """Errors as plain text, then nothing secret, then one line."""
    text: list[Any] = [structlog.processors.format_exc_info, redaction]
    if not terminal:
        return [*text, structlog.processors.JSONRenderer()]
    plain = structlog.dev.plain_traceback
    return [*text, structlog.dev.ConsoleRenderer(exception_formatter=plain)]


def _formatter(shared: list[Any], endings: list[Any]) -> logging.Formatter:
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=shared,
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *endings],
    )
