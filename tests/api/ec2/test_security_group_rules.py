"""Security groups and their rules, through boto3."""

from collections.abc import Mapping
from typing import Any

import pytest

from tests.api.ec2.networks_world import explained, filters, given_group, given_vpc, group, refused, tcp
from tests.support.installation import Installation
from tests.support.waiting import eventually

ANYWHERE = "0.0.0.0/0"


@pytest.fixture
def vpc(ec2: Any) -> str:
    return given_vpc(ec2)


@pytest.fixture
def caches(ec2: Any, vpc: str) -> str:
    return given_group(ec2, vpc)


def test_a_new_group_lets_nothing_in_and_everything_out(ec2: Any, vpc: str):
    tags = [{"Key": "team", "Value": "caches"}]
    made = ec2.create_security_group(
        GroupName=" mine ",
        Description="d",
        VpcId=vpc,
        TagSpecifications=[{"ResourceType": "security-group", "Tags": tags}],
    )

    found = group(ec2, made["GroupId"])
    assert (found["GroupName"], found["Tags"], made["Tags"]) == ("mine", tags, tags)
    assert found["IpPermissions"] == []
    assert [each["IpRanges"] for each in found["IpPermissionsEgress"]] == [[{"CidrIp": ANYWHERE}]]
    assert made["SecurityGroupArn"] == found["SecurityGroupArn"]


@pytest.mark.parametrize(
    ("request_", "code", "message"),
    [
        ({"GroupName": "default"}, "InvalidGroup.Reserved", "Cannot use reserved security group name: default"),
        (
            {"GroupName": "sg-mine"},
            "InvalidParameterValue",
            "Value (sg-mine) for parameter GroupName is invalid. Group names may not be in the format sg-*.",
        ),
        (
            {"Description": "Größe"},
            "InvalidParameterValue",
            "Value (Größe) for parameter GroupDescription is invalid. Character sets beyond ASCII are not supported.",
        ),
        ({"Description": "a" * 256}, "InvalidParameterValue", ""),
        ({"GroupName": "<b>"}, "InvalidParameterValue", ""),
        ({"VpcId": "vpc-0123"}, "InvalidVpcID.NotFound", "The vpc ID 'vpc-0123' does not exist"),
    ],
)
def test_a_group_that_cannot_be_is_refused(ec2: Any, vpc: str, request_: dict[str, str], code: str, message: str):
    with refused(code, message):
        ec2.create_security_group(**{"GroupName": "mine", "Description": "d", "VpcId": vpc, **request_})


def test_a_name_is_taken_once_in_a_vpc(ec2: Any, vpc: str, caches: str):
    with refused("InvalidGroup.Duplicate", f"The security group 'caches' already exists for VPC '{vpc}'"):
        given_group(ec2, vpc)
    assert given_group(ec2, given_vpc(ec2)) != caches


def test_the_seed_s_rule_is_authorized_and_revoked(ec2: Any):
    default = ec2.describe_security_groups(GroupNames=["default"])["SecurityGroups"][0]["GroupId"]

    said = ec2.authorize_security_group_ingress(
        GroupId=default, IpProtocol="tcp", FromPort=6379, ToPort=6379, CidrIp=ANYWHERE
    )

    (rule,) = said["SecurityGroupRules"]
    assert said["Return"] is True
    assert rule["SecurityGroupRuleId"].startswith("sgr-0")
    assert (rule["GroupId"], rule["IsEgress"], rule["FromPort"], rule["CidrIpv4"]) == (default, False, 6379, ANYWHERE)
    assert said["ResponseMetadata"]["HTTPHeaders"]["x-millpond-notice"].startswith("enforcement: none")
    gone = ec2.revoke_security_group_ingress(GroupId=default, IpPermissions=[tcp(6379, ANYWHERE)])
    assert [each["SecurityGroupRuleId"] for each in gone["RevokedSecurityGroupRules"]] == [rule["SecurityGroupRuleId"]]
    assert len(group(ec2, default)["IpPermissions"]) == 1


