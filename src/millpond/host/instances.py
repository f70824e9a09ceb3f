"""Instances: small machines of their own in a VPC. What a host is asked about them, and what it reports.

The rules that every driver keeps:

* An instance lives at an interface that the fabric has laid out already. It outlives the control plane, and is found
  again by what the kernel says. Only another incarnation starts it anew; a stop keeps its disk, a removal does not.
* `keys` and `metadata` of a running instance are brought up to date in place; `digest` tells whether they are.
* User data runs once, at the first start on a disk (EC2 user guide, "Run commands when you launch an EC2 instance").
"""

import hashlib
from collections.abc import Mapping, Sequence
from typing import Protocol

import msgspec


class InstanceSpec(msgspec.Struct, frozen=True, kw_only=True):
    """One instance as it should be."""

    id: str
    incarnation: int
    """Counts deliberate starts."""
    interface: str
    """The interface (host/fabric.py) at which it lives."""
    address: str
    hostname: str
    """`ip-172-31-0-10`"""
    domain: str
    """`ec2.internal`"""
    memory_mib: int
    vcpus: int
    keys: Mapping[str, Sequence[str]] = {}
    """User → public keys, as lines of `authorized_keys`."""
    user_data: bytes = b""
    metadata: Mapping[str, str] = {}
    """What the metadata service answers to this instance alone: path below `/latest/` → text. Never logged: it holds
    credentials."""
    metadata_enabled: bool = True
    tokens_required: bool = True
    """IMDSv2 only."""
    hop_limit: int = 2


class InstanceState(msgspec.Struct, frozen=True, kw_only=True):
    """One instance as it is."""

    id: str
    incarnation: int
    """Of its last start here."""
    running: bool
    digest: str = ""
    """`digest` of the specification as it was last carried out."""
    detail: str = ""
    """When not running: what is known of the end, for people."""


def digest(spec: InstanceSpec) -> str:
    """Identify what of a specification a running instance takes over in place."""
    held = (spec.keys, spec.metadata, spec.metadata_enabled, spec.tokens_required, spec.hop_limit)
    return hashlib.sha256(msgspec.json.encode(held, order="deterministic")).hexdigest()


class Instances(Protocol):
    """The instances of one machine."""

    async def observe(self) -> Mapping[str, InstanceState]:
        """Every instance or leftover of this installation, stopped ones with their disks too."""
        ...

    async def ensure_instance(self, spec: InstanceSpec) -> None:
        """Make it so; return once it is started. HostError when it cannot be."""
        ...

    async def stop_instance(self, instance_id: str) -> None:
        """End every process of it and keep its disk. Does nothing when it does not run."""
        ...

    async def remove_instance(self, instance_id: str) -> None:
        """End it and delete its disk. Does nothing when it is gone already."""
        ...

    async def console(self, instance_id: str) -> str:
        """The last 64 KiB of what it wrote to its console; empty when there is nothing."""
        ...

    def ssh_proxy(self, instance_id: str) -> Sequence[str]:
        """A command that joins its standard input and output to the instance's port 22, whatever the groups say."""
        ...
