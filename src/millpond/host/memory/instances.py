"""MemoryInstances: the contract of `host/instances.py` over dictionaries."""

import asyncio
from collections.abc import Mapping, Sequence

from millpond.host.instances import InstanceSpec, InstanceState, digest
from millpond.host.spec import HostError


class MemoryInstances:
    """Instances without a machine. `end` and `refusals` are what a test does to them."""

    def __init__(self) -> None:
        self.specs: dict[str, InstanceSpec] = {}
        self.running: set[str] = set()
        self.consoles: dict[str, str] = {}
        self.refusals: list[str] = []
        """Why the next starts fail, one each."""

    async def observe(self) -> Mapping[str, InstanceState]:
        await asyncio.sleep(0)
        return {
            each.id: InstanceState(
                id=each.id,
                incarnation=each.incarnation,
                running=each.id in self.running,
                digest=digest(each),
                detail="" if each.id in self.running else "it was stopped",
            )
            for each in self.specs.values()
        }

    async def ensure_instance(self, spec: InstanceSpec) -> None:
        await asyncio.sleep(0)
        if self.refusals:
            raise HostError(self.refusals.pop(0))
        known = self.specs.get(spec.id)
        self.specs[spec.id] = spec
        if known is None or known.incarnation != spec.incarnation or spec.id not in self.running:
            self.running.add(spec.id)
            said = self.consoles.get(spec.id, "")
            self.consoles[spec.id] = f"{said}start {spec.incarnation}: {spec.hostname} login: \n"

    async def stop_instance(self, instance_id: str) -> None:
        await asyncio.sleep(0)
        self.running.discard(instance_id)

    async def remove_instance(self, instance_id: str) -> None:
        await self.stop_instance(instance_id)
        self.specs.pop(instance_id, None)
        self.consoles.pop(instance_id, None)

    async def console(self, instance_id: str) -> str:
        await asyncio.sleep(0)
        return self.consoles.get(instance_id, "")

    def ssh_proxy(self, instance_id: str) -> Sequence[str]:
        raise HostError(f"{instance_id} is in memory only: there is nothing to connect to.")

    def end(self, instance_id: str) -> None:
        """The instance dies of itself."""
        self.running.discard(instance_id)
