"""What every account has in every region before it makes anything. Pure: every id is a digest of what it belongs to.

(VPC user guide, "Default VPCs": 172.31.0.0/16, one /20 subnet a zone, an internet gateway, a main route table, a
network ACL that lets everything through, a security group named default.)
"""

import hashlib
from ipaddress import IPv4Network

from millpond.services.ec2.geography import zones
from millpond.services.ec2.records.networks import DhcpOptions, InternetGateway, NetworkAcl, RouteTable, Subnet, Vpc
from millpond.services.ec2.records.record import Record
from millpond.services.ec2.records.security_groups import DEFAULT, Peer, Permission, Rule, SecurityGroup

NETWORK = IPv4Network("172.31.0.0/16")
SUBNET_PREFIX = 20
GROUP_DESCRIPTION = "default VPC security group"


def default_vpc(account: str, region: str) -> Vpc:
    """The VPC that every account has in every region."""
    return Vpc(
        id=_id("vpc", account, region),
        account=account,
        region=region,
        cidr=str(NETWORK),
        dhcp_options=_id("dopt", account, region),
        association=_id("vpc-cidr-assoc", account, region),
        is_default=True,
        dns_hostnames=True,
    )


def default_subnets(account: str, region: str) -> tuple[Subnet, ...]:
    """The default subnets of an account in a region, in the order of the zones."""
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
            acl_association=_id("aclassoc", account, zone.name),
            is_default=True,
            map_public_ip=True,
        )
        for zone, network in zip(zones(region), NETWORK.subnets(new_prefix=SUBNET_PREFIX), strict=False)
    )


def default_security_group(account: str, region: str) -> SecurityGroup:
    """The group that members of the default VPC belong to unless they say otherwise."""
    group_id = _id("sg", account, region)
    return SecurityGroup(
        id=group_id,
        account=account,
        region=region,
        vpc=default_vpc(account, region).id,
        name=DEFAULT,
        description=GROUP_DESCRIPTION,
        rules=default_rules(group_id, (_id("sgr", account, f"{region}/in"), _id("sgr", account, f"{region}/out"))),
    )


def default_rules(group_id: str, ids: tuple[str, str]) -> tuple[Rule, Rule]:
    """What a group named default says: its members are let in, everything is let out."""
    return (
        Rule(id=ids[0], permission=Permission(egress=False, protocol="-1", peer=Peer(group=group_id))),
        everything_out(ids[1]),
    )


def everything_out(rule_id: str) -> Rule:
    """The egress rule that every group is made with."""
    return Rule(id=rule_id, permission=Permission(egress=True, protocol="-1", peer=Peer(cidr="0.0.0.0/0")))


def default_records(account: str, region: str) -> tuple[Record, ...]:
    """Everything that there is before anything was written."""
    vpc = default_vpc(account, region)
    gateway = InternetGateway(id=_id("igw", account, region), account=account, region=region, vpc=vpc.id)
    return (
        vpc,
        *default_subnets(account, region),
        default_security_group(account, region),
        gateway,
        RouteTable(
            id=_id("rtb", account, region),
            account=account,
            region=region,
            vpc=vpc.id,
            association=_id("rtbassoc", account, region),
            gateway=gateway.id,
        ),
        NetworkAcl(id=_id("acl", account, region), account=account, region=region, vpc=vpc.id),
        DhcpOptions(id=vpc.dhcp_options, account=account, region=region),
    )


def _id(kind: str, account: str, place: str) -> str:
    digest = hashlib.sha256(f"{kind}/{account}/{place}".encode()).hexdigest()
    return f"{kind}-0{digest[:16]}"
