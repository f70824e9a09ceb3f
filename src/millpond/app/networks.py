"""What the operator asks about networks: what was counted in a VPC, and a way into an instance."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

from millpond.app.tunnels import Tunnels
from millpond.host.fabric import Fabric, FabricError
from millpond.operator.facts import FlowLine, Tunnel
from millpond.operator.spec import Refusal
from millpond.services import ec2, elasticache
from millpond.store import Store

_UNCOUNTED = "This driver filters no packets, so none are counted; networks need: millpond up --driver linux"
_UNREACHABLE = "This driver runs no EC2 instances; they need: millpond up --driver linux"


class NetworksOfInstallation:
    """The networks of an installation's first account, for its operator."""

    def __init__(self, store: Store, account: str, *, fabric: Fabric | None, tunnels: Tunnels | None) -> None:
        self._store = store
        self._account = account
        self._fabric = fabric
        self._tunnels = tunnels

    async def flows(self, vpc: str, region: str) -> Sequence[FlowLine]:
        """What the kernel counted for each interface of a VPC, or of the default one. Refusal when nothing counts."""
        if self._fabric is None:
            raise Refusal(_UNCOUNTED)
        vpc_id, interfaces = await asyncio.to_thread(self._interfaces, vpc, region)
        try:
            counted = await self._fabric.flows(vpc_id)
        except FabricError as error:
            raise Refusal(f"{error} Nothing lives in {vpc_id} yet, or look: millpond explain {vpc_id}") from error
        return [
            FlowLine(
                vpc=vpc_id,
                interface=each.interface,
                address=interfaces[each.interface].address if each.interface in interfaces else "",
                description=interfaces[each.interface].description if each.interface in interfaces else "",
                direction=each.direction,
                action=each.action,
                packets=each.packets,
                octets=each.octets,
            )
            for each in counted
        ]

    async def tunnel(self, instance: str, region: str) -> Tunnel:
        """Open a way to an instance's port 22. Refusal when it does not run, or this driver runs none."""
        if self._tunnels is None:
            raise Refusal(_UNREACHABLE)
        found = await asyncio.to_thread(self._instance, instance, region)
        if found is None:
            raise Refusal(f"There is no instance {instance} in {region}; millpond instance ls lists them.")
        if found.state != "running":
            raise Refusal(f"{instance} is {found.state}; look: millpond explain {instance}")
        path = await self._tunnels.open(found.id, found.interface)
        return Tunnel(socket=str(path), zone=found.zone)

    async def way(self, cache: str, region: str) -> Tunnel:
        """Open a way to a cache's port, of the primary where there is one. Refusal when there is none to reach."""
        if self._tunnels is None:
            raise Refusal("This driver has no networks: a cache is reached at its endpoint.")

        def load() -> elasticache.ListedNode | None:
            with self._store.read() as transaction:
                return elasticache.first_listed_node(transaction, self._account, region, cache.lower())

        node = await asyncio.to_thread(load)
        if node is None:
            raise Refusal(f"No node of {cache} can be reached (yet); look: millpond explain {cache}")
        if not node.interface:
            return Tunnel(socket="", zone="")  # it has an address of this machine's own
        path = await self._tunnels.open(node.interface, node.interface, port=node.port)
        return Tunnel(socket=str(path), zone="")

    def _interfaces(self, vpc: str, region: str) -> tuple[str, dict[str, ec2.NetworkInterface]]:
        with self._store.read() as transaction:
            default = ec2.find_default_vpc(transaction, self._account, region)
            vpc_id = vpc or (default.id if default is not None else "")
            if not vpc_id:
                raise Refusal("There is no default VPC; name one: millpond flows vpc-…")
            return vpc_id, {each.id: each for each in ec2.interfaces_of_vpc(transaction, vpc_id)}

    def _instance(self, instance: str, region: str) -> ec2.Instance | None:
        with self._store.read() as transaction:
            return ec2.find_instance(transaction, self._account, region, instance)


def tunnels_directory(home: Path) -> Path:
    """Where the sockets of tunnels are: for their owner alone."""
    directory = home / "tunnels"
    directory.mkdir(mode=0o700, exist_ok=True)
    return directory
