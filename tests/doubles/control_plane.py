"""`python -m tests.doubles.control_plane BEHAVIOUR up --ready-fd N --home DIR …`: a detached control plane that does as
it is told, for tests of the launching."""

import errno
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path

from millpond import config as configuration
from millpond.cli import launch
from millpond.config import Config
from millpond.operator.facts import RunFacts
from millpond.operator.spec import CannotStart
from tests.doubles import operator


async def plane(config: Config, *, ready: Callable[[RunFacts], None]) -> None:
    match sys.argv[1]:
        case "serves":
            await operator.plane(config, ready=ready)
        case "port-taken":
            raise OSError(errno.EADDRINUSE, "Address already in use")
        case "disk-full-in-a-group":
            raise ExceptionGroup("tasks", [OSError(errno.ENOSPC, "No space left on device")])
        case "refuses":
            raise CannotStart("No engine is installed; install one: millpond engines install valkey")
        case "dies":
            sys.stderr.write("something dreadful\n")
            sys.stderr.flush()
            os.kill(os.getpid(), signal.SIGKILL)


def option(name: str) -> str:
    return sys.argv[sys.argv.index(name) + 1]


if __name__ == "__main__":
    config = configuration.load(home=Path(option("--home")), listen=option("--listen"))
    launch.run_detached(config, int(option("--ready-fd")), plane=plane)