def test_rules_are_gathered_by_protocol_and_ports(ec2: Any, vpc: str, caches: str):
    clients = given_group(ec2, vpc, "clients")
    permission = tcp(6379, "10.0.0.9/24", ANYWHERE, groups=(clients,), last=6380)
    permission["Ipv6Ranges"] = [{"CidrIpv6": "FD00:0::1/64", "Description": "six"}]

    made = ec2.authorize_security_group_ingress(GroupId=caches, IpPermissions=[permission])["SecurityGroupRules"]

    assert len({each["SecurityGroupRuleId"] for each in made}) == 4
    (found,) = group(ec2, caches)["IpPermissions"]
    assert (found["IpProtocol"], found["FromPort"], found["ToPort"]) == ("tcp", 6379, 6380)
    assert found["IpRanges"] == [{"CidrIp": "10.0.0.0/24"}, {"CidrIp": ANYWHERE}]
    assert found["Ipv6Ranges"] == [{"CidrIpv6": "fd00::/64", "Description": "six"}]
    assert [each["GroupId"] for each in found["UserIdGroupPairs"]] == [clients]


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ({"IpProtocol": "6", "FromPort": 1, "ToPort": 2}, ("tcp", 1, 2)),
        ({"IpProtocol": "TCP", "FromPort": 0, "ToPort": 65535}, ("tcp", 0, 65535)),
        ({"IpProtocol": "17", "FromPort": 53, "ToPort": 53}, ("udp", 53, 53)),
        ({"IpProtocol": "icmp", "FromPort": 8, "ToPort": -1}, ("icmp", 8, -1)),
        ({"IpProtocol": "icmp", "FromPort": -1, "ToPort": -1}, ("icmp", -1, -1)),
        ({"IpProtocol": "icmpv6"}, ("icmpv6", -1, -1)),
        ({"IpProtocol": "50", "FromPort": 7, "ToPort": 9}, ("50", None, None)),
        ({"IpProtocol": "-1", "FromPort": 7, "ToPort": 9}, ("-1", None, None)),
    ],
)
def test_protocols_and_ports_are_kept_as_aws_writes_them(
    ec2: Any, caches: str, given: dict[str, Any], shown: tuple[Any, ...]
):
    ec2.authorize_security_group_ingress(GroupId=caches, IpPermissions=[{**given, "IpRanges": [{"CidrIp": ANYWHERE}]}])
    (found,) = group(ec2, caches)["IpPermissions"]
    assert (found["IpProtocol"], found.get("FromPort"), found.get("ToPort")) == shown


BAD = [
    (
        {"FromPort": None},
        "InvalidParameterValue",
        "Invalid value 'Must specify both from and to ports with TCP/UDP.' for portRange.",
    ),
    ({"FromPort": -1}, "InvalidPermission.Malformed", "TCP/UDP port (-1) out of range"),
    ({"ToPort": 65536}, "InvalidPermission.Malformed", "TCP/UDP port (65536) out of range"),
    ({"FromPort": 6380}, "InvalidParameterValue", "Invalid TCP/UDP port range (6380:6379)"),
    ({"IpProtocol": "tcpp"}, "InvalidParameterValue", "Invalid value 'tcpp' for IP protocol. Unknown protocol."),
    ({"IpProtocol": "256"}, "InvalidParameterValue", "Invalid value '256' for IP protocol. Unknown protocol."),
    ({"IpProtocol": "-2"}, "InvalidParameterValue", ""),
    ({"IpProtocol": None}, "MissingParameter", "The request must contain the parameter ipProtocol"),
    ({"IpProtocol": "icmp", "FromPort": 256}, "InvalidPermission.Malformed", ""),
    ({"IpProtocol": "icmp", "FromPort": -1, "ToPort": 0}, "InvalidPermission.Malformed", ""),
    (
        {"IpProtocol": "icmp", "FromPort": None},
        "InvalidParameterValue",
        "Invalid value 'Must specify both from and to ports with ICMP.' for portRange.",
    ),
    ({"IpRanges": [{"CidrIp": "10.0.0.0/33"}]}, "InvalidParameterValue", "CIDR block 10.0.0.0/33 is malformed"),
    ({"IpRanges": [{"CidrIp": "10.0.0.1"}]}, "InvalidParameterValue", "CIDR block 10.0.0.1 is malformed"),
    ({"IpRanges": [{"CidrIp": "010.0.0.1/8"}]}, "InvalidParameterValue", ""),
    ({"IpRanges": [{"CidrIp": "::/0"}]}, "InvalidParameterValue", ""),
    ({"IpRanges": [{"CidrIp": "\u0660.0.0.0/0"}]}, "InvalidParameterValue", ""),
    ({"IpRanges": [], "Ipv6Ranges": [{"CidrIpv6": "0.0.0.0/0"}]}, "InvalidParameterValue", ""),
    ({"IpRanges": [], "Ipv6Ranges": [{"CidrIpv6": "fe80::1%eth0/64"}]}, "InvalidParameterValue", ""),
    ({"IpRanges": [{"CidrIp": ANYWHERE, "Description": "<>"}]}, "InvalidParameterValue", ""),
    ({"IpRanges": []}, "MissingParameter", ""),
    (
        {"IpRanges": [], "UserIdGroupPairs": [{"GroupId": "sg-0123"}]},
        "InvalidGroup.NotFound",
        "The security group 'sg-0123' does not exist",
    ),
    ({"IpRanges": [], "UserIdGroupPairs": [{"GroupId": "caches"}]}, "InvalidGroupId.Malformed", ""),
    ({"IpRanges": [], "UserIdGroupPairs": [{"UserId": "123456789012"}]}, "MissingParameter", ""),
    ({"IpRanges": [], "PrefixListIds": [{"PrefixListId": "pl-0123"}]}, "InvalidPrefixListID.NotFound", ""),
]


