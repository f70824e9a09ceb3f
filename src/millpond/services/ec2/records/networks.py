"""What a network is made of, in EC2's words: VPCs, subnets, and what hangs on them."""

from typing import ClassVar

import msgspec

from millpond.services.ec2 import kinds
from millpond.services.ec2.records.record import Record

VPC_CONTROLLER = "vpc"
"""The name under which the loop keeps VPCs."""


class Vpc(Record, frozen=True, kw_only=True):
    """A virtual private cloud."""

    KIND: ClassVar = kinds.VPC

    cidr: str
    dhcp_options: str
    association: str
    """The id under which the CIDR block is associated."""
    is_default: bool = False
    tenancy: str = "default"
    dns_support: bool = True
    dns_hostnames: bool = False
    address_usage_metrics: bool = False


class Subnet(Record, frozen=True, kw_only=True):
    """A subnet: one block of a VPC in one availability zone."""

    KIND: ClassVar = kinds.SUBNET

    vpc: str
    zone: str
    zone_id: str
    cidr: str
    acl_association: str
    """The id under which it is associated with its VPC's network ACL."""
    is_default: bool = False
    map_public_ip: bool = False
    hostname_type: str = "ip-name"
    resource_name_record: bool = False


class RouteTable(Record, frozen=True, kw_only=True):
    """The main route table of a VPC: what is within is local, all else goes to the gateway if there is one."""

    KIND: ClassVar = kinds.ROUTE_TABLE

    vpc: str
    association: str
    gateway: str = ""
    """The internet gateway of its default route."""


class InternetGateway(Record, frozen=True, kw_only=True):
    """An internet gateway. It is kept for those who describe it: no packet leaves a VPC of Millpond's by one."""

    KIND: ClassVar = kinds.INTERNET_GATEWAY

    vpc: str = ""
    """Empty: detached."""


class NetworkAcl(Record, frozen=True, kw_only=True):
    """The default network ACL of a VPC, which lets everything through and holds every subnet."""

    KIND: ClassVar = kinds.NETWORK_ACL

    vpc: str


class DhcpOptions(Record, frozen=True, kw_only=True):
    """The DHCP options of every VPC of a region: Amazon's own name server, which is the VPC's resolver."""

    KIND: ClassVar = kinds.DHCP_OPTIONS


class Zone(msgspec.Struct, frozen=True, kw_only=True):
    """An availability zone."""

    name: str
    """`us-east-1a`"""
    id: str
    """`use1-az1`"""
    region: str


def vpc_key(account: str, region: str, vpc_id: str) -> str:
    """The key under which the loop keeps a VPC."""
    return f"{account}/{region}/{vpc_id}"
