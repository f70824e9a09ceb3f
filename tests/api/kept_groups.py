"""Replication groups through boto3, kept by the controller on the memory driver: made, waited for, looked into."""

import contextlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import msgspec
import pytest
from botocore.exceptions import ClientError

from millpond.engines.spec import OutsideState
from tests.support.installation import Installation
from tests.support.waiting import eventually

VALKEY = {
    "ReplicationGroupDescription": "web cache",
    "Engine": "valkey",
    "EngineVersion": "9.1",
    "CacheNodeType": "cache.t4g.micro",
}
CONFIG = {"Delay": 0.05, "MaxAttempts": 600}


@contextmanager
def groups_client(millpond: Installation, region: str) -> Iterator[Any]:
    """A client of ElastiCache; groups that are left at the end are deleted."""
    client = millpond.client("elasticache", region=region)
    yield client
    for each in client.describe_replication_groups()["ReplicationGroups"]:
        with contextlib.suppress(ClientError):
            # A test that failed may have left a migration.
            client.complete_migration(ReplicationGroupId=each["ReplicationGroupId"], Force=True)
        if each["Status"] != "deleting":
            eventually(lambda name=each["ReplicationGroupId"]: _deleted(client, name), f"{each} can be deleted")
    client.close()


def _deleted(client: Any, name: str) -> bool:
    try:
        client.delete_replication_group(ReplicationGroupId=name)
    except client.exceptions.InvalidReplicationGroupStateFault:
        return False
    except client.exceptions.ReplicationGroupNotFoundFault:
        return True
    return True


def wait(client: Any, name: str = "web") -> dict[str, Any]:
    """Wait until the group is available, and see that groups and clusters tell the same then."""
    client.get_waiter("replication_group_available").wait(ReplicationGroupId=name, WaiterConfig=CONFIG)
    [group] = client.describe_replication_groups(ReplicationGroupId=name)["ReplicationGroups"]
    for each in group["MemberClusters"]:
        [cluster] = client.describe_cache_clusters(CacheClusterId=each, ShowCacheNodeInfo=True)["CacheClusters"]
        assert (cluster["CacheClusterStatus"], cluster["ReplicationGroupId"]) == ("available", name)
        assert cluster["CacheNodes"][0]["CacheNodeStatus"] == "available"
    assert sorted(group["MemberClusters"]) == sorted(
        each["CacheClusterId"] for shard in group["NodeGroups"] for each in shard["NodeGroupMembers"]
    )
    return dict(group)


def made(client: Any, name: str = "web", **parameters: Any) -> dict[str, Any]:
    answer = client.create_replication_group(ReplicationGroupId=name, **(VALKEY | parameters))
    assert answer["ReplicationGroup"]["Status"] == "creating"
    return wait(client, name)


def primary(group: dict[str, Any]) -> str:
    [shard] = group["NodeGroups"]
    [found] = [each["CacheClusterId"] for each in shard["NodeGroupMembers"] if each["CurrentRole"] == "primary"]
    return str(found)


def messages(client: Any, kind: str, name: str) -> list[str]:
    events = client.describe_events(SourceIdentifier=name, SourceType=kind)["Events"]
    return [each["Message"] for each in reversed(events)]


def refused(call: Callable[..., Any], **parameters: Any) -> str:
    with pytest.raises(ClientError) as error:
        call(**parameters)
    return str(error.value.response["Error"]["Code"])


def slots(group: dict[str, Any]) -> list[int]:
    """How many slots each node group owns."""
    found = []
    for shard in group["NodeGroups"]:
        edges = [part.split("-") for part in shard["Slots"].split(",")]
        found.append(sum(int(each[-1]) - int(each[0]) + 1 for each in edges))
    return found


def keys(client: Any, millpond: Installation, name: str) -> dict[str, str]:
    """The data set of a member, to read and to write."""
    return millpond.engine("valkey").keys(f"{millpond.facts.account}.{client.meta.region_name}.{name}.0001")


def outside(millpond: Installation, address: str, **changes: Any) -> dict[str, str]:
    """The data set of an engine that is not Millpond's."""
    state = OutsideState(engine="redis", version="6.2.14", role="primary", clustered=False, offset=0)
    return millpond.engine("valkey").outside(address, msgspec.structs.replace(state, **changes))
