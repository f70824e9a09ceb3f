"""The outermost process of an instance: lays its root, makes its namespaces, then waits beside it. Run by itself.

    python -I -S pod.py instance.json
    python -I -S pod.py --confined FILTER COMMAND…    (whoever looks in from outside, with the same filter)

It runs as root of the machine, in the network namespace of the instance's interface. Inside goes a user namespace whose
root is nobody on the machine, and which does not own the network namespace: no power that it can gain there reaches
links, addresses or rules. `boot.py` is the first process inside. Standard library only: nothing else is in its path.

Everything below the instance's root may have been laid there by the instance, so no path in it is followed by name.
"""

import contextlib
import ctypes
import json
import os
import platform
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

_LIBC = ctypes.CDLL(None, use_errno=True)
_NEWNS, _NEWCGROUP, _NEWUTS, _NEWIPC, _NEWUSER, _NEWPID = (
    0x00020000, 0x02000000, 0x04000000, 0x08000000, 0x10000000, 0x20000000,
)  # fmt: skip
_RDONLY, _NOSUID, _NODEV, _NOEXEC, _REMOUNT, _BIND, _REC, _PRIVATE = 1, 2, 4, 8, 32, 4096, 16384, 1 << 18
_DETACH = 2
_PDEATHSIG = 1
_SECCOMP, _FILTER = 22, 2
_PIVOT_ROOT = {"x86_64": 155, "aarch64": 41}
_NODES = ("null", "zero", "full", "random", "urandom", "tty")


def main() -> None:
    """Be the instance until it ends."""
    if sys.argv[1] == "--confined":
        _confine(sys.argv[2])
        os.execvp(sys.argv[3], sys.argv[3:])  # noqa: S606 - what root asked for
    spec = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    os.umask(0o022)  # what is made for an instance is made for its users
    for group in spec["cgroups"]:
        Path(group, "cgroup.procs").write_text(str(os.getpid()), encoding="ascii")
    # What `boot.py` imports may be anywhere on the machine, even where only its root may look: so now, not inside.
    boot: dict[str, Any] = {"__name__": "boot"}
    exec(compile(spec["boot"], "boot.py", "exec"), boot)  # noqa: S102 - our own module beside this one
    _unshare(_NEWNS)
    _mount("none", "/", None, _REC | _PRIVATE)
    os.chdir(_laid_root(spec))
    ready, told = os.pipe(), os.pipe()
    middle = os.fork()
    if middle == 0:
        os.close(ready[0])
        os.close(told[1])
        _be_inside(spec, boot, ready[1], told[0])
    os.close(ready[1])
    os.close(told[0])
    ends: list[int] = []  # what was told from out here to end
    signal.signal(signal.SIGTERM, lambda *_: _end(middle, ends))
    os.read(ready[0], 1)
    for name in ("uid_map", "gid_map"):
        Path(f"/proc/{middle}/{name}").write_text(f"0 {spec['shift']} {spec['users']}\n", encoding="ascii")
    os.write(told[1], b"m")
    _, status = os.waitpid(middle, 0)
    if status == 0 and not ends:
        _record_halt(spec)
    sys.exit(os.waitstatus_to_exitcode(status) & 0xFF)


def _record_halt(spec: dict[str, Any]) -> None:
    """Write down that the instance ended in good order and nobody out here asked it to: there may be no one to tell."""
    at = Path(spec["halted"])
    new = at.with_name(f"{at.name}.new")
    with new.open("w", encoding="ascii") as file:
        file.write(str(spec["incarnation"]))
        file.flush()
        os.fsync(file.fileno())
    new.replace(at)
    directory = os.open(at.parent, os.O_RDONLY | os.O_DIRECTORY)
    os.fsync(directory)
    os.close(directory)


def _laid_root(spec: dict[str, Any]) -> str:
    """Lay disk over image, with devices and tools; where it is mounted, for this mount namespace alone."""
    disk, shift = spec["disk"], spec["shift"]
    root = f"{disk}/root"
    for name in ("upper", "work", "root"):
        with contextlib.suppress(FileExistsError):
            Path(disk, name).mkdir()
            os.chown(f"{disk}/{name}", shift, shift)
    layers = {"lowerdir": spec["image"], "upperdir": f"{disk}/upper", "workdir": f"{disk}/work"}
    options = ",".join(f"{name}={_escaped(path)}" for name, path in layers.items())
    _mount("overlay", root, "overlay", _NODEV, options)
    with _directory(root, "dev") as dev:
        _mount("tmpfs", dev, "tmpfs", _NOSUID | _NOEXEC, f"mode=755,size=64k,uid={shift},gid={shift}")
    with _directory(root, "dev") as dev:
        for name in _NODES:
            os.close(os.open(f"{dev}/{name}", os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666))
            _mount(f"/dev/{name}", f"{dev}/{name}", None, _BIND)
        for name, target in (("fd", "/proc/self/fd"), ("ptmx", "pts/ptmx"), ("stdin", "fd/0"), ("stdout", "fd/1")):
            Path(dev, name).symlink_to(target)
        for name in ("pts", "shm"):
            Path(dev, name).mkdir()
            os.chown(f"{dev}/{name}", shift, shift)
    for where, source in spec["binds"].items():
        with _directory(root, *where.strip("/").split("/"), owner=shift) as target:
            _mount(source, target, None, _BIND | _REC)
        with _directory(root, *where.strip("/").split("/")) as target:
            _mount("none", target, None, _REMOUNT | _BIND | _RDONLY | _NOSUID | _NODEV)
    return root


