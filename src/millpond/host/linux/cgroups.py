"""Limits of instances by control groups, of either version, where this machine lets us (cgroups(7))."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

import msgspec

from millpond.host.instance import Limits

_ROOT = Path("/sys/fs/cgroup")
_PERIOD = 100_000
"""Microseconds."""
_CONTROLLERS = ("memory", "cpu", "pids")


class Held(msgspec.Struct, frozen=True, kw_only=True):
    """The groups of one instance."""

    groups: Sequence[Path]
    missing: Sequence[str]
    """What it is not held to here."""


def held(tag: str, name: str, limits: Limits | None) -> Held:
    """Make the groups of an instance with its limits. What the machine cannot do is told, and is no failure."""
    if limits is None:
        return Held(groups=(), missing=())
    unified = _unified()
    groups: list[Path] = []
    missing: list[str] = []
    for controller in _CONTROLLERS:
        group = (unified or _ROOT / controller) / f"millpond-{tag}" / name
        try:
            if unified is None and not (_ROOT / controller / "cgroup.procs").exists():
                raise FileNotFoundError(controller)
            group.mkdir(parents=True, exist_ok=True)
            if unified is not None:
                _enable(unified, group.parent)
            for file, value in _settings(controller, limits, unified=unified is not None).items():
                (group / file).write_text(value)
        except OSError:
            missing.append(controller)
        if group.is_dir() and group not in groups:
            groups.append(group)
    return Held(groups=groups, missing=missing)


def existing(tag: str, name: str) -> Sequence[Path]:
    """The groups that an instance has."""
    return [group for root in _roots() if (group := root / f"millpond-{tag}" / name).is_dir()]


def release(tag: str, name: str) -> None:
    """Take an instance's groups away; those in which something runs stay."""
    for root in _roots():
        group = root / f"millpond-{tag}" / name
        with suppress(OSError):
            group.rmdir()
        with suppress(OSError):
            group.parent.rmdir()


def release_all(tag: str) -> None:
    """Take every group of an installation away in which nothing runs."""
    for root in _roots():
        with suppress(OSError):
            for group in list((root / f"millpond-{tag}").iterdir()):
                if group.is_dir():
                    release(tag, group.name)


def _roots() -> Sequence[Path]:
    unified = _unified()
    return [unified] if unified is not None else [_ROOT / controller for controller in _CONTROLLERS]


def _unified() -> Path | None:
    """The root of version 2 if it has the controllers; a mixed machine has them in version 1."""
    try:
        offered = (_ROOT / "cgroup.controllers").read_text().split()
    except OSError:
        return None
    return _ROOT if set(_CONTROLLERS) <= set(offered) else None


def _enable(unified: Path, parent: Path) -> None:
    wanted = " ".join(f"+{controller}" for controller in _CONTROLLERS)
    for group in (unified, parent):
        (group / "cgroup.subtree_control").write_text(wanted)


def _settings(controller: str, limits: Limits, *, unified: bool) -> Mapping[str, str]:
    quota, memory = int(limits.cpus * _PERIOD), limits.memory_mib << 20
    match controller, unified:
        case "memory", True:
            return {"memory.max": str(memory)}
        case "memory", False:
            return {"memory.limit_in_bytes": str(memory)}
        case "cpu", True:
            return {"cpu.max": f"{quota} {_PERIOD}"}
        case "cpu", False:
            return {"cpu.cfs_period_us": str(_PERIOD), "cpu.cfs_quota_us": str(quota)}
        case _:
            return {"pids.max": str(limits.processes)}
