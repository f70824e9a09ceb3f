"""What the control plane serves inside every VPC on a machine with real networks: the resolver, and metadata."""

import asyncio
import secrets
from collections.abc import Callable

import msgspec

from millpond.aws.endpoints import ZONE
from millpond.dns.server import DnsServer
from millpond.host.fabric import Vpc, names_inside
from millpond.host.linux import InstanceMetadata, Opener, RoleCredentials, Serve, metadata_service, resolvers
from millpond.kernel.clock import Clock
from millpond.services import ec2
from millpond.store import Store, Vault

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


def vpc_services(store: Store, vault: Vault, clock: Clock) -> tuple[Serve, ...]:
    """The resolver, and the metadata of instances with the credentials of their roles."""

    def facts(vpc_id: str, address: str) -> InstanceMetadata | None:
        with store.read() as transaction:
            found = ec2.instance_facts(transaction, vpc_id, address, clock.now())
        return None if found is None else InstanceMetadata(**msgspec.structs.asdict(found))

    def credentials(vpc_id: str, address: str) -> RoleCredentials | None:
        with store.begin() as transaction:
            found = ec2.credentials_at(transaction, vault, vpc_id, address, clock.now())
        return None if found is None else RoleCredentials(**msgspec.structs.asdict(found))

    return resolver, metadata_service(facts, credentials, now=clock.now, key=secrets.token_bytes(32))
