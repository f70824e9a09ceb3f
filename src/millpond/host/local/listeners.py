"""Who listens on which port of this machine, from /proc/net, and whether a process may have its ports."""

import errno
import socket
import sys
from collections.abc import Iterator, Sequence
from ipaddress import IPv4Address, IPv6Address
from pathlib import Path

import msgspec

from millpond.host.local import proc
from millpond.host.spec import HostError

_LISTEN = "0A"
"""TCP_LISTEN as /proc/net/tcp writes it (proc_net(5))."""


class Listener(msgspec.Struct, frozen=True):
    """A listening TCP socket."""

    address: IPv4Address | IPv6Address
    """IPv4 when the socket serves IPv4 alone or was given a mapped address."""
    port: int
    inode: str

    def covers(self, address: IPv4Address) -> bool:
        """Whether it keeps others from listening at this address."""
        return self.address.is_unspecified or self.address == address


def listeners() -> Iterator[Listener]:
    """Every listening TCP socket of this thread's network namespace."""
    for table in ("tcp", "tcp6"):
        try:
            lines = (Path("/proc/thread-self/net") / table).read_text().splitlines()[1:]
        except FileNotFoundError:  # a kernel without IPv6
            continue
        for line in lines:
            fields = line.split()
            if fields[3] == _LISTEN:
                host, _, port = fields[1].partition(":")
                yield Listener(_address(host), int(port, 16), fields[9])


def check_ports(address: str, ports: Sequence[int]) -> None:
    """Raise HostError, naming the port and who has it, unless all of them can be listened on."""
    for port in ports:
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((address, port))
            except OSError as error:
                raise HostError(_refusal(address, port, error)) from error


def _refusal(address: str, port: int, error: OSError) -> str:
    match error.errno:
        case errno.EADDRINUSE:
            return f"Port {port} of {address} is taken{_holder(address, port)}: stop it, or choose another port."
        case errno.EACCES:
            return f"Port {port} of {address} is only for root: choose a port above 1023."
        case errno.EADDRNOTAVAIL:
            return f"{address} is not an address of this machine: is its loopback interface up?"
        case _:
            return f"Port {port} of {address} cannot be had: {error.strerror}."


def _holder(address: str, port: int) -> str:
    """Who listens there, as far as we may look."""
    for listener in listeners():
        if listener.port == port and listener.covers(IPv4Address(address)):
            where = f"listening on {listener.address}:{port}"
            for pid in proc.pids():
                if f"socket:[{listener.inode}]" in proc.open_files(pid):
                    return f" by {proc.command(pid)} (pid {pid}, {where})"
            return f" by a process of another user ({where})"
    return ""


def _address(text: str) -> IPv4Address | IPv6Address:
    """Read an address as the kernel prints it: 32-bit words in the machine's byte order."""
    words = (int(text[at : at + 8], 16).to_bytes(4, sys.byteorder) for at in range(0, len(text), 8))
    packed = b"".join(words)
    if len(packed) == 4:
        return IPv4Address(packed)
    address = IPv6Address(packed)
    return address.ipv4_mapped or address
