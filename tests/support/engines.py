"""Real engine binaries for tests: those of the user's own cache, installed when they are missing."""

from functools import cache
from pathlib import Path

from millpond.config import default_engines
from millpond.engines.obtain import Obtainer
from millpond.engines.spec import Build
from millpond.kernel.clock import SystemClock


def engines_directory() -> Path:
    return default_engines()


@cache
def build(engine: str, version: str) -> Build:
    """A build of this version; EngineError, which fails the test, when it cannot be had."""
    return Obtainer(engines_directory(), clock=SystemClock()).install(engine, version)
