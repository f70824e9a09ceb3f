"""What Memcached's auto discovery tells clients (page "Adding Auto Discovery to your client library"). Pure."""

from millpond.engines.spec import Node


def payload(node: Node) -> str:
    """The version on a line of its own, then every node in alphabetical order of host names.

    Host, address and port are parted by `|`, nodes by one space; both lines end with LF alone.
    """
    peers = sorted(node.peers, key=lambda peer: peer.host)
    return f"{node.config_version}\n{' '.join(f'{peer.host}|{peer.address}|{peer.port}' for peer in peers)}\n"
