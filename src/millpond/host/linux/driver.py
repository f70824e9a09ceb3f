"""LinuxHost: the processes of the local driver, each started in the namespace of its interface."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from ipaddress import IPv4Network
from pathlib import Path

import msgspec

from millpond.host.fabric import FabricError
from millpond.host.instance import InstanceSpec
from millpond.host.linux import cgroups
from millpond.host.linux.fabric import LinuxFabric
from millpond.host.linux.image import Images
from millpond.host.linux.instances import first_process, halted_incarnation, inside_instance, is_instance, process_of
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
    """One machine's processes and, in `fabric`, its networks. Needs root, or what `rootless.py` enters."""

    kind = "linux"
    enforcement: Enforcement = "kernel"

    def __init__(
        self,
        home: Path,
        installation: str,
        *,
        services: Sequence[Serve] = (),
        images: Path | None = None,
        claims: Path = SHARED,
        grace_seconds: float = 10.0,
    ) -> None:
        """Raise HostError, naming the fix, when this machine will not do.

        `services` as LinuxFabric has it, `claims` as LocalHost. `images` is where the image of instances is kept, which
        all installations may share (default: in the home).
        """
        try:
            self.fabric = LinuxFabric(home, installation, services=services)
        except FabricError as error:
            raise HostError(str(error)) from error
        self._processes = LocalHost(
            home, installation, claims=claims, grace_seconds=grace_seconds, surround=self._surround
        )
        self.images = Images(images or home / "images")
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

    async def ensure_instance(self, spec: InstanceSpec) -> str:
        """Make it so, as `ensure_process`; return when it boots. What it is not held to here, for people, or nothing.

        The first one on a machine waits for its image (minutes); `images.ensure` may be called before.
        """
        image = await asyncio.to_thread(self.images.ensure)
        held = await asyncio.to_thread(cgroups.held, self.fabric.names.tag, spec.name, spec.limits)
        process = process_of(spec, image=image, place=self.place(spec.name), cgroups=held.groups)
        await self._processes.ensure_process(process)
        unlimited = f"This machine does not limit: {', '.join(held.missing)}." if held.missing else ""
        return " ".join(filter(None, (unlimited, image.detail)))

    async def halted(self, name: str) -> int | None:
        """The newest incarnation of an instance that was shut down from inside, in good order."""
        return await asyncio.to_thread(halted_incarnation, self.place(name))

    async def remove_instance(self, name: str) -> None:
        """As `remove_process`: its disk goes."""
        await self.remove_process(name)
        await asyncio.to_thread(cgroups.release, self.fabric.names.tag, name)

    async def command_inside(self, name: str, argv: Sequence[str]) -> Sequence[str]:
        """What root of this machine runs to do something inside an instance, as ec2-user and within its limits.

        Raise HostError when the instance does not run (yet).
        """
        state = (await self.observe([name])).get(name)
        first = first_process(state.pid) if state is not None and state.running else None
        if first is None:
            raise HostError(f"{name} does not run (yet).")
        return inside_instance(first, argv, cgroups=cgroups.existing(self.fabric.names.tag, name))

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
            started = spec if is_instance(spec) else _powerless(spec)
            return inside(namespace, lambda: start(started))
        except FabricError as error:
            raise HostError(f"{spec.name} cannot be started in {spec.interface}: {error}") from error


def _powerless(spec: ProcessSpec) -> ProcessSpec:
    """The same without root's capabilities, and without a way back to them."""
    bound = ("--no-new-privs", f"--bounding-set=-all,+{_KEPT}", "--inh-caps=-all", "--ambient-caps=-all")
    return msgspec.structs.replace(spec, argv=(str(place("setpriv")), *bound, *spec.argv))
