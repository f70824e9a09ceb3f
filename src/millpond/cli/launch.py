"""Starting a control plane: in this process until it is stopped, or detached and reported about through a pipe."""

import asyncio
import contextlib
import errno
import gc
import os
import select
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TextIO, cast

import msgspec

from millpond import config as configuration
from millpond.cli.failure import Failure
from millpond.config import Config
from millpond.kernel.waiting import poll
from millpond.operator import home
from millpond.operator.facts import RunFacts
from millpond.operator.spec import CannotStart, ControlPlane

_PATIENCE = 120.0
_LARGEST_LOG = 20 * 1024 * 1024
_TAIL = 8


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """What a detached control plane says to the one who started it, once, before it goes on alone."""

    facts: RunFacts | None = None
    failure: str = ""
    already_running: bool = False


def run(
    config: Config,
    *,
    announce: Callable[[RunFacts], None],
    interrupted: Callable[[], None] | None = None,
    plane: ControlPlane | None = None,
) -> None:
    """Be the control plane of this home until SIGTERM, SIGINT or `down`. `announce` is called once the API answers.

    `interrupted` asks for `down`, caches and all: what the first SIGINT means, where it does not mean to end at once.
    Raises Failure when it cannot start, home.AlreadyRunning when another one runs here.
    """
    try:
        with home.held(config), _logging(config):
            asyncio.run(_until_stopped(plane or _control_plane(config), config, announce, interrupted))
    except CannotStart as refusal:
        raise Failure(str(refusal)) from refusal
    except OSError as error:
        raise Failure(explained(config, error)) from error
    except BaseExceptionGroup as group:
        if (reason := _reason(config, group)) is None:
            raise
        raise Failure(reason) from group


def detached(config: Config, *, command: list[str] | None = None) -> Report:
    """Start a control plane in the background and return when it answers, refuses, or found another one here.

    `command` is the program to run, with its first arguments; the options of `up` are put after it. Raises Failure
    when it ends without a word: its last log lines say why.
    """
    try:
        home.prepare(config)
        log = os.open(config.log_file, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except CannotStart as refusal:
        raise Failure(str(refusal)) from refusal
    except OSError as error:
        raise Failure(explained(config, error)) from error
    before = os.fstat(log).st_size
    ours, theirs = os.pipe()
    os.set_inheritable(theirs, True)
    argv = [*(command or [sys.executable, "-P", "-m", "millpond"]), "up", "--ready-fd", str(theirs)]
    argv += ["--home", str(config.home), "--listen", config.listen, "--driver", config.driver]
    argv.append("--host-access" if config.host_access else "--no-host-access")
    null = os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC)
    try:
        pid = os.posix_spawn(
            argv[0],
            argv,
            configuration.environment(),
            file_actions=[(os.POSIX_SPAWN_DUP2, null, 0), *((os.POSIX_SPAWN_DUP2, log, fd) for fd in (1, 2))],
            setsid=True,
        )
    finally:
        for descriptor in (null, log, theirs):
            os.close(descriptor)
    said = _read_until_closed(ours, seconds=_PATIENCE)
    if said is None:
        raise Failure(
            f"Millpond has not answered within {_PATIENCE:.0f} s and goes on starting; look: millpond logs -f"
        )
    if not said:
        os.waitpid(pid, 0)
        raise Failure(
            f"Millpond did not start; the end of {config.log_file} says why. Look also: millpond doctor",
            details=_tail(config, before),
        )
    report = msgspec.json.decode(said, type=Report)
    if report.facts is None:
        os.waitpid(pid, 0)
    return report


def run_detached(config: Config, ready_fd: int, *, plane: ControlPlane | None = None) -> None:
    """The other end of `detached`: be the control plane and report through the inherited descriptor."""
    os.set_inheritable(ready_fd, False)
    os.chdir("/")
    with os.fdopen(ready_fd, "wb") as pipe:

        def report(said: Report) -> None:
            # Whoever started this may have been interrupted meanwhile; the control plane goes on.
            with contextlib.suppress(BrokenPipeError):
                pipe.write(msgspec.json.encode(said))
                pipe.flush()
            with contextlib.suppress(BrokenPipeError):
                pipe.close()

        try:
            run(config, announce=lambda facts: report(Report(facts=facts)), plane=plane)
        except home.AlreadyRunning:
            report(Report(already_running=True))
        except Failure as failure:
            if pipe.closed:
                raise
            report(Report(failure=failure.message))
            raise SystemExit(1) from failure


