"""Networks for an ordinary user: the control plane enters namespaces where this user is root, and a holder keeps them.

Only users and mounts are other ones inside: files stay this user's, and the control plane stays in the machine's
network, where its API listens. What needs root's power over networks is done in namespaces that belong to us
(user_namespaces(7)). `holder.py` is the program that keeps them; this module finds, starts and ends it.
"""

import os
import select
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from importlib.resources import files
from pathlib import Path

import msgspec

from millpond.host.fabric import FabricError
from millpond.host.linux.holder import enter
from millpond.host.linux.programs import found
from millpond.host.local import LocalHost
from millpond.host.local.files import read_small
from millpond.host.local.locks import lock
from millpond.host.local.proc import Identity, is_alive

PACKAGES: Mapping[str, str] = {"ip": "iproute2", "nft": "nftables", "setpriv": "util-linux"}
_SECONDS = 20.0
_LOOKS = 100
_APPARMOR = Path("/proc/sys/kernel/apparmor_restrict_unprivileged_userns")
_DEBIAN = Path("/proc/sys/kernel/unprivileged_userns_clone")
_LIMIT = Path("/proc/sys/user/max_user_namespaces")


class Door(msgspec.Struct, frozen=True, kw_only=True):
    """A way from this machine's loopback to a cache, through the leg of its VPC."""

    address: str
    port: int
    through: str
    """The name of the leg's namespace."""
    to: tuple[str, int]


def is_needed() -> bool:
    """Whether this user has networks only by a namespace of users."""
    return os.geteuid() != 0


def missing() -> tuple[str, str]:
    """What keeps an ordinary user of this machine from networks, and what would change that; both empty: nothing."""
    absent = sorted({package for program, package in PACKAGES.items() if found(program) is None})
    if absent:
        return (
            f"The programs of {' and '.join(absent)} are not installed.",
            f"Install them: apt-get install {' '.join(absent)}",
        )
    if _value(_LIMIT) == "0":
        return "User namespaces are switched off (user.max_user_namespaces).", _set("user.max_user_namespaces=10000")
    if _value(_DEBIAN) == "0":
        return (
            "Only root may make user namespaces (kernel.unprivileged_userns_clone).",
            _set("kernel.unprivileged_userns_clone=1"),
        )
    tried = _tried()
    if not tried:
        return "", ""
    if _value(_APPARMOR) == "1":
        return (
            "AppArmor lets ordinary users make no user namespaces with power (as Ubuntu does since 23.10).",
            _set("kernel.apparmor_restrict_unprivileged_userns=0"),
        )
    return f"The kernel does not let an ordinary user: {tried}", "Start Millpond as root (sudo)."


def enter_if_needed(home: Path) -> str:
    """Enter this installation's namespaces, where only they give this user networks and the kernel allows them.

    For a process of one thread. What went wrong, for people; empty when nothing did.
    """
    holder = Holder(home)
    if not is_needed() or (not holder.lives() and any(missing())):
        return ""
    try:
        holder.enter()
    except (FabricError, OSError) as error:
        return str(error)
    return ""