@pytest.mark.parametrize(("change", "code", "message"), BAD)
def test_one_bad_rule_refuses_the_whole_request(ec2: Any, caches: str, change: dict[str, Any], code: str, message: str):
    good, bad = tcp(22, ANYWHERE), {**tcp(6379, ANYWHERE), **change}
    with refused(code, message):
        ec2.authorize_security_group_ingress(
            GroupId=caches, IpPermissions=[good, {name: value for name, value in bad.items() if value is not None}]
        )
    assert group(ec2, caches)["IpPermissions"] == []


def test_a_rule_that_is_there_is_refused_and_nothing_beside_it_is_added(ec2: Any, caches: str):
    ec2.authorize_security_group_ingress(GroupId=caches, IpPermissions=[tcp(6379, ANYWHERE)])

    with refused(
        "InvalidPermission.Duplicate",
        'the specified rule "peer: 0.0.0.0/0, TCP, from port: 6379, to port: 6379, ALLOW" already exists',
    ):
        ec2.authorize_security_group_ingress(GroupId=caches, IpPermissions=[tcp(22, ANYWHERE), tcp(6379, ANYWHERE)])
    with refused("InvalidPermission.Duplicate", 'the specified rule "peer: 0.0.0.0/0, ALL, ALLOW" already exists'):
        everything = {"IpProtocol": "-1", "IpRanges": [{"CidrIp": ANYWHERE}]}
        ec2.authorize_security_group_egress(GroupId=caches, IpPermissions=[everything])
    with refused("InvalidParameterValue", "The same permission must not appear multiple times"):
        ec2.authorize_security_group_ingress(GroupId=caches, IpPermissions=[tcp(22, ANYWHERE, "10.0.0.0/0")])
    assert [each["FromPort"] for each in group(ec2, caches)["IpPermissions"]] == [6379]


def test_a_group_holds_sixty_rules_of_each_direction(ec2: Any, caches: str):
    sixty = [tcp(port, ANYWHERE) for port in range(1, 61)]
    ec2.authorize_security_group_ingress(GroupId=caches, IpPermissions=sixty)

    with refused(
        "RulesPerSecurityGroupLimitExceeded", "The maximum number of rules per security group has been reached."
    ):
        ec2.authorize_security_group_ingress(GroupId=caches, IpPermissions=[tcp(61, ANYWHERE)])
    six = {"IpProtocol": "tcp", "FromPort": 61, "ToPort": 61, "Ipv6Ranges": [{"CidrIpv6": "::/0"}]}
    ec2.authorize_security_group_ingress(GroupId=caches, IpPermissions=[six])
    ec2.authorize_security_group_egress(GroupId=caches, IpPermissions=[tcp(61, ANYWHERE)])
    assert len(ec2.describe_security_group_rules(Filters=filters(group_id=caches))["SecurityGroupRules"]) == 63


