"""Asks name servers and the system's resolver, to find out what programs on this machine would be told."""

import socket
from collections.abc import Sequence
from ipaddress import ip_address
from pathlib import Path

import dns.exception
import dns.message
import dns.rdatatype

Server = tuple[str, int]
"""Address and port of a name server."""

_PATIENCE = 0.3


def system_addresses(name: str) -> tuple[str, ...]:
    """IPv4 addresses that any program would get for the name; none when it does not resolve. May take seconds."""
    try:
        found = socket.getaddrinfo(name, None, socket.AF_INET, socket.SOCK_STREAM)
    except OSError:
        return ()
    return tuple(str(each[4][0]) for each in found)


def configured_servers(resolv_conf: Path = Path("/etc/resolv.conf")) -> tuple[Server, ...]:
    """The machine's name servers (resolv.conf(5): the first three count)."""
    try:
        lines = resolv_conf.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return ()
    words = [line.split() for line in lines]
    return tuple((each[1], 53) for each in words if len(each) > 1 and each[0] == "nameserver")[:3]


def ask(name: str, servers: Sequence[Server], *, seconds: float = _PATIENCE) -> tuple[str, ...]:
    """The A records of the first server that has some; none when all say no or are silent for so long together."""
    query = dns.message.make_query(name, dns.rdatatype.A)
    packet = query.to_wire()
    asked = [each for each in (_send(packet, server) for server in servers) if each is not None]
    try:
        for each in asked:
            each.settimeout(seconds / len(asked))
            if found := _addresses(each, query):
                return found
    finally:
        for each in asked:
            each.close()
    return ()


def _send(packet: bytes, server: Server) -> socket.socket | None:
    address, port = server
    try:
        family = socket.AF_INET6 if ip_address(address).version == 6 else socket.AF_INET
        asked = socket.socket(family, socket.SOCK_DGRAM)
    except (ValueError, OSError):
        return None
    try:
        asked.connect((address, port))
        asked.send(packet)
    except OSError:
        asked.close()
        return None
    return asked


def _addresses(asked: socket.socket, query: dns.message.Message) -> tuple[str, ...]:
    try:
        response = dns.message.from_wire(asked.recv(4096))
    except (OSError, dns.exception.DNSException, ValueError):
        return ()
    if not query.is_response(response):
        return ()
    return tuple(str(record) for rrset in response.answer if rrset.rdtype == dns.rdatatype.A for record in rrset)
