"""What a host is asked about an instance: a small machine of its own at one interface of a VPC.

An instance is a process to its host, with a name, an incarnation and a volume like every other: its disk is the volume,
its console log the process's log. Stopping keeps disk and address; removing takes them.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol

import msgspec

from millpond.host.spec import Place, ProcessState


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """What an instance may use of the machine, where the machine can hold it to that."""

    memory_mib: int
    cpus: float
    processes: int = 2048


class InstanceSpec(msgspec.Struct, frozen=True, kw_only=True):
    """One instance as it should be."""

    name: str
    """Of its process: deterministic, unique in the installation (`123456789012.us-east-1.i-0123456789abcdef0`)."""
    id: str
    incarnation: int
    """Raised by each deliberate start."""
    interface: str
    address: str
    hostname: str
    """`ip-172-31-0-10.ec2.internal`"""
    resolver: str
    """base+2 of the VPC."""
    authorized_keys: Sequence[str] = ()
    """Public keys in OpenSSH's form, for ec2-user; written by the first start."""
    user_data: bytes = b""
    """Its scripts are run by the first start."""
    authority: str = ""
    """A certificate (PEM) that programs inside trust."""
    environment: Mapping[str, str] = {}
    """For everybody who logs in (`AWS_ENDPOINT_URL`, `AWS_REGION`)."""
    tools: Mapping[str, Path] = {}
    """Commands and the programs of this machine that they are (`valkey-cli`), laid there read-only with `lib` beside
    `bin` as the engines have it."""
    limits: Limits | None = None


class Instances(Protocol):
    """The instances of one machine. Each lives at an interface that the fabric has laid out before."""

    def place(self, name: str) -> Place:
        """Where it lives; its log is what it wrote to its console."""
        ...

    async def observe(self, names: Sequence[str]) -> Mapping[str, ProcessState]:
        """What is known of these instances; one that was never started, or is removed, is absent."""
        ...

    async def ensure_instance(self, spec: InstanceSpec) -> str:
        """Make it so; return when it boots. What it is not held to here, for people, or nothing. HostError."""
        ...

    async def halted(self, name: str) -> int | None:
        """The newest incarnation that was shut down from inside, in good order, whoever looked on; None: none yet.

        One that crashed, or was told to end from outside, is not.
        """
        ...

    async def stop_process(self, name: str) -> None:
        """End it and keep its disk."""
        ...

    async def remove_instance(self, name: str) -> None:
        """End it and delete its disk. Does nothing when it is gone already."""
        ...
