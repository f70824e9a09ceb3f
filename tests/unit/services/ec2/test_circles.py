"""What a circle of interfaces is to the host: a group that no user sees, which lets its members reach each other."""

from datetime import UTC, datetime

from millpond.host import fabric
from millpond.host.check_vpc import check_vpc
from millpond.services.ec2.desired import Promise, desired_vpc
from millpond.services.ec2.records.network_interfaces import NetworkInterface
from millpond.services.ec2.records.networks import Subnet, Vpc

_WHOSE = {"account": "123456789012", "region": "us-east-1"}


def _vpc(*interfaces: NetworkInterface) -> fabric.Vpc:
    vpc = Vpc(id="vpc-1", cidr="10.0.0.0/16", dhcp_options="dopt-1", association="assoc-1", **_WHOSE)
    subnet = Subnet(
        id="subnet-1",
        vpc="vpc-1",
        zone="us-east-1a",
        zone_id="use1-az1",
        cidr="10.0.0.0/24",
        acl_association="aclassoc-1",
        **_WHOSE,
    )
    return desired_vpc(Promise(vpc=vpc, generation=1, subnets=(subnet,), interfaces=interfaces))


def _interface(number: int, circle: str) -> NetworkInterface:
    return NetworkInterface(
        id=f"eni-{number}",
        vpc="vpc-1",
        subnet="subnet-1",
        zone="us-east-1a",
        address=f"10.0.0.{number}",
        groups=(),
        created_at=datetime(2026, 11, 22, tzinfo=UTC),
        circle=circle,
        **_WHOSE,
    )


def test_interfaces_of_a_circle_reach_each_other_without_a_security_group_that_says_so():
    vpc = _vpc(_interface(11, "circle-a"), _interface(12, "circle-a"), _interface(13, ""))
    check_vpc(vpc)
    among = (fabric.Rule(protocol="-1", group="circle-a"),)
    assert vpc.groups == (fabric.Group(id="circle-a", ingress=among, egress=among),)
    assert [each.groups for each in vpc.interfaces] == [("circle-a",), ("circle-a",), ()]


def test_a_vpc_without_circles_has_the_groups_that_users_made_and_no_others():
    assert _vpc(_interface(11, ""), _interface(12, "")).groups == ()
