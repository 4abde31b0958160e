"""One shape for every log line of a process: for a person in a terminal, JSON otherwise."""

import logging
import sys
from typing import Any

import structlog

# These say at INFO what is either ours to say or would carry addresses with ids in them.
QUIET = ("httpx", "httpcore", "huey", "stripe", "asyncio", "aiosqlite", "piccolo", "uvicorn.access")


def configure(level: int = logging.INFO) -> None:
    """Send structlog's and the standard library's lines to stderr in one shape."""
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_formatter(shared))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    for name in QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)


def _formatter(shared: list[Any]) -> logging.Formatter:
    terminal = sys.stderr.isatty()
    rendered: list[Any] = (
        [structlog.dev.ConsoleRenderer()]
        if terminal
        else [structlog.processors.format_exc_info, structlog.processors.JSONRenderer()]
    )
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=shared,
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *rendered],
    )