class Holder:
    """The holder of one installation."""

    def __init__(self, home: Path) -> None:
        self._home = home
        self.directory = home / "holder"

    def enter(self) -> None:
        """Enter its namespaces, starting it if it does not live. For a process of one thread. FabricError, why not."""
        self.ensure(inside=False)
        identity = self._identity()
        if identity is None:
            raise FabricError(f"The holder of networks ended at once; look: {self.directory / 'log'}")
        try:
            enter(identity.pid)
        except OSError as error:
            raise FabricError(f"The holder's namespaces cannot be entered: {error.strerror}.") from error

    def ensure(self, *, inside: bool = True) -> None:
        """Let it live. `inside`: we are in its namespaces. FabricError when it cannot be started."""
        self.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        if self._is_there():
            return
        how = ("here",) if inside else self._where()
        with (self.directory / "log").open("wb") as log:
            process = subprocess.Popen(  # noqa: S603 - our own program beside this one
                (sys.executable, "-I", "-S", str(files("millpond.host.linux") / "holder.py"), self.directory, *how),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=log,
                cwd="/",
                start_new_session=True,
            )
        assert process.stdout is not None
        with process.stdout:
            ready = select.select([process.stdout], [], [], _SECONDS)[0]
            said = process.stdout.read().decode(errors="replace") if ready else "it does not answer"
        if said not in {"ready", "held"}:
            process.kill()
            process.wait()
            raise FabricError(f"Networks cannot be held: {said or 'its log says why'} ({self.directory / 'log'}).")
        if said == "held":
            process.wait()
        # It outlives this object, and is reaped by whoever adopts it; without this, Popen would warn that it runs on.
        process.returncode = 0

    def open(self, doors: Sequence[Door]) -> Mapping[str, str]:
        """Let exactly these doors stand. By ADDRESS:PORT, why some could not. FabricError without a holder."""
        descriptor = os.open(self.directory, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as asking:
                asking.settimeout(_SECONDS)
                asking.connect(f"/proc/self/fd/{descriptor}/holder.sock")  # whose own path may be too long
                asking.sendall(msgspec.json.encode(doors) + b"\n")
                with asking.makefile("rb") as answer:
                    return msgspec.json.decode(answer.read(), type=dict[str, str])
        except (OSError, msgspec.DecodeError) as error:
            raise FabricError(f"The holder of networks does not answer: {error}.") from error
        finally:
            os.close(descriptor)

    def end(self) -> None:
        """End it, and with it the namespaces, once nobody else lives in them."""
        identity = self._identity()
        if identity is not None:
            with suppress(ProcessLookupError):
                descriptor = os.pidfd_open(identity.pid)
                try:
                    signal.pidfd_send_signal(descriptor, signal.SIGTERM)
                    if not select.select([descriptor], [], [], _SECONDS)[0]:
                        signal.pidfd_send_signal(descriptor, signal.SIGKILL)
                finally:
                    os.close(descriptor)
        for name in ("holder.sock", "holder.json"):
            (self.directory / name).unlink(missing_ok=True)

    def lives(self) -> bool:
        """Whether there is one."""
        return self._identity() is not None

    def _is_there(self) -> bool:
        """By its lock, which the kernel drops with it; one that is about to begin is waited for."""
        if self._identity() is not None:
            return True
        descriptor = os.open(self.directory / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            # Free now or soon: whoever has it is on its way to write who it is, or to its end.
            for _ in range(_LOOKS):
                if lock(descriptor, tries=20):
                    return False
                if self._identity() is not None:
                    return True
        finally:
            os.close(descriptor)
        raise FabricError(f"{self.directory / 'lock'} is held by a process that does nothing: look with fuser.")

    def _identity(self) -> Identity | None:
        try:
            said = msgspec.json.decode(read_small(self.directory / "holder.json") or b"", type=Identity)
        except msgspec.DecodeError:
            return None
        return said if is_alive(said) else None

    def _where(self) -> tuple[str, ...]:
        """In new namespaces, or in those of a node that outlived the holder."""
        own = Path("/proc/self/ns/user").stat()
        for identity in LocalHost.running(self._home):
            with suppress(OSError):
                if not os.path.samestat(Path(f"/proc/{identity.pid}/ns/user").stat(), own):
                    return "join", str(identity.pid)
        return ("new",)


def _tried() -> str:
    """Make namespaces of users and networks and let go of them; what went wrong, empty when nothing did."""
    trial = "ip link add name t0 type veth peer name t1 && nft add table inet millpond"
    wrapped = ("unshare", "--user", "--map-root-user", "--net", "--mount", "sh", "-c", trial)
    try:
        run = subprocess.run(  # noqa: S603 - a list of ours
            wrapped, capture_output=True, check=False, timeout=_SECONDS, cwd="/", env={"PATH": _PATH, "LC_ALL": "C"}
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"{error}."
    said = " ".join(run.stderr.decode(errors="replace").split())
    return (said or f"status {run.returncode}")[:300] if run.returncode else ""


def _value(path: Path) -> str:
    try:
        return path.read_text(encoding="ascii").strip()
    except OSError:
        return ""


def _set(what: str) -> str:
    return f"As root: sysctl -w {what}; or start Millpond as root (sudo)."


_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
