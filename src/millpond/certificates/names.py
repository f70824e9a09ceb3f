"""What a server on this machine is called by those who reach it."""

import socket
from contextlib import suppress
from ipaddress import ip_address

_ANYWHERE = ("192.0.2.1", 9)
"""TEST-NET-1 (RFC 5737): routed like any far address, and nothing is sent there."""


def server_names(listen_address: str) -> tuple[str, ...]:
    """Names and addresses for the certificate of a server that listens there: `0.0.0.0` means all of the machine's."""
    found = {"localhost", "127.0.0.1", "::1"}
    try:
        wildcard = ip_address(listen_address).is_unspecified
    except ValueError:
        wildcard = False
    if wildcard:
        found |= _of_this_machine()
    else:
        found.add(listen_address.lower())
    return tuple(sorted(found))


def _of_this_machine() -> set[str]:
    host = socket.gethostname().lower()
    found = {host} if host else set()
    with suppress(OSError):
        found |= {str(each[4][0]).partition("%")[0] for each in socket.getaddrinfo(host, None)}
    with suppress(OSError), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.connect(_ANYWHERE)
        found.add(probe.getsockname()[0])
    return found