def test_what_is_not_there_cannot_be_revoked(ec2: Any, caches: str):
    ec2.authorize_security_group_ingress(GroupId=caches, IpPermissions=[tcp(6379, ANYWHERE)])

    with refused("InvalidPermission.NotFound", "The specified rule does not exist in this security group."):
        ec2.revoke_security_group_ingress(GroupId=caches, IpPermissions=[tcp(6379, ANYWHERE), tcp(22, ANYWHERE)])
    with refused("InvalidSecurityGroupRuleId.NotFound"):
        ec2.revoke_security_group_ingress(GroupId=caches, SecurityGroupRuleIds=["sgr-0123"])
    assert len(group(ec2, caches)["IpPermissions"]) == 1


def test_in_the_default_vpc_a_rule_that_was_not_there_is_only_told(ec2: Any):
    mine = ec2.create_security_group(GroupName="mine", Description="d")["GroupId"]

    said = ec2.revoke_security_group_ingress(GroupId=mine, IpPermissions=[tcp(22, ANYWHERE)])

    assert [each["FromPort"] for each in said["UnknownIpPermissions"]] == [22]
    assert said["RevokedSecurityGroupRules"] == []


def test_rules_are_revoked_by_id_in_their_direction_only(ec2: Any, caches: str):
    (made,) = ec2.authorize_security_group_ingress(GroupId=caches, IpPermissions=[tcp(22, ANYWHERE)])[
        "SecurityGroupRules"
    ]
    wanted = [made["SecurityGroupRuleId"]]

    with refused("InvalidSecurityGroupRuleId.NotFound"):
        ec2.revoke_security_group_egress(GroupId=caches, SecurityGroupRuleIds=wanted)
    ec2.revoke_security_group_ingress(GroupId=caches, SecurityGroupRuleIds=wanted)
    assert group(ec2, caches)["IpPermissions"] == []


def test_terraform_takes_away_the_rule_that_lets_everything_out(ec2: Any, caches: str):
    everything = {"IpProtocol": "-1", "IpRanges": [{"CidrIp": ANYWHERE}]}
    ec2.revoke_security_group_egress(GroupId=caches, IpPermissions=[everything])
    with refused("InvalidPermission.NotFound"):
        ec2.revoke_security_group_egress(
            GroupId=caches, IpPermissions=[{"IpProtocol": "-1", "Ipv6Ranges": [{"CidrIpv6": "::/0"}]}]
        )
    assert group(ec2, caches)["IpPermissionsEgress"] == []


def test_a_rule_is_changed_and_keeps_its_id(ec2: Any, vpc: str, caches: str):
    clients = given_group(ec2, vpc, "clients")
    made = ec2.authorize_security_group_ingress(GroupId=caches, IpPermissions=[tcp(22, ANYWHERE), tcp(23, ANYWHERE)])
    first, second = (each["SecurityGroupRuleId"] for each in made["SecurityGroupRules"])

    def modify(**change: Any) -> None:
        rule = {"IpProtocol": "tcp", "FromPort": 6379, "ToPort": 6379, "CidrIpv4": ANYWHERE, **change}
        ec2.modify_security_group_rules(
            GroupId=caches,
            SecurityGroupRules=[
                {"SecurityGroupRuleId": first, "SecurityGroupRule": {k: v for k, v in rule.items() if v is not None}}
            ],
        )

    modify(CidrIpv4=None, ReferencedGroupId=clients, Description="clients")
    (rule,) = ec2.describe_security_group_rules(SecurityGroupRuleIds=[first])["SecurityGroupRules"]
    assert (rule["FromPort"], rule["Description"]) == (6379, "clients")
    assert rule["ReferencedGroupInfo"]["GroupId"] == clients
    with refused("InvalidParameterCombination"):
        modify(ReferencedGroupId=clients)
    with refused("InvalidParameterCombination"):
        modify(CidrIpv4=None)
    with refused("InvalidPermission.Duplicate"):
        modify(FromPort=23, ToPort=23)
    first = "sgr-0123"
    with refused("InvalidSecurityGroupRuleId.NotFound"):
        modify()
    assert second in {each["SecurityGroupRuleId"] for each in ec2.describe_security_group_rules()["SecurityGroupRules"]}


