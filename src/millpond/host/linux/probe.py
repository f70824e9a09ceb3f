"""Whether this machine can run the linux driver; tried for real rather than guessed from versions."""

import sys
from pathlib import Path

import msgspec

from millpond.host.fabric import FabricError
from millpond.host.linux import rootless
from millpond.host.linux.namespaces import inside_new
from millpond.host.linux.programs import found, nft

_TRIAL = """
add table inet millpond
add set inet millpond sources { type ifname . ipv4_addr; }
add counter inet millpond counted
add map inet millpond counters { type ifname : counter; }
add chain inet millpond forward { type filter hook forward priority filter; policy drop; }
add rule inet millpond forward iifname . ip saddr != @sources counter name iifname map @counters drop
add rule inet millpond forward ct state established,related accept
"""


class Availability(msgspec.Struct, frozen=True, kw_only=True):
    """What was found."""

    works: bool
    why: str = ""
    """A sentence; empty when it works."""
    fix: str = ""


def available() -> Availability:
    """Look at programs and rights, then make a namespace with rules and let go of it: nothing remains."""
    if sys.platform != "linux":
        return Availability(works=False, why=f"This is {sys.platform}, not Linux.", fix="Use a Linux machine.")
    if rootless.is_needed():
        why, fix = rootless.missing()
        return Availability(
            works=False,
            why=why or "This ordinary user's namespaces could not be entered.",
            fix=fix or "Look into holder/log below the home, or start Millpond as root (sudo).",
        )
    missing = sorted({package for program, package in rootless.PACKAGES.items() if found(program) is None})
    if missing:
        return Availability(
            works=False,
            why=f"The programs of {' and '.join(missing)} are not installed.",
            fix=f"Install them: apt-get install {' '.join(missing)}",
        )
    if not Path("/proc/sys/net/ipv4").is_dir():
        return Availability(works=False, why="/proc is not mounted.", fix="Mount it: mount -t proc proc /proc")
    return _tried()


def _tried() -> Availability:
    try:
        inside_new(lambda: nft(_TRIAL))
    except FabricError as error:
        return Availability(
            works=False,
            why=f"The kernel does not let us: {error}",
            fix="In a container, give it CAP_NET_ADMIN and CAP_SYS_ADMIN; else the kernel needs network namespaces "
            "and nftables with connection tracking.",
        )
    return Availability(works=True)
