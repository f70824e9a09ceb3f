"""Records → the VPC that a host should have, as golden text."""

from datetime import UTC, datetime
from textwrap import dedent
from typing import Any

import msgspec

from millpond.host.check_vpc import check_vpc
from millpond.host.memory import MemoryFabric
from millpond.services.ec2.default_network import default_security_group, default_subnets, default_vpc
from millpond.services.ec2.desired import Promise, desired_vpc
from millpond.services.ec2.records.network_interfaces import MACHINE, NetworkInterface
from millpond.services.ec2.records.prefix_lists import Entry, PrefixList
from millpond.services.ec2.records.security_groups import Peer, Permission, Rule, SecurityGroup

ACCOUNT, REGION = "123456789012", "us-east-1"
NOW = datetime(2026, 11, 22, tzinfo=UTC)
VPC = default_vpc(ACCOUNT, REGION)
SUBNETS = default_subnets(ACCOUNT, REGION)
DEFAULT = default_security_group(ACCOUNT, REGION)


def interface(interface_id: str, address: str, *groups: str, requester: str = "") -> NetworkInterface:
    return NetworkInterface(
        id=interface_id,
        account=ACCOUNT,
        region=REGION,
        vpc=VPC.id,
        subnet=SUBNETS[0].id,
        zone=SUBNETS[0].zone,
        address=address,
        groups=groups,
        created_at=NOW,
        requester=requester,
    )


def rule(
    rule_id: str, peer: Peer, *, egress: bool = False, protocol: str = "tcp", ports: tuple[int, int] = (6379, 6379)
) -> Rule:
    permission = Permission(egress=egress, protocol=protocol, from_port=ports[0], to_port=ports[1], peer=peer)
    return Rule(id=rule_id, permission=permission)


def group(*rules: Rule) -> SecurityGroup:
    return SecurityGroup(
        id="sg-caches", account=ACCOUNT, region=REGION, vpc=VPC.id, name="caches", description="d", rules=rules
    )


def promise(**changes: Any) -> Promise:
    return msgspec.structs.replace(Promise(vpc=VPC, generation=7, subnets=SUBNETS[:2], groups=(DEFAULT,)), **changes)


async def rendered(given: Promise) -> str:
    wanted = desired_vpc(given)
    check_vpc(wanted)
    fabric = MemoryFabric()
    await fabric.sync_vpc(wanted)
    text = fabric.networks.render()
    for long, short in (
        (VPC.id, "vpc"),
        (SUBNETS[0].id, "subnet-a"),
        (SUBNETS[1].id, "subnet-b"),
        (DEFAULT.id, "sg-default"),
    ):
        text = text.replace(long, short)
    return f"{text}\n"


async def test_a_default_vpc_lets_its_members_reach_each_other_and_everything():
    text = await rendered(
        promise(
            interfaces=(
                interface("eni-cache", "172.31.0.9", DEFAULT.id, requester="amazon-elasticache"),
                interface("eni-machine", "172.31.0.10", DEFAULT.id, requester=MACHINE),
            ),
            names={"my-cache.use1.cache.mill.test": ("172.31.0.9",)},
        )
    )
    assert text == dedent("""\
        vpc: 172.31.0.0/16
          subnet-a: 172.31.0.0/20 in us-east-1a
          subnet-b: 172.31.16.0/20 in us-east-1b
          eni-cache: 172.31.0.9 in subnet-a, groups sg-default
          eni-machine: 172.31.0.10 in subnet-a, groups sg-default, the machine's own
          sg-default
            in from sg-default: everything
            out to 0.0.0.0/0: everything
          name my-cache.use1.cache.mill.test: 172.31.0.9
    """)


async def test_rules_become_one_for_each_peer_that_an_interface_can_have():
    offices = PrefixList(
        id="pl-offices",
        account=ACCOUNT,
        region=REGION,
        name="offices",
        family="IPv4",
        most_entries=5,
        entries=(Entry(cidr="10.8.0.0/16"), Entry(cidr="10.9.0.0/16")),
    )
    text = await rendered(
        promise(
            groups=(
                group(
                    rule("sgr-1", Peer(cidr="0.0.0.0/0")),
                    rule("sgr-2", Peer(group=DEFAULT.id), protocol="icmp", ports=(8, -1)),
                    rule("sgr-3", Peer(prefix_list=offices.id), ports=(1, 2)),
                    rule("sgr-4", Peer(cidr6="::/0")),
                    rule("sgr-5", Peer(cidr="10.8.0.0/16"), ports=(1, 2)),
                    rule("sgr-6", Peer(cidr="0.0.0.0/0"), egress=True, protocol="-1", ports=(-1, -1)),
                ),
                DEFAULT,
            ),
            subnets=SUBNETS[:1],
            interfaces=(interface("eni-1", "172.31.0.9", "sg-caches"),),
            prefix_lists=(offices,),
            failed_zones=frozenset({"us-east-1a", "us-east-1f"}),
        )
    )
    assert text == dedent("""\
        vpc: 172.31.0.0/16
          subnet-a: 172.31.0.0/20 in us-east-1a, failed
          eni-1: 172.31.0.9 in subnet-a, groups sg-caches
          sg-default
            in from sg-default: everything
            out to 0.0.0.0/0: everything
          sg-caches
            in from 0.0.0.0/0: tcp 6379-6379
            in from 10.8.0.0/16: tcp 1-2
            in from 10.9.0.0/16: tcp 1-2
            in from sg-default: icmp 8--1
            out to 0.0.0.0/0: everything
    """)


def test_a_vpc_without_dns_support_answers_no_names():
    given = promise(vpc=msgspec.structs.replace(VPC, dns_support=False), names={"a": ("172.31.0.9",)})
    assert desired_vpc(given).names == {}


def test_the_domain_of_names_is_the_region_s():
    elsewhere = msgspec.structs.replace(VPC, region="eu-west-1")
    assert desired_vpc(promise(vpc=elsewhere)).domain == "eu-west-1.compute.internal"
    assert desired_vpc(promise()).domain == "ec2.internal"


def test_the_order_of_records_makes_no_difference():
    given = promise(
        interfaces=(interface("eni-1", "172.31.0.9", DEFAULT.id, "sg-caches"), interface("eni-2", "172.31.0.8")),
        groups=(DEFAULT, group(rule("sgr-1", Peer(cidr="0.0.0.0/0")), rule("sgr-2", Peer(cidr="10.0.0.0/8")))),
    )
    turned = msgspec.structs.replace(
        given,
        subnets=given.subnets[::-1],
        interfaces=given.interfaces[::-1],
        groups=tuple(msgspec.structs.replace(each, rules=each.rules[::-1]) for each in given.groups[::-1]),
    )
    assert desired_vpc(given) == desired_vpc(turned)
