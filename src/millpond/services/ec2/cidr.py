"""CIDR blocks as EC2 takes and refuses them. Pure."""

import re
from ipaddress import IPv4Network, IPv6Network

_V4 = re.compile(r"\d{1,3}(\.\d{1,3}){3}/\d{1,2}", re.ASCII)
_V6 = re.compile(r"[0-9A-Fa-f:.]{2,45}/\d{1,3}", re.ASCII)


def ipv4(text: str) -> IPv4Network | None:
    """The block that a text writes, its host bits cleared as EC2 does; None when it is none."""
    try:
        return IPv4Network(text, strict=False) if _V4.fullmatch(text) else None
    except ValueError:
        return None


def ipv6(text: str) -> IPv6Network | None:
    """The block that a text writes, its host bits cleared; None when it is none."""
    try:
        return IPv6Network(text, strict=False) if _V6.fullmatch(text) else None
    except ValueError:
        return None
