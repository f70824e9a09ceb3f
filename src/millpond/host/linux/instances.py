"""Instances as processes of this machine: what `pod.py` is started with. Pure, but for reading its own two modules."""

import sys
from collections.abc import Mapping, Sequence
from importlib.resources import files
from pathlib import Path, PurePosixPath
from shlex import quote

import msgspec

from millpond.host.instance import InstanceSpec
from millpond.host.linux.image import SHIFT, USER, USERS, Image
from millpond.host.linux.seccomp import filter_program
from millpond.host.linux.user_data import read_user_data
from millpond.host.spec import File, Place, ProcessSpec

DISK = "disk"
_HALTED = "halted"
_TOOLS = PurePosixPath("/opt/millpond")
_FILE = "instance.json"
_JOIN = 'while [ "$1" != -- ]; do echo $$ >"$1/cgroup.procs"; shift; done; shift; exec "$@"'
_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def launcher() -> tuple[str, ...]:
    """How every instance is started, and nothing else."""
    return (*_pod(), _FILE)


def is_instance(spec: ProcessSpec) -> bool:
    """Whether this is the process of an instance, which lays its root with all of root's power."""
    return tuple(spec.argv) == launcher()


def process_of(spec: InstanceSpec, *, image: Image, place: Place, cgroups: Sequence[Path]) -> ProcessSpec:
    """The process that is this instance."""
    binds, commands = _tools(spec.tools)
    if image.kind == "host":
        binds = {**_own_programs(), **binds}
    user_data = read_user_data(spec.user_data)
    told = {
        "id": spec.id,
        "incarnation": spec.incarnation,
        "halted": str(place.directory / _HALTED),
        "hostname": spec.hostname,
        "address": spec.address,
        "resolver": spec.resolver,
        "authorized_keys": list(spec.authorized_keys),
        "scripts": user_data.scripts,
        "left_out": user_data.left_out,
        "authority": spec.authority,
        "environment": dict(spec.environment),
        "commands": commands,
        "binds": binds,
        "image": str(image.root),
        "disk": str(place.directory / DISK),
        "cgroups": [str(each) for each in cgroups],
        "filter": filter_program().hex(),
        "shift": SHIFT,
        "users": USERS,
        "boot": (files("millpond.host.linux") / "boot.py").read_text(encoding="utf-8"),
    }
    return ProcessSpec(
        name=spec.name,
        incarnation=spec.incarnation,
        argv=launcher(),
        address=spec.address,
        ports=(),
        files=(File(path=_FILE, content=msgspec.json.encode(told).decode()),),
        interface=spec.interface,
        volume=DISK,
    )


def halted_incarnation(place: Place) -> int | None:
    """The newest incarnation that its own users shut down, as its outermost process wrote down; None: none yet."""
    try:
        return int((place.directory / _HALTED).read_text(encoding="ascii"))
    except (FileNotFoundError, NotADirectoryError):
        return None


def _pod() -> tuple[str, ...]:
    return sys.executable, "-I", "-S", str(files("millpond.host.linux") / "pod.py")


def first_process(pid: int) -> int | None:
    """The first process inside an instance, by the pid of its process; None before it is there and after."""
    middle = _only_child(pid)
    return None if middle is None else _only_child(middle)


def inside_instance(first: int, argv: Sequence[str], *, cgroups: Sequence[Path]) -> Sequence[str]:
    """What root runs to run `argv` as ec2-user in every namespace of an instance (nsenter(1)), and in its groups."""
    script = 'cd; . /etc/millpond/environment; exec "$@"'
    variables = (f"HOME=/home/{USER}", f"USER={USER}", f"PATH={_PATH}", "LANG=C.UTF-8", "TERM=xterm-256color")
    enter = ("nsenter", "--target", str(first), "--all", "--setuid", "1000", "--setgid", "1000")
    joined = ("sh", "-c", _JOIN, "sh", *(str(each) for each in cgroups), "--")
    confined = (*_pod(), "--confined", filter_program().hex())
    return (*joined, *confined, *enter, "env", "-i", *variables, "sh", "-c", script, "sh", *argv)


def _only_child(pid: int) -> int | None:
    try:
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()
    except OSError:
        return None
    return int(children[0]) if children else None


def _tools(tools: Mapping[str, Path]) -> tuple[dict[str, str], dict[str, str]]:
    """Where directories of programs are laid, and the commands that run them with their own libraries."""
    binds: dict[str, str] = {}
    commands: dict[str, str] = {}
    for command, program in tools.items():
        home = program.parent.parent
        inside = _TOOLS / home.name
        binds[str(inside)] = str(home)
        loader = sorted((home / "lib").glob("ld-linux*"))
        run = str(inside / "bin" / program.name)
        if loader:
            run = f"{inside}/lib/{loader[0].name} --library-path {inside}/lib {run}"
        commands[command] = f'#!/bin/sh\nexec {" ".join(quote(part) for part in run.split())} "$@"\n'
    return binds, commands


def _own_programs() -> dict[str, str]:
    """The machine's programs: /usr, and beside it what is not a link into it."""
    beside = [name for name in ("bin", "sbin", "lib", "lib64") if not Path(f"/{name}").is_symlink()]
    return {f"/{name}": f"/{name}" for name in ("usr", *beside) if Path(f"/{name}").is_dir()}
