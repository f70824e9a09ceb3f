"""LinuxHost: the processes of the local driver, each started in the namespace of its interface."""

from collections.abc import Callable, Mapping, Sequence
from ipaddress import IPv4Network
from pathlib import Path

import msgspec

from millpond.host.fabric import FabricError
from millpond.host.linux.fabric import LinuxFabric
from millpond.host.linux.namespaces import inside, is_whole
from millpond.host.linux.programs import place
from millpond.host.linux.services import Serve
from millpond.host.local import LocalHost
from millpond.host.local.addresses import SHARED
from millpond.host.local.proc import Identity
from millpond.host.spec import Enforcement, HostError, Place, ProcessSpec, ProcessState

_KEPT = "dac_override"
"""The one capability of root that an engine keeps: its files may lie below another user's home (sudo with its HOME)."""


class LinuxHost:
    """One machine's processes and, in `fabric`, its networks. Needs root."""

    kind = "linux"
    enforcement: Enforcement = "kernel"

    def __init__(
        self,
        home: Path,
        installation: str,
        *,
        services: Sequence[Serve] = (),
        claims: Path = SHARED,
        grace_seconds: float = 10.0,
    ) -> None:
        """Raise HostError, naming the fix, when this machine will not do. `services` as LinuxFabric, `claims` as
        LocalHost has it.
        """
        try:
            self.fabric = LinuxFabric(home, installation, services=services)
        except FabricError as error:
            raise HostError(str(error)) from error
        self._processes = LocalHost(
            home, installation, claims=claims, grace_seconds=grace_seconds, surround=self._surround
        )
        self.network: IPv4Network = self._processes.network
        """For processes without an interface; the others have addresses of their subnets."""

    def place(self, name: str) -> Place:
        return self._processes.place(name)

    async def observe(self, names: Sequence[str]) -> Mapping[str, ProcessState]:
        return await self._processes.observe(names)

    async def names(self) -> frozenset[str]:
        return await self._processes.names()

    async def ensure_process(self, spec: ProcessSpec) -> None:
        await self._processes.ensure_process(spec)

    async def rewrite_files(self, spec: ProcessSpec) -> None:
        await self._processes.rewrite_files(spec)

    async def stop_process(self, name: str) -> None:
        await self._processes.stop_process(name)

    async def remove_process(self, name: str) -> None:
        await self._processes.remove_process(name)

    def watch(self, on_exit: Callable[[str], None]) -> None:
        self._processes.watch(on_exit)

    async def close(self) -> None:
        await self.fabric.close()
        await self._processes.close()

    def _surround(self, spec: ProcessSpec, start: Callable[[ProcessSpec], Identity]) -> Identity:
        """Start inside the interface's namespace, and with next to nothing of root's power there."""
        if not spec.interface:
            return start(spec)
        namespace = self.fabric.namespace(spec.interface)
        if not is_whole(namespace):
            raise HostError(f"Interface {spec.interface} of {spec.name} is not on this machine (yet).")
        try:
            bound = (
                str(place("setpriv")),
                "--no-new-privs",
                f"--bounding-set=-all,+{_KEPT}",
                "--inh-caps=-all",
                "--ambient-caps=-all",
            )
            powerless = msgspec.structs.replace(spec, argv=(*bound, *spec.argv))
            return inside(namespace, lambda: start(powerless))
        except FabricError as error:
            raise HostError(f"{spec.name} cannot be started in {spec.interface}: {error}") from error