@contextlib.contextmanager
def _directory(root: str, *parts: str, owner: int | None = None) -> Iterator[str]:
    """A directory below the root, without following links, made when missing; as a path that is that very directory."""
    at = os.open(root, os.O_PATH | os.O_DIRECTORY)
    try:
        for part in parts:
            if owner is not None:
                with contextlib.suppress(FileExistsError):
                    os.mkdir(part, 0o755, dir_fd=at)
                    os.chown(part, owner, owner, dir_fd=at, follow_symlinks=False)
            inner = os.open(part, os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=at)
            os.close(at)
            at = inner
        yield f"/proc/self/fd/{at}"
    finally:
        os.close(at)


def _be_inside(spec: dict[str, Any], boot: dict[str, Any], ready: int, told: int) -> None:
    """The process between: enters the user namespace, starts the first process inside, ends with it."""
    _unshare(_NEWUSER)
    os.write(ready, b"u")
    if os.read(told, 1) != b"m":
        os._exit(1)
    os.setgroups([])
    os.setresgid(0, 0, 0)
    os.setresuid(0, 0, 0)
    _die_with_parent()
    _unshare(_NEWNS | _NEWPID | _NEWUTS | _NEWIPC | _NEWCGROUP)
    first = os.fork()
    if first == 0:
        try:
            _die_with_parent()
            _enter_root(spec)
            _become_first_process()
            _confine(spec["filter"])
            boot["main"](spec)
        except (OSError, ImportError) as error:
            sys.stderr.write(f"millpond: the instance cannot start: {error}\n")
            sys.stderr.flush()
        finally:
            os._exit(1)
    signal.signal(signal.SIGTERM, lambda *_: _pass_on(first))
    _, status = os.waitpid(first, 0)
    os._exit(os.waitstatus_to_exitcode(status) & 0xFF)


def _enter_root(spec: dict[str, Any]) -> None:
    """Make the working directory, which is the laid root, the root."""
    _mount("none", "/", None, _REC | _PRIVATE)
    # A mount that came from the machine is locked in place; a bind of it is ours to pivot to. /tmp is only a place.
    _mount(".", "/tmp", None, _BIND | _REC)  # noqa: S108
    os.chdir("/tmp")  # noqa: S108
    # While the machine's own /proc can still be seen: the kernel shows no more in a new one (mount_namespaces(7)).
    _mount("proc", "proc", "proc", _NOSUID | _NODEV | _NOEXEC)
    _mount("tmpfs", "run", "tmpfs", _NOSUID | _NODEV, "mode=755,size=32m")
    _mount("tmpfs", "dev/shm", "tmpfs", _NOSUID | _NODEV, "mode=1777,size=64m")
    _mount("devpts", "dev/pts", "devpts", _NOSUID | _NOEXEC, "newinstance,ptmxmode=0666,mode=620,gid=5")
    number = _PIVOT_ROOT.get(platform.machine())
    if number is None:
        raise OSError(0, f"instances are not made for {platform.machine()}")
    _checked(_LIBC.syscall(number, b".", b"."), "pivot_root")
    _checked(_LIBC.umount2(b".", _DETACH), "leave the machine's root")
    os.chdir("/")
    hostname = spec["hostname"].encode()
    _checked(_LIBC.sethostname(hostname, len(hostname)), "set the host name")


def _become_first_process() -> None:
    """Keep nothing that was opened or set outside."""
    os.closerange(3, min(1 << 16, os.sysconf("SC_OPEN_MAX")))
    signal.signal(signal.SIGTERM, signal.SIG_DFL)


class _Program(ctypes.Structure):
    """The kernel's struct sock_fprog."""

    _fields_ = (("length", ctypes.c_ushort), ("instructions", ctypes.c_char_p))


def _confine(program: str) -> None:
    """Let the kernel refuse what the filter (`seccomp.py`, in hexadecimal) refuses, to this process and all below."""
    code = bytes.fromhex(program)
    told = _Program(len(code) // 8, code)
    _checked(_LIBC.prctl(_SECCOMP, _FILTER, ctypes.byref(told), 0, 0), "filter its system calls")


def _end(pid: int, ends: list[int]) -> None:
    ends.append(pid)
    _pass_on(pid)


def _pass_on(pid: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGTERM)


def _die_with_parent() -> None:
    _checked(_LIBC.prctl(_PDEATHSIG, signal.SIGKILL, 0, 0, 0), "bind its life to its parent's")


def _escaped(path: str) -> str:
    return "".join(f"\\{letter}" if letter in "\\,:" else letter for letter in path)


def _unshare(flags: int) -> None:
    _checked(_LIBC.unshare(flags), "make namespaces")


def _mount(source: str, target: str, kind: str | None, flags: int, options: str = "") -> None:
    done = _LIBC.mount(
        source.encode(), target.encode(), kind and kind.encode(), ctypes.c_ulong(flags), options.encode()
    )
    _checked(done, f"mount {kind or source} at {target}")


def _checked(result: int, what: str) -> None:
    if result:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")


if __name__ == "__main__":
    main()
