"""Whether a process specification can be carried out safely at all; the same answer from every driver.

A name or path that left its directory would let one cache write over another, so it is refused here, once.
"""

import re
from ipaddress import AddressValueError, IPv4Address
from pathlib import PurePosixPath

from millpond.host.spec import HostError, ProcessSpec

RESERVED = frozenset({"log", "log.1", "lock", "process.json", "process.run", "socket"})
"""Names in a process's directory that are the driver's own."""

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9.-]{0,199}")
_VOLUME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


def check_name(name: str) -> None:
    """Raise HostError for a name that could not be a directory of its own."""
    if not _NAME.fullmatch(name):
        raise HostError(f"A process cannot be named {name!r}: letters, digits, dots and hyphens only.")


def check_spec(spec: ProcessSpec) -> None:
    """Raise HostError for what no driver may do."""
    check_name(spec.name)
    if not _VOLUME.fullmatch(spec.volume) or spec.volume in RESERVED:
        raise HostError(f"A volume cannot be named {spec.volume!r}.")
    if not spec.argv or not spec.argv[0].startswith("/"):
        raise HostError(f"The program of {spec.name} must be an absolute path, not {spec.argv[:1]!r}.")
    try:
        IPv4Address(spec.address)
    except AddressValueError as error:
        raise HostError(f"{spec.address!r} is not an IPv4 address.") from error
    for file in spec.files:
        parts = PurePosixPath(file.path).parts
        if not parts or file.path.startswith("/") or ".." in parts or "\0" in file.path:
            raise HostError(f"{file.path!r} is not a path below the process's directory.")
        if parts[0] in RESERVED or parts[0] == spec.volume:
            raise HostError(f"{file.path!r} is a name that the host keeps for itself.")
