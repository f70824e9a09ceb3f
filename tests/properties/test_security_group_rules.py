"""Laws of security group rules: what is authorized can be revoked; what is malformed changes nothing."""

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from millpond.aws.faults import CommonFault
from millpond.services.ec2.operations.security_group_rules import (
    authorize_security_group_egress,
    authorize_security_group_ingress,
    describe_security_group_rules,
    revoke_security_group_egress,
    revoke_security_group_ingress,
)
from millpond.services.ec2.operations.security_groups import create_security_group, describe_security_groups
from millpond.services.ec2.operations.vpcs import create_vpc
from tests.api.operations_world import World, world

PORTS = st.tuples(st.integers(0, 65535), st.integers(0, 65535)).map(sorted)
V4 = st.tuples(st.ip_addresses(v=4), st.integers(0, 32)).map(lambda each: f"{each[0]}/{each[1]}")
V6 = st.tuples(st.ip_addresses(v=6), st.integers(0, 128)).map(lambda each: f"{each[0]}/{each[1]}")


@st.composite
def permissions(draw: st.DrawFn) -> dict[str, Any]:
    said: dict[str, Any]
    match draw(st.sampled_from(["tcp", "udp", "6", "17", "icmp", "icmpv6", "-1", "50", "0"])):
        case ("tcp" | "udp" | "6" | "17") as protocol:
            first, last = draw(PORTS)
            said = {"IpProtocol": protocol, "FromPort": first, "ToPort": last}
        case "icmp":
            kind = draw(st.integers(-1, 255))
            code = -1 if kind == -1 else draw(st.integers(-1, 255))
            said = {"IpProtocol": "icmp", "FromPort": kind, "ToPort": code}
        case protocol:
            said = {"IpProtocol": protocol}
    said["IpRanges"] = [{"CidrIp": each} for each in draw(st.lists(V4, max_size=3))]
    said["Ipv6Ranges"] = [{"CidrIpv6": each} for each in draw(st.lists(V6, max_size=3))]
    assume(said["IpRanges"] or said["Ipv6Ranges"])
    return said


@contextmanager
def group() -> Iterator[tuple[World, str]]:
    with tempfile.TemporaryDirectory() as directory, world(Path(directory), model="ec2") as aws:
        vpc = aws.call(create_vpc, CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
        yield aws, aws.call(create_security_group, GroupName="caches", Description="d", VpcId=vpc)["GroupId"]


@pytest.fixture(scope="module")
def made() -> Iterator[tuple[World, str]]:
    with group() as opened:
        yield opened


def rules(aws: World, group_id: str) -> Mapping[str, Any]:
    filters = [{"Name": "group-id", "Values": [group_id]}]
    found = aws.call(describe_security_group_rules, Filters=filters)["SecurityGroupRules"]
    return {each["SecurityGroupRuleId"]: each for each in found}


_SETTINGS = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@_SETTINGS
@given(wanted=st.lists(permissions(), min_size=1, max_size=4), egress=st.booleans(), by_id=st.booleans())
def test_what_is_authorized_is_described_and_can_be_revoked(
    made: tuple[World, str], wanted: list[dict[str, Any]], egress: bool, by_id: bool
):
    aws, group_id = made
    authorize = authorize_security_group_egress if egress else authorize_security_group_ingress
    revoke = revoke_security_group_egress if egress else revoke_security_group_ingress
    before = rules(aws, group_id)
    try:
        said = aws.call(authorize, GroupId=group_id, IpPermissions=wanted)["SecurityGroupRules"]
    except CommonFault as fault:
        # Two blocks of a request may be one once their host bits are cleared, or one that is there.
        assert fault.code in {"InvalidParameterValue", "InvalidPermission.Duplicate"}  # noqa: PT017 - it is the law
        assert rules(aws, group_id) == before
        return
    ids = [each["SecurityGroupRuleId"] for each in said]
    assert set(rules(aws, group_id)) == set(before) | set(ids)
    (shown,) = aws.call(describe_security_groups, GroupIds=[group_id])["SecurityGroups"]
    blocks = sum(len(each["IpRanges"]) + len(each["Ipv6Ranges"]) for each in shown["IpPermissions"])
    assert egress or blocks == len(ids)
    request = {"SecurityGroupRuleIds": ids} if by_id else {"IpPermissions": wanted}
    aws.call(revoke, GroupId=group_id, **request)
    assert rules(aws, group_id) == before


BROKEN = st.one_of(
    st.fixed_dictionaries({"IpProtocol": st.text(max_size=8)}),
    st.fixed_dictionaries({"IpProtocol": st.just("tcp"), "FromPort": st.integers(), "ToPort": st.integers()}),
    st.fixed_dictionaries({"IpProtocol": st.just("icmp"), "FromPort": st.integers(), "ToPort": st.integers()}),
    st.fixed_dictionaries({"IpProtocol": st.just("udp"), "FromPort": st.integers(0, 65535)}),
)
TEXTS = st.one_of(st.text(max_size=20), st.from_regex(r"[0-9./:a-f]{1,24}", fullmatch=True), V4, V6)


@_SETTINGS
@given(good=permissions(), broken=BROKEN, block=TEXTS, six=st.booleans())
def test_a_request_takes_effect_whole_or_not_at_all(
    made: tuple[World, str], good: dict[str, Any], broken: dict[str, Any], block: str, six: bool
):
    aws, group_id = made
    before = rules(aws, group_id)
    peer = {"Ipv6Ranges": [{"CidrIpv6": block}]} if six else {"IpRanges": [{"CidrIp": block}]}
    asked = len(good["IpRanges"]) + len(good["Ipv6Ranges"]) + 1
    try:
        said = aws.call(authorize_security_group_ingress, GroupId=group_id, IpPermissions=[good, {**broken, **peer}])
    except CommonFault as fault:
        assert fault.status == 400  # noqa: PT017 - it is the law
        assert rules(aws, group_id) == before
        return
    ids = [each["SecurityGroupRuleId"] for each in said["SecurityGroupRules"]]
    assert len(ids) == asked
    aws.call(revoke_security_group_ingress, GroupId=group_id, SecurityGroupRuleIds=ids)
    assert rules(aws, group_id) == before
