"""Elastic network interfaces: an address in a subnet, and the security groups that decide what reaches it."""

import hashlib
from datetime import datetime
from typing import ClassVar

from millpond.services.ec2 import kinds
from millpond.services.ec2.records.record import Record

MACHINE = "millpond"
"""The requester of the interface that is the machine's own leg in a VPC."""


class NetworkInterface(Record, frozen=True, kw_only=True):
    """A network interface with its one private address."""

    KIND: ClassVar = kinds.NETWORK_INTERFACE

    vpc: str
    subnet: str
    zone: str
    address: str
    groups: tuple[str, ...]
    created_at: datetime
    description: str = ""
    requester: str = ""
    """The service that made it and keeps it (`amazon-elasticache`); empty for an instance's."""
    instance: str = ""
    attachment: str = ""
    """The id of its attachment; empty when nothing uses it."""
    circle: str = ""
    """Interfaces of one circle reach each other whatever their groups say, as a service's own traffic does."""

    @property
    def mac(self) -> str:
        """A locally administered address, as EC2's are; it follows from the id."""
        digest = hashlib.sha256(self.id.encode()).digest()
        return ":".join(f"{octet:02x}" for octet in (0x0A, *digest[:5]))

    @property
    def private_name(self) -> str:
        """`ip-172-31-0-10.ec2.internal`; outside of us-east-1 the region takes the place of `ec2`."""
        return f"{self.address_name}.{internal_domain(self.region)}"

    @property
    def address_name(self) -> str:
        """`ip-172-31-0-10`."""
        return f"ip-{self.address.replace('.', '-')}"


def internal_domain(region: str) -> str:
    """The domain of private names (EC2 user guide, "Amazon EC2 instance hostnames")."""
    return "ec2.internal" if region == "us-east-1" else f"{region}.compute.internal"