def ended(config: Config, *, seconds: float) -> bool:
    """Wait until nobody holds the home; True when that came to pass."""
    return poll(lambda: None if home.is_held(config) else True, seconds=seconds) is not None


def terminate(config: Config) -> bool:
    """Send SIGTERM to the control plane by its record; False when there is none to send it to."""
    record = home.read_record(config)
    if record is None:
        return False
    with contextlib.suppress(ProcessLookupError):
        os.kill(record.pid, signal.SIGTERM)
    return True


def explained(config: Config, error: OSError) -> str:
    """An operating system's error in a sentence that names the fix."""
    match error.errno:
        case errno.EADDRINUSE:
            return f"{config.listen} is taken by another program; choose another: millpond up --listen 127.0.0.1:0"
        case errno.EADDRNOTAVAIL:
            return f"{config.listen} is not an address of this machine; choose one: millpond up --listen 127.0.0.1:8421"
        case errno.ENOSPC | errno.EDQUOT:
            return f"The disk of {config.home} is full; make room, or choose another home: millpond up --home DIR"
        case errno.EACCES | errno.EPERM | errno.EROFS:
            what = error.filename or config.listen
            return (
                f"{what} may not be used ({error.strerror}); choose another: millpond up --home DIR --listen ADDR:PORT"
            )
        case _:
            return f"{error.strerror or error}: {error.filename or config.home}"


async def _until_stopped(
    plane: ControlPlane,
    config: Config,
    announce: Callable[[RunFacts], None],
    interrupted: Callable[[], None] | None,
) -> None:
    """Run the control plane; a signal cancels it, which it takes as an order to end well and leave the engines."""
    brought_down = False

    def ready(facts: RunFacts) -> None:
        home.write_record(config, facts)
        announce(facts)

    def interrupt() -> None:
        nonlocal brought_down
        loop.add_signal_handler(signal.SIGINT, running.cancel)
        if interrupted is None:
            running.cancel()
        else:
            brought_down = True
            interrupted()

    loop = asyncio.get_running_loop()
    running = asyncio.ensure_future(plane(config, ready=ready))
    loop.add_signal_handler(signal.SIGTERM, running.cancel)
    loop.add_signal_handler(signal.SIGINT, interrupt)
    try:
        await running
    except asyncio.CancelledError:
        return
    if brought_down:
        home.forget(config)


def _control_plane(config: Config) -> ControlPlane:
    # What is imported never becomes garbage: to look for it there would take a tenth of the start, and time ever after.
    gc.disable()
    from millpond import app  # noqa: PLC0415 - everything heavy hangs on it; only the control plane pays

    gc.freeze()
    gc.enable()
    app.enter_networks(config)
    return app.run


@contextlib.contextmanager
def _logging(config: Config) -> Iterator[None]:
    """Append events to the home's log; a log that has grown large is put aside, once."""
    from millpond.kernel import log  # noqa: PLC0415 - only the control plane logs

    file = config.log_file
    if file.exists() and file.stat().st_size > _LARGEST_LOG:
        file.replace(file.with_name(file.name + ".1"))
    with _private_append(file) as stream:
        log.configure(stream)
        yield


def _private_append(file: Path) -> TextIO:
    descriptor = os.open(file, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
    return cast("TextIO", os.fdopen(descriptor, "a", buffering=1, encoding="utf-8"))


def _reason(config: Config, group: BaseExceptionGroup[BaseException]) -> str | None:
    """The first cause in a group that has words for people."""
    for error in group.exceptions:
        match error:
            case CannotStart():
                return str(error)
            case OSError():
                return explained(config, error)
            case BaseExceptionGroup():
                if (reason := _reason(config, error)) is not None:
                    return reason
            case _:
                continue
    return None


def _read_until_closed(descriptor: int, *, seconds: float) -> bytes | None:
    """Everything written before the other end was closed; None when it is still open after `seconds`."""
    said = b""
    with os.fdopen(descriptor, "rb", buffering=0) as pipe:
        while select.select([pipe], [], [], seconds)[0]:
            piece = pipe.read(65536)
            if not piece:
                return said
            said += piece
    return None


def _tail(config: Config, start: int) -> list[str]:
    """The last lines that this start wrote to the log."""
    with contextlib.suppress(OSError), config.log_file.open("rb") as file:
        file.seek(start)
        return file.read()[-4000:].decode("utf-8", "replace").splitlines()[-_TAIL:]
    return []
