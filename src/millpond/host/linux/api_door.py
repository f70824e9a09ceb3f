"""The control plane's API inside a VPC, at 169.254.169.252: what an interface endpoint (PrivateLink) is on AWS.

Every security group lets it through, as it does the resolver. The sockets stand in the VPC's router, which has checked
every source address against the wire that it came by: so the API knows for certain which VPC and which address calls.
"""

import socket
from collections.abc import Awaitable, Callable, Sequence

from millpond.host.fabric import FabricError, Vpc
from millpond.host.linux.compile import API
from millpond.host.linux.services import Opener, Serve, Standing

PORTS = (80, 443)

Answer = Callable[[str, Sequence[socket.socket]], Awaitable[Standing]]
"""Begin to answer one VPC on sockets that listen in it, and own them then; FabricError when that cannot be."""


def api_service(answer: Answer) -> Serve:
    """The service for LinuxHost's `services`."""

    async def serve(vpc: Callable[[], Vpc], opener: Opener) -> Standing:
        listeners: list[socket.socket] = []
        try:
            for port in PORTS:
                listeners.append(opener.listener(API, port))  # noqa: PERF401 - those that stand are closed below
            return await answer(vpc().id, listeners)
        except (OSError, FabricError):
            for each in listeners:
                each.close()
            raise

    return serve


def api_endpoint(*, tls: bool) -> str:
    """The URL for programs inside a VPC."""
    return f"{'https' if tls else 'http'}://{API}"
