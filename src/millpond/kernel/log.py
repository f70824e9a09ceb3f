"""Logs are events: `noun.verb` in the past tense with keys bound to them, one line each, secrets never."""

import contextlib
import logging
import sys
from typing import Any, TextIO, cast

import structlog

Logger = Any  # structlog binds lazily; its loggers have no useful static type


def configure(stream: TextIO | None = None) -> None:
    """Send events as JSON lines to `stream` (standard error when not given). What cannot be written is lost."""
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.WriteLoggerFactory(file=cast("TextIO", _Unfailing(stream or sys.stderr))),
        cache_logger_on_first_use=False,
    )


def get(name: str) -> Logger:
    """Return the logger of a module; `name` is bound as `logger`."""
    return structlog.get_logger().bind(logger=name)


class _Unfailing:
    """A stream that never raises: an event for which the disk has no room must not undo what it tells of."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> None:
        with contextlib.suppress(OSError):
            self._stream.write(text)

    def flush(self) -> None:
        with contextlib.suppress(OSError):
            self._stream.flush()