def test_descriptions_are_written_anew(ec2: Any, caches: str):
    made = ec2.authorize_security_group_ingress(GroupId=caches, IpPermissions=[tcp(22, ANYWHERE), tcp(23, ANYWHERE)])
    rule = made["SecurityGroupRules"][0]["SecurityGroupRuleId"]
    said = tcp(23)
    said["IpRanges"] = [{"CidrIp": ANYWHERE, "Description": "telnet"}]

    ec2.update_security_group_rule_descriptions_ingress(
        GroupId=caches, SecurityGroupRuleDescriptions=[{"SecurityGroupRuleId": rule, "Description": "ssh"}]
    )
    ec2.update_security_group_rule_descriptions_ingress(GroupId=caches, IpPermissions=[said])

    found = ec2.describe_security_group_rules(Filters=filters(group_id=caches, **{"is-egress": "false"}))
    assert {each["FromPort"]: each["Description"] for each in found["SecurityGroupRules"]} == {22: "ssh", 23: "telnet"}
    with refused("InvalidPermission.NotFound"):
        ec2.update_security_group_rule_descriptions_ingress(GroupId=caches, IpPermissions=[tcp(24, ANYWHERE)])
    with refused("MissingParameter"):
        ec2.update_security_group_rule_descriptions_egress(GroupId=caches)


def test_a_group_of_another_vpc_is_no_source(ec2: Any, caches: str):
    foreign = given_group(ec2, given_vpc(ec2), "foreign")
    with refused("InvalidGroup.NotFound", "You have specified two resources that belong to different networks."):
        ec2.authorize_security_group_ingress(GroupId=caches, IpPermissions=[tcp(22, groups=(foreign,))])
    stranger = {"IpProtocol": "-1", "UserIdGroupPairs": [{"GroupId": caches, "UserId": "210987654321"}]}
    with refused("InvalidGroup.NotFound"):
        ec2.authorize_security_group_ingress(GroupId=caches, IpPermissions=[stranger])


def test_groups_of_the_default_vpc_go_by_name_too(ec2: Any):
    ec2.create_security_group(GroupName="mine", Description="d")
    ec2.authorize_security_group_ingress(GroupName="mine", SourceSecurityGroupName="default")

    (mine,) = ec2.describe_security_groups(GroupNames=["mine"])["SecurityGroups"]
    assert {(each["IpProtocol"], each["FromPort"], each["ToPort"]) for each in mine["IpPermissions"]} == {
        ("tcp", 0, 65535),
        ("udp", 0, 65535),
        ("icmp", -1, -1),
    }
    ec2.delete_security_group(GroupName="mine")
    with refused("InvalidGroup.NotFound"):
        ec2.delete_security_group(GroupName="mine")
    with refused("MissingParameter", "The request must contain the parameter groupName or groupId"):
        ec2.delete_security_group()


def test_a_group_in_use_or_by_default_stays(ec2: Any, vpc: str, caches: str):
    clients = given_group(ec2, vpc, "clients")
    ec2.authorize_security_group_ingress(GroupId=caches, IpPermissions=[tcp(22, groups=(clients,))])
    (default,) = ec2.describe_security_groups(Filters=filters(vpc_id=vpc, group_name="default"))["SecurityGroups"]

    with refused("DependencyViolation", f"resource {clients} has a dependent object"):
        ec2.delete_security_group(GroupId=clients)
    with refused(
        "CannotDelete", f'the specified group: "{default["GroupId"]}" name: "default" cannot be deleted by a user'
    ):
        ec2.delete_security_group(GroupId=default["GroupId"])
    ec2.delete_security_group(GroupId=caches)
    ec2.delete_security_group(GroupId=clients)


def test_prefix_lists_stand_for_their_blocks_and_count_for_their_size(ec2: Any, caches: str):
    made = ec2.create_managed_prefix_list(
        PrefixListName="offices",
        AddressFamily="IPv4",
        MaxEntries=59,
        Entries=[{"Cidr": "10.9.0.0/16", "Description": "one"}, {"Cidr": "10.8.0.0/16"}],
    )["PrefixList"]
    permission = {"IpProtocol": "-1", "PrefixListIds": [{"PrefixListId": made["PrefixListId"]}]}
    ec2.authorize_security_group_ingress(GroupId=caches, IpPermissions=[permission])

    ec2.authorize_security_group_ingress(GroupId=caches, IpPermissions=[tcp(1, ANYWHERE)])
    with refused("RulesPerSecurityGroupLimitExceeded"):
        ec2.authorize_security_group_ingress(GroupId=caches, IpPermissions=[tcp(2, ANYWHERE)])
    with refused("PrefixListInUse"):
        ec2.delete_managed_prefix_list(PrefixListId=made["PrefixListId"])
    entries = ec2.get_managed_prefix_list_entries(PrefixListId=made["PrefixListId"])["Entries"]
    assert entries == [{"Cidr": "10.8.0.0/16"}, {"Cidr": "10.9.0.0/16", "Description": "one"}]
    ec2.revoke_security_group_ingress(GroupId=caches, IpPermissions=[permission])
    ec2.delete_managed_prefix_list(PrefixListId=made["PrefixListId"])
    assert ec2.describe_managed_prefix_lists()["PrefixLists"] == []


