"""Security groups and rules as EC2's responses: rules one by one, and gathered into IpPermissions."""

from collections.abc import Iterable, Sequence
from typing import Any

from millpond.operation import Response
from millpond.services.ec2 import kinds, tagging
from millpond.services.ec2.records.record import arn
from millpond.services.ec2.records.security_groups import Permission, Rule, SecurityGroup


def security_group(record: SecurityGroup) -> Response:
    return {
        "GroupId": record.id,
        "GroupName": record.name,
        "Description": record.description,
        "OwnerId": record.account,
        "VpcId": record.vpc,
        "SecurityGroupArn": record.arn,
        "IpPermissions": ip_permissions(record.account, record.side(egress=False)),
        "IpPermissionsEgress": ip_permissions(record.account, record.side(egress=True)),
        "Tags": tagging.view(record.tags),
    }


def ip_permissions(account: str, rules: Iterable[Rule]) -> list[dict[str, Any]]:
    """Gather rules: one IpPermission for each protocol and range of ports, with all its peers."""
    gathered: dict[tuple[str, int, int], dict[str, Any]] = {}
    for rule in rules:
        said = rule.permission
        found = gathered.setdefault(
            (said.protocol, said.from_port, said.to_port),
            {
                "IpProtocol": said.protocol,
                **_ports(said),
                "IpRanges": [],
                "Ipv6Ranges": [],
                "PrefixListIds": [],
                "UserIdGroupPairs": [],
            },
        )
        described = {"Description": rule.description} if rule.description else {}
        if said.peer.cidr:
            found["IpRanges"].append({"CidrIp": said.peer.cidr, **described})
        elif said.peer.cidr6:
            found["Ipv6Ranges"].append({"CidrIpv6": said.peer.cidr6, **described})
        elif said.peer.group:
            found["UserIdGroupPairs"].append({"GroupId": said.peer.group, "UserId": account, **described})
        else:
            found["PrefixListIds"].append({"PrefixListId": said.peer.prefix_list, **described})
    return list(gathered.values())


def rules(group: SecurityGroup, some: Sequence[Rule]) -> list[Response]:
    return [security_group_rule(group, each) for each in some]


def security_group_rule(group: SecurityGroup, rule: Rule) -> Response:
    """The shape SecurityGroupRule."""
    peer = rule.permission.peer
    return {
        **_rule(group, rule),
        "GroupOwnerId": group.account,
        **({"ReferencedGroupInfo": {"GroupId": peer.group, "UserId": group.account}} if peer.group else {}),
        "SecurityGroupRuleArn": arn(group.account, group.region, kinds.SECURITY_GROUP_RULE, rule.id),
        "Tags": tagging.view(rule.tags),
    }


def revoked_rule(group: SecurityGroup, rule: Rule) -> Response:
    """The shape RevokedSecurityGroupRule."""
    peer = rule.permission.peer
    return {**_rule(group, rule), **({"ReferencedGroupId": peer.group} if peer.group else {})}


def _rule(group: SecurityGroup, rule: Rule) -> Response:
    said = rule.permission
    peers = {"CidrIpv4": said.peer.cidr, "CidrIpv6": said.peer.cidr6, "PrefixListId": said.peer.prefix_list}
    return {
        "SecurityGroupRuleId": rule.id,
        "GroupId": group.id,
        "IsEgress": said.egress,
        "IpProtocol": said.protocol,
        "FromPort": said.from_port,
        "ToPort": said.to_port,
        **{name: value for name, value in peers.items() if value},
        **({"Description": rule.description} if rule.description else {}),
    }


def _ports(said: Permission) -> dict[str, int]:
    has_ports = said.protocol in {"tcp", "udp", "icmp", "icmpv6"}
    return {"FromPort": said.from_port, "ToPort": said.to_port} if has_ports else {}
