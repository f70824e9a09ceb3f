"""EC2 through boto3 against a whole Millpond, and what tests of networks say again and again."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import pytest
from botocore.exceptions import ClientError

from millpond.cli.door import Refused
from tests.support.installation import Installation


@contextmanager
def refused(code: str, message: str = "") -> Iterator[None]:
    """The block ends in a ClientError with this code, and with this message when one is given."""
    with pytest.raises(ClientError) as raised:
        yield
    error = raised.value.response["Error"]
    assert error["Code"] == code, error
    if message:
        assert error["Message"] == message


def tcp(port: int, *blocks: str, groups: tuple[str, ...] = (), last: int | None = None) -> dict[str, Any]:
    """An IpPermission."""
    return {
        "IpProtocol": "tcp",
        "FromPort": port,
        "ToPort": port if last is None else last,
        "IpRanges": [{"CidrIp": each} for each in blocks],
        "UserIdGroupPairs": [{"GroupId": each} for each in groups],
    }


def given_vpc(ec2: Any, cidr: str = "10.0.0.0/16") -> str:
    return ec2.create_vpc(CidrBlock=cidr)["Vpc"]["VpcId"]


def given_group(ec2: Any, vpc: str, name: str = "caches") -> str:
    return ec2.create_security_group(GroupName=name, Description="for tests", VpcId=vpc)["GroupId"]


def group(ec2: Any, group_id: str) -> Mapping[str, Any]:
    return ec2.describe_security_groups(GroupIds=[group_id])["SecurityGroups"][0]


def filters(**given: str | list[str]) -> list[dict[str, Any]]:
    return [
        {"Name": name.replace("_", "-"), "Values": [values] if isinstance(values, str) else values}
        for name, values in given.items()
    ]


def explained(millpond: Installation, name: str) -> str:
    """The control plane's sentence about a thing; nothing before its first pass."""
    try:
        return " ".join(each.why for each in millpond.door.explain(name))
    except Refused:
        return ""
