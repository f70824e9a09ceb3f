"""The default VPC of an account in a region. Pure: every id is a digest of what it belongs to.

(VPC user guide, "Default VPCs": 172.31.0.0/16, one /20 subnet a zone, five addresses of each reserved, a security group
named default.)
"""

import hashlib
from ipaddress import IPv4Network

from millpond.services.ec2.geography import zones
from millpond.services.ec2.records import SecurityGroup, Subnet, Vpc

_NETWORK = IPv4Network("172.31.0.0/16")
_RESERVED_ADDRESSES = 5


def default_vpc(account: str, region: str) -> Vpc:
    """The VPC that every account has in every region."""
    return Vpc(
        id=_id("vpc", account, region),
        account=account,
        cidr=str(_NETWORK),
        dhcp_options=_id("dopt", account, region),
        association=_id("vpc-cidr-assoc", account, region),
        is_default=True,
    )


def subnets(account: str, region: str) -> tuple[Subnet, ...]:
    """Every subnet of an account in a region, in the order of the zones."""
    vpc = default_vpc(account, region)
    return tuple(
        Subnet(
            id=_id("subnet", account, zone.name),
            account=account,
            region=region,
            vpc=vpc.id,
            zone=zone.name,
            zone_id=zone.id,
            cidr=str(network),
            free_addresses=network.num_addresses - _RESERVED_ADDRESSES,
            is_default=True,
        )
        for zone, network in zip(zones(region), _NETWORK.subnets(new_prefix=20), strict=False)
    )


def subnet(account: str, region: str, subnet_id: str) -> Subnet | None:
    """The subnet of this id; None when the account has none such in the region."""
    return next((each for each in subnets(account, region) if each.id == subnet_id), None)


def default_security_group(account: str, region: str) -> SecurityGroup:
    """The group that members of the default VPC belong to unless they say otherwise."""
    return SecurityGroup(
        id=_id("sg", account, region),
        account=account,
        region=region,
        vpc=default_vpc(account, region).id,
        name="default",
        description="default VPC security group",
    )


def security_groups(account: str, region: str) -> tuple[SecurityGroup, ...]:
    """Every security group of an account in a region."""
    return (default_security_group(account, region),)


def _id(kind: str, account: str, place: str) -> str:
    digest = hashlib.sha256(f"{kind}/{account}/{place}".encode()).hexdigest()
    return f"{kind}-0{digest[:16]}"