def test_groups_are_found_by_what_their_rules_say(ec2: Any, caches: str):
    ec2.authorize_security_group_ingress(GroupId=caches, IpPermissions=[tcp(6379, "10.0.0.0/8")])
    for given in (
        {"ip-permission.cidr": "10.0.0.0/8"},
        {"ip-permission.from-port": "6379"},
        {"ip-permission.protocol": "tcp"},
    ):
        found = ec2.describe_security_groups(Filters=filters(**given))["SecurityGroups"]
        assert [each["GroupId"] for each in found] == [caches]


def test_pages_of_rules_show_each_once(ec2: Any, caches: str):
    ec2.authorize_security_group_ingress(GroupId=caches, IpPermissions=[tcp(port, ANYWHERE) for port in range(1, 12)])
    pages = ec2.get_paginator("describe_security_group_rules").paginate(
        Filters=filters(group_id=caches), PaginationConfig={"PageSize": 5}
    )
    shown = [each["SecurityGroupRuleId"] for page in pages for each in page["SecurityGroupRules"]]
    assert (len(shown), len(set(shown))) == (12, 12)


def test_tags_go_on_anything_with_an_id_all_or_none(ec2: Any, vpc: str, caches: str):
    (made,) = ec2.authorize_security_group_ingress(GroupId=caches, IpPermissions=[tcp(22, ANYWHERE)])[
        "SecurityGroupRules"
    ]
    rule = made["SecurityGroupRuleId"]

    with refused("InvalidVpcID.NotFound"):
        ec2.create_tags(Resources=[caches, "vpc-0123"], Tags=[{"Key": "a", "Value": "1"}])
    with refused("InvalidID"):
        ec2.create_tags(Resources=["thing"], Tags=[{"Key": "a", "Value": "1"}])
    with refused("InvalidParameterValue"):
        ec2.create_tags(Resources=[vpc], Tags=[{"Key": "aws:a", "Value": "1"}])
    assert ec2.describe_tags()["Tags"] == []
    ec2.create_tags(Resources=[vpc, caches, rule], Tags=[{"Key": "a", "Value": "1"}, {"Key": "b", "Value": "2"}])
    ec2.delete_tags(Resources=[caches, rule], Tags=[{"Key": "a", "Value": "other"}, {"Key": "b"}])
    ec2.delete_tags(Resources=[vpc])

    said = [(each["ResourceId"], each["ResourceType"], each["Key"]) for each in ec2.describe_tags()["Tags"]]
    assert sorted(said) == sorted([(caches, "security-group", "a"), (rule, "security-group-rule", "a")])
    assert [
        each["GroupId"] for each in ec2.describe_security_groups(Filters=filters(**{"tag:a": "1"}))["SecurityGroups"]
    ] == [caches]
    assert len(ec2.describe_tags(Filters=filters(resource_type="security-group-rule"))["Tags"]) == 1


def test_fifty_tags_are_the_most(ec2: Any, caches: str):
    fifty: list[Mapping[str, str]] = [{"Key": f"k{number}", "Value": ""} for number in range(50)]
    ec2.create_tags(Resources=[caches], Tags=fifty)
    with refused("TagLimitExceeded"):
        ec2.create_tags(Resources=[caches], Tags=[{"Key": "one", "Value": "more"}])


def test_every_change_reaches_the_controller_of_the_vpc(ec2: Any, millpond: Installation, vpc: str, caches: str):
    nothing = "nothing lives in it: there is nothing to lay out"
    eventually(lambda: explained(millpond, vpc) == nothing, "a pass")
