"""Logs are events: `noun.verb` in the past tense with keys bound to them, one line each, secrets never."""

import logging
import sys
from typing import Any, TextIO

import structlog

Logger = Any  # structlog binds lazily; its loggers have no useful static type


def configure(stream: TextIO | None = None) -> None:
    """Send events as JSON lines to `stream` (standard error when not given)."""
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.WriteLoggerFactory(file=stream or sys.stderr),
        cache_logger_on_first_use=False,
    )


def get(name: str) -> Logger:
    """Return the logger of a module; `name` is bound as `logger`."""
    return structlog.get_logger().bind(logger=name)
