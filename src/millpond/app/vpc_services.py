"""What the control plane serves inside every VPC on a machine with real networks: the resolver at base+2."""

import asyncio
from collections.abc import Callable

from millpond.aws.endpoints import ZONE
from millpond.dns.server import DnsServer
from millpond.host.fabric import Vpc, names_inside
from millpond.host.linux import Opener, resolvers

_PORT = 53


class Resolver:
    """The name servers of one VPC, all with the same answers. They know what is inside and ask nobody else."""

    def __init__(self, servers: list[DnsServer]) -> None:
        self._servers = servers

    async def close(self) -> None:
        await asyncio.gather(*(each.close() for each in self._servers))


async def resolver(vpc: Callable[[], Vpc], opener: Opener) -> Resolver:
    """Answer for the endpoints' zone and the instances' own names. OSError when an address cannot be had."""
    servers: list[DnsServer] = []
    try:
        for address in resolvers(vpc()):
            server = DnsServer(
                lambda: names_inside(vpc()), origin=ZONE, address=address, port=_PORT, others=(vpc().domain,)
            )
            await server.start(opener.pair)
            servers.append(server)
    except OSError:
        await Resolver(servers).close()
        raise
    return Resolver(servers)
