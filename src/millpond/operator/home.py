"""Who runs in a home: the lock that the control plane holds, the record it leaves, the socket it listens on.

The lock is the truth (the kernel drops it when its holder dies, however it dies); the record only says who and where.
"""

import fcntl
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from millpond.config import Config
from millpond.operator.facts import RunFacts, RunRecord
from millpond.operator.spec import CannotStart

_SUN_PATH = 107
"""Octets of a unix socket's path, without the closing zero (unix(7))."""


class AlreadyRunning(Exception):  # noqa: N818 - it is an answer
    """Another control plane holds the home."""


def lock_file(config: Config) -> Path:
    return config.home / "lock"


def run_file(config: Config) -> Path:
    return config.home / "run.json"


def prepare(config: Config) -> None:
    """Make the home, for its owner only. CannotStart when that cannot be."""
    try:
        config.home.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock_file(config).touch(mode=0o600)
    except OSError as error:
        raise CannotStart(
            f"The home {config.home} cannot be used ({error.strerror}); choose another: millpond up --home DIR"
        ) from error


@contextmanager
def held(config: Config) -> Iterator[None]:
    """Hold the home for as long as the block runs.

    Raises AlreadyRunning when another process holds it, CannotStart when the home cannot be used.
    """
    prepare(config)
    descriptor = os.open(lock_file(config), os.O_RDWR | os.O_CLOEXEC)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise AlreadyRunning(str(config.home)) from error
        yield
    finally:
        os.close(descriptor)


def is_held(config: Config) -> bool:
    """Whether a control plane lives in the home, answering or not."""
    try:
        descriptor = os.open(lock_file(config), os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


def write_record(config: Config, facts: RunFacts) -> None:
    """Say that this process runs here."""
    pid = os.getpid()
    record = RunRecord(
        pid=pid,
        started=start_time(pid) or 0,
        boot=_boot_id(),
        endpoint=facts.endpoint,
        version=facts.version,
        driver=facts.driver,
    )
    replace_private(run_file(config), msgspec.json.encode(record))


def last_record(config: Config) -> RunRecord | None:
    """The record of the last control plane that was not brought down with its caches, living or dead."""
    try:
        return msgspec.json.decode(run_file(config).read_bytes(), type=RunRecord)
    except (OSError, msgspec.DecodeError):
        return None


def forget(config: Config) -> None:
    """Everything was brought down: nothing of it runs any more."""
    run_file(config).unlink(missing_ok=True)


def read_record(config: Config) -> RunRecord | None:
    """The record of a process that still lives; None when there is none, or it is another process by now."""
    record = last_record(config)
    if record is None or record.boot != _boot_id() or record.started != start_time(record.pid):
        return None
    return record


def start_time(pid: int) -> int | None:
    """When a process started, in clock ticks since boot (proc(5), field 22); None when there is no such process."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace")
    except OSError:
        return None
    return int(stat.rpartition(")")[2].split()[19])


def _boot_id() -> str:
    return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()


def replace_private(path: Path, content: bytes) -> None:
    """Write a file for its owner only, whole or not at all."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)


@contextmanager
def _reachable(path: Path) -> Iterator[str]:
    """A name for a socket that fits `sun_path` however long the path is: through a descriptor of its directory."""
    if len(os.fsencode(path)) <= _SUN_PATH:
        yield str(path)
        return
    directory = os.open(path.parent, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield f"/proc/self/fd/{directory}/{path.name}"
    finally:
        os.close(directory)


def bind(path: Path) -> socket.socket:
    """A bound unix socket that only its owner can open; replaces one left behind by a dead process."""
    path.unlink(missing_ok=True)
    server = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        # The mode of the descriptor becomes the mode of the file: no moment in which others could connect.
        os.fchmod(server.fileno(), 0o600)
        with _reachable(path) as name:
            server.bind(name)
    except OSError:
        server.close()
        raise
    return server


def remove_socket(path: Path) -> None:
    path.unlink(missing_ok=True)


def connect(path: Path, *, seconds: float) -> socket.socket:
    """A connection to the control plane's socket. OSError when nobody listens."""
    client = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        client.settimeout(seconds)
        with _reachable(path) as name:
            client.connect(name)
    except OSError:
        client.close()
        raise
    return client
