"""The system calls that no instance makes: a filter for the kernel (seccomp(2)), as its program. Pure.

Instances share the machine's kernel. A user namespace's root may reach parts of it that know no namespaces, or that
have let people out before; those answer EPERM, as they would to a user without the capability. What instances are for
stays: mounts, namespaces and debuggers of their own.
"""

import platform
import struct
from collections.abc import Mapping, Sequence

_ALLOW, _ERRNO = 0x7FFF0000, 0x00050000
_EPERM, _ENOSYS = 1, 38
_LOAD, _EQUAL, _AT_LEAST, _RETURN = 0x20, 0x15, 0x35, 0x06
_NUMBER, _ARCHITECTURE, _FIRST, _SECOND = 0, 4, 16, 24
"""Offsets in struct seccomp_data; of an argument, its lower half on a little-endian machine."""
_X32 = 0x40000000
_VSOCK = 40
_TERMINAL_INPUT = (0x5412, 0x541C)
"""TIOCSTI and TIOCLINUX: they type on the terminal of whoever looked in."""

_DENIED = (
    "add_key", "request_key", "keyctl",  # keyrings belong to users, not to namespaces
    "bpf", "perf_event_open", "userfaultfd", "io_uring_setup", "io_uring_enter", "io_uring_register",
    "init_module", "finit_module", "delete_module", "kexec_load", "kexec_file_load",
    "open_by_handle_at", "fanotify_init", "lookup_dcookie", "quotactl", "quotactl_fd",  # past the root directory
    "syslog", "acct", "swapon", "swapoff", "reboot", "iopl", "ioperm",
)  # fmt: skip

_X86_64: Mapping[str, int] = {
    "add_key": 248, "request_key": 249, "keyctl": 250, "bpf": 321, "perf_event_open": 298, "userfaultfd": 323,
    "io_uring_setup": 425, "io_uring_enter": 426, "io_uring_register": 427, "init_module": 175, "finit_module": 313,
    "delete_module": 176, "kexec_load": 246, "kexec_file_load": 320, "open_by_handle_at": 304, "fanotify_init": 300,
    "lookup_dcookie": 212, "quotactl": 179, "quotactl_fd": 443, "syslog": 103, "acct": 163, "swapon": 167,
    "swapoff": 168, "reboot": 169, "iopl": 172, "ioperm": 173, "ioctl": 16, "socket": 41,
}  # fmt: skip
_AARCH64: Mapping[str, int] = {
    "add_key": 217, "request_key": 218, "keyctl": 219, "bpf": 280, "perf_event_open": 241, "userfaultfd": 282,
    "io_uring_setup": 425, "io_uring_enter": 426, "io_uring_register": 427, "init_module": 105, "finit_module": 273,
    "delete_module": 106, "kexec_load": 104, "kexec_file_load": 294, "open_by_handle_at": 265, "fanotify_init": 262,
    "lookup_dcookie": 18, "quotactl": 60, "quotactl_fd": 443, "syslog": 116, "acct": 89, "swapon": 224,
    "swapoff": 225, "reboot": 142, "ioctl": 29, "socket": 198,
}  # fmt: skip
_MACHINES = {"x86_64": (0xC000003E, _X86_64), "aarch64": (0xC00000B7, _AARCH64)}
"""The kernel's number of each machine (AUDIT_ARCH_…), and its numbers of system calls."""


def filter_program(machine: str = "") -> bytes:
    """The program for a machine (default: this one), eight octets an instruction; empty where instances are not made.

    Calls of the machine's other ABIs (32-bit, x32), which have other numbers, answer ENOSYS.
    """
    known = _MACHINES.get(machine or platform.machine())
    if known is None:
        return b""
    architecture, numbers = known
    foreign, refused, allowed = (
        _does(_RETURN, _ERRNO | _ENOSYS),
        _does(_RETURN, _ERRNO | _EPERM),
        _does(_RETURN, _ALLOW),
    )
    program = [_does(_LOAD, _ARCHITECTURE), _does(_EQUAL, architecture, yes=1), foreign, _does(_LOAD, _NUMBER)]
    if numbers is _X86_64:
        program += [_does(_AT_LEAST, _X32, no=1), foreign]
    for name in _DENIED:
        if name in numbers:
            program += [_does(_EQUAL, numbers[name], no=1), refused]
    for name, argument, values in (("ioctl", _SECOND, _TERMINAL_INPUT), ("socket", _FIRST, (_VSOCK,))):
        asked = [_does(_LOAD, argument)]
        for value in values:
            asked += [_does(_EQUAL, value, no=1), refused]
        program += [_does(_EQUAL, numbers[name], no=len(asked) + 1), *asked, allowed]
    return b"".join([*program, allowed])


def denied(machine: str = "") -> Sequence[int]:
    """The numbers of the calls that are refused whatever they ask."""
    _, numbers = _MACHINES[machine or platform.machine()]
    return [numbers[each] for each in _DENIED if each in numbers]


def _does(code: int, value: int, *, yes: int = 0, no: int = 0) -> bytes:
    """One instruction (struct sock_filter), with how many to skip."""
    return struct.pack("<HBBI", code, yes, no, value)
