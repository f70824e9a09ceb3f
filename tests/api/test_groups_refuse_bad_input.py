"""Every parameter of every operation that makes or changes a replication group, given badly, over the wire.

Each is refused with AWS's code, and nothing is other than before. A parameter that AWS adds is missing here until somebody
says what is bad about it.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import pytest
from botocore.exceptions import ClientError
from botocore.loaders import Loader
from botocore.model import ServiceModel

from millpond.kernel import ids
from tests.api.kept_groups import VALKEY, groups_client, made
from tests.support.installation import Installation

VALUE, COMBINATION = "InvalidParameterValue", "InvalidParameterCombination"
LONG = "x" * 300

Bad = tuple[Mapping[str, Any], str]
"""What is given besides what is needed, and the code of the refusal."""

_HARMLESS: Sequence[Bad] = ()
"""Clients of AWS send nothing but true and false, and both are good."""

_WINDOWS: Sequence[Bad] = (
    *(({"PreferredMaintenanceWindow": each}, VALUE) for each in ("sun", "sun:05:00-sun:05:30", "day:05:00-day:06:00")),
    ({"PreferredMaintenanceWindow": "sun:24:00-mon:01:00"}, VALUE),
)
_SNAPSHOTS: Sequence[Bad] = (
    *(({"SnapshotWindow": each}, VALUE) for each in ("05:00", "05:00-05:59", "25:00-26:00", LONG)),
    ({"SnapshotWindow": "05:00-06:00", "PreferredMaintenanceWindow": "sun:05:30-sun:06:30"}, VALUE),
)
_LOGS: Sequence[Bad] = (
    ({"LogDeliveryConfigurations": [{"LogType": "slow-log", "DestinationType": "cloudwatch-logs"}]}, COMBINATION),
    ({"LogDeliveryConfigurations": [{"LogType": "fast-log"}]}, VALUE),
)

CREATE: Mapping[str, Sequence[Bad]] = {
    "ReplicationGroupId": [
        *(({"ReplicationGroupId": each}, VALUE) for each in ("", "1a", "a--b", "a-", "ä", "a b", "a" * 41, LONG)),
        ({"ReplicationGroupId": "web"}, "ReplicationGroupAlreadyExists"),
        ({"ReplicationGroupId": "WEB"}, "ReplicationGroupAlreadyExists"),
    ],
    "ReplicationGroupDescription": [({"ReplicationGroupDescription": None}, "MissingParameter")],
    "GlobalReplicationGroupId": [({"GlobalReplicationGroupId": "sgaui-x"}, COMBINATION)],
    "PrimaryClusterId": [
        (
            {"PrimaryClusterId": "nosuch", "CacheNodeType": None, "Engine": None, "EngineVersion": None},
            "CacheClusterNotFound",
        ),
        ({"PrimaryClusterId": "web-001"}, "InvalidCacheClusterState"),
    ],
    "AutomaticFailoverEnabled": [
        ({"AutomaticFailoverEnabled": True}, COMBINATION),
    ],
    "MultiAZEnabled": [({"MultiAZEnabled": True, "NumCacheClusters": 2}, COMBINATION)],
    "NumCacheClusters": [
        *(({"NumCacheClusters": each}, VALUE) for each in (0, 7, -1)),
        *(({"NumCacheClusters": each}, "MalformedInput") for each in ("many", 2**40, 1.5)),
    ],
    "PreferredCacheClusterAZs": [
        ({"PreferredCacheClusterAZs": ["nowhere"]}, VALUE),
        ({"PreferredCacheClusterAZs": ["nowhere"], "NumCacheClusters": 2}, COMBINATION),
    ],
    "NumNodeGroups": [
        *(({"NumNodeGroups": each}, VALUE) for each in (0, -1, 501)),
        ({"NumNodeGroups": 91, "AutomaticFailoverEnabled": True}, "NodeGroupsPerReplicationGroupQuotaExceeded"),
        (
            {"NumNodeGroups": 46, "ReplicasPerNodeGroup": 1, "AutomaticFailoverEnabled": True},
            "NodeQuotaForClusterExceeded",
        ),
        ({"NumNodeGroups": 2}, COMBINATION),
    ],
    "ReplicasPerNodeGroup": [({"ReplicasPerNodeGroup": each}, VALUE) for each in (-1, 6)],
    "NodeGroupConfiguration": [
        ({"NodeGroupConfiguration": [{"NodeGroupId": "no"}]}, VALUE),
        ({"NodeGroupConfiguration": [{"NodeGroupId": "00001"}]}, VALUE),
        ({"NodeGroupConfiguration": [{"Slots": "0-1"}, {"Slots": "1-16383"}]}, VALUE),
        ({"NodeGroupConfiguration": [{"ReplicaCount": 6}]}, VALUE),
        ({"NodeGroupConfiguration": [{"PrimaryAvailabilityZone": "nowhere"}]}, VALUE),
        ({"NodeGroupConfiguration": [{"ReplicaCount": 1}], "ReplicasPerNodeGroup": 2}, COMBINATION),
        ({"NodeGroupConfiguration": [{"PrimaryOutpostArn": "arn:x"}]}, COMBINATION),
        ({"NodeGroupConfiguration": [{"ReplicaOutpostArns": ["arn:x"]}]}, COMBINATION),
    ],
    "CacheNodeType": [
        *(({"CacheNodeType": each}, VALUE) for each in ("", "cache.huge", "t4g.micro", LONG)),
        ({"CacheNodeType": "cache.m1.small"}, COMBINATION),
        ({"CacheNodeType": "cache.r6gd.xlarge"}, COMBINATION),
    ],
    "Engine": [({"Engine": each}, VALUE) for each in ("memcached", "oracle", LONG)],
    "EngineVersion": [({"EngineVersion": each}, COMBINATION) for each in ("9.9", "9", "nine", "9.1.0", "-1", LONG)],
    "CacheParameterGroupName": [
        ({"CacheParameterGroupName": "nosuch"}, "CacheParameterGroupNotFound"),
        ({"CacheParameterGroupName": "default.redis7"}, COMBINATION),
        ({"CacheParameterGroupName": "default.valkey9.cluster.on"}, COMBINATION),
    ],
    "CacheSubnetGroupName": [({"CacheSubnetGroupName": "nosuch"}, "CacheSubnetGroupNotFoundFault")],
    "CacheSecurityGroupNames": [({"CacheSecurityGroupNames": ["default"]}, COMBINATION)],
    "SecurityGroupIds": [({"SecurityGroupIds": each}, VALUE) for each in (["sg-1"], ["default"], [LONG])],
    "Tags": [
        ({"Tags": [{"Key": "aws:x", "Value": "1"}]}, VALUE),
        ({"Tags": [{"Key": "x" * 129, "Value": "1"}]}, VALUE),
        ({"Tags": [{"Key": "a", "Value": "x" * 257}]}, VALUE),
        ({"Tags": [{"Value": "1"}]}, VALUE),
        ({"Tags": [{"Key": str(each), "Value": ""} for each in range(51)]}, "TagQuotaPerResourceExceeded"),
    ],
    "SnapshotArns": [({"SnapshotArns": ["arn:aws:s3:::b/k"]}, COMBINATION)],
    "SnapshotName": [({"SnapshotName": "nosuch"}, COMBINATION)],
    "PreferredMaintenanceWindow": _WINDOWS,
    "Port": [
        *(({"Port": each}, VALUE) for each in (0, 80, 1023, 65536, -1)),
        ({"Port": "web"}, "MalformedInput"),
    ],
    "NotificationTopicArn": [({"NotificationTopicArn": "arn:aws:sns:us-east-1:123456789012:t"}, COMBINATION)],
    "AutoMinorVersionUpgrade": _HARMLESS,
    "SnapshotRetentionLimit": [
        *(({"SnapshotRetentionLimit": each}, VALUE) for each in (-1, 36)),
        ({"SnapshotRetentionLimit": 1}, COMBINATION),
    ],
    "SnapshotWindow": _SNAPSHOTS,
    "AuthToken": [({"AuthToken": "x" * 16}, COMBINATION)],
    "TransitEncryptionEnabled": [({"TransitEncryptionEnabled": True}, COMBINATION)],
    "AtRestEncryptionEnabled": [({"AtRestEncryptionEnabled": True}, COMBINATION)],
    "KmsKeyId": [({"KmsKeyId": "k"}, COMBINATION)],
    "UserGroupIds": [({"UserGroupIds": ["nosuch"]}, COMBINATION)],
    "LogDeliveryConfigurations": _LOGS,
    "DataTieringEnabled": [({"DataTieringEnabled": True}, COMBINATION)],
    "NetworkType": [({"NetworkType": "dual_stack"}, COMBINATION), ({"NetworkType": "ipv5"}, VALUE)],
    "IpDiscovery": [({"IpDiscovery": "ipv6"}, COMBINATION), ({"IpDiscovery": "ipv5"}, VALUE)],
    "TransitEncryptionMode": [({"TransitEncryptionMode": "required"}, COMBINATION)],
    "ClusterMode": [({"ClusterMode": "sharded"}, VALUE), ({"ClusterMode": "enabled"}, COMBINATION)],
    "ServerlessCacheSnapshotName": [({"ServerlessCacheSnapshotName": "nosuch"}, COMBINATION)],
    "Durability": [({"Durability": "sync"}, COMBINATION), ({"Durability": "eternal"}, VALUE)],
}
MODIFY: Mapping[str, Sequence[Bad]] = {
    "ReplicationGroupId": [
        ({"ReplicationGroupId": each}, "ReplicationGroupNotFoundFault") for each in ("nosuch", "", "1a", LONG)
    ],
    "ReplicationGroupDescription": [
        ({"ReplicationGroupDescription": "d", "ClusterMode": "compatible"}, COMBINATION),
    ],
    "PrimaryClusterId": [
        ({"PrimaryClusterId": "nosuch"}, "CacheClusterNotFound"),
        ({"PrimaryClusterId": "kv-0001-001"}, VALUE),
        ({"PrimaryClusterId": "web-002"}, COMBINATION),
        ({"ReplicationGroupId": "kv", "PrimaryClusterId": "kv-0001-002"}, COMBINATION),
    ],
    "SnapshottingClusterId": [({"SnapshottingClusterId": "web-002"}, COMBINATION)],
    "AutomaticFailoverEnabled": [
        ({"ReplicationGroupId": "kv", "AutomaticFailoverEnabled": False}, COMBINATION),
    ],
    "MultiAZEnabled": [({"MultiAZEnabled": True, "AutomaticFailoverEnabled": False}, COMBINATION)],
    "NodeGroupId": [
        ({"NodeGroupId": "0002"}, "NodeGroupNotFoundFault"),
        ({"NodeGroupId": "no"}, "NodeGroupNotFoundFault"),
    ],
    "CacheSecurityGroupNames": [({"CacheSecurityGroupNames": ["default"]}, COMBINATION)],
    "SecurityGroupIds": [({"SecurityGroupIds": ["sg-1"]}, VALUE)],
    "PreferredMaintenanceWindow": _WINDOWS,
    "NotificationTopicArn": [({"NotificationTopicArn": "arn:aws:sns:us-east-1:123456789012:t"}, COMBINATION)],
    "CacheParameterGroupName": [
        ({"CacheParameterGroupName": "nosuch"}, "CacheParameterGroupNotFound"),
        ({"CacheParameterGroupName": "default.redis7"}, COMBINATION),
        ({"ReplicationGroupId": "kv", "CacheParameterGroupName": "default.valkey9"}, COMBINATION),
    ],
    "NotificationTopicStatus": [({"NotificationTopicStatus": "active"}, COMBINATION)],
    "ApplyImmediately": _HARMLESS,
    "Engine": [
        ({"Engine": "redis"}, COMBINATION),
        ({"Engine": "memcached", "EngineVersion": "1.6.22"}, VALUE),
        ({"Engine": "oracle", "EngineVersion": "9.1"}, VALUE),
    ],
    "EngineVersion": [({"EngineVersion": each}, COMBINATION) for each in ("8.0", "9.9", "nine", LONG)],
    "AutoMinorVersionUpgrade": _HARMLESS,
    "SnapshotRetentionLimit": [
        ({"SnapshotRetentionLimit": -1}, VALUE),
        ({"SnapshotRetentionLimit": 36}, VALUE),
        ({"SnapshotRetentionLimit": 1}, COMBINATION),
    ],
    "SnapshotWindow": _SNAPSHOTS,
    "CacheNodeType": [
        ({"CacheNodeType": each}, VALUE) for each in ("cache.huge", "cache.m1.small", "cache.r6gd.xlarge")
    ],
    "AuthToken": [({"AuthToken": "x" * 16}, COMBINATION)],
    "AuthTokenUpdateStrategy": [({"AuthTokenUpdateStrategy": "ROTATE"}, COMBINATION)],
    "UserGroupIdsToAdd": [({"UserGroupIdsToAdd": ["nosuch"]}, COMBINATION)],
    "UserGroupIdsToRemove": [({"UserGroupIdsToRemove": ["nosuch"]}, COMBINATION)],
    "RemoveUserGroups": _HARMLESS,
    "LogDeliveryConfigurations": _LOGS,
    "IpDiscovery": [({"IpDiscovery": "ipv6"}, COMBINATION), ({"IpDiscovery": "ipv5"}, VALUE)],
    "TransitEncryptionEnabled": [({"TransitEncryptionEnabled": True}, COMBINATION)],
    "TransitEncryptionMode": [({"TransitEncryptionMode": "preferred"}, COMBINATION)],
    "ClusterMode": [
        ({"ClusterMode": "enabled"}, COMBINATION),
        ({"ClusterMode": "sharded"}, VALUE),
        ({"ReplicationGroupId": "kv", "ClusterMode": "compatible"}, COMBINATION),
        ({"ReplicationGroupId": "kv", "ClusterMode": "disabled"}, COMBINATION),
        ({"ClusterMode": "compatible", "AutomaticFailoverEnabled": False}, COMBINATION),
    ],
    "Durability": [({"Durability": "sync"}, COMBINATION), ({"Durability": "eternal"}, VALUE)],
}
INCREASE: Mapping[str, Sequence[Bad]] = {
    "ReplicationGroupId": [({"ReplicationGroupId": "nosuch"}, "ReplicationGroupNotFoundFault")],
    "NewReplicaCount": [
        ({"NewReplicaCount": 6}, VALUE),
        ({"NewReplicaCount": 0}, VALUE),
        ({"NewReplicaCount": 1}, "NoOperationFault"),
        ({"NewReplicaCount": "many"}, "MalformedInput"),
        ({"NewReplicaCount": None}, COMBINATION),
    ],
    "ReplicaConfiguration": [
        (
            {"NewReplicaCount": None, "ReplicaConfiguration": [{"NodeGroupId": "0009", "NewReplicaCount": 2}]},
            VALUE,
        ),
        ({"ReplicaConfiguration": [{"NodeGroupId": "0001", "NewReplicaCount": 2}]}, COMBINATION),
    ],
    "ApplyImmediately": [({"ApplyImmediately": False}, VALUE), ({"ApplyImmediately": None}, "MissingParameter")],
}
DECREASE: Mapping[str, Sequence[Bad]] = {
    "ReplicationGroupId": [({"ReplicationGroupId": "nosuch"}, "ReplicationGroupNotFoundFault")],
    "NewReplicaCount": [
        ({"NewReplicaCount": -1}, VALUE),
        ({"NewReplicaCount": 0}, VALUE),
        ({"NewReplicaCount": 1}, "NoOperationFault"),
        ({"NewReplicaCount": None}, COMBINATION),
    ],
    "ReplicaConfiguration": [
        (
            {"NewReplicaCount": None, "ReplicaConfiguration": [{"NodeGroupId": "0009", "NewReplicaCount": 0}]},
            VALUE,
        ),
    ],
    "ReplicasToRemove": [
        ({"NewReplicaCount": None, "ReplicasToRemove": ["nosuch"]}, VALUE),
        ({"NewReplicaCount": None, "ReplicasToRemove": ["web-001"]}, VALUE),
    ],
    "ApplyImmediately": [({"ApplyImmediately": False}, VALUE)],
}
RESHARD: Mapping[str, Sequence[Bad]] = {
    "ReplicationGroupId": [
        ({"ReplicationGroupId": "nosuch"}, "ReplicationGroupNotFoundFault"),
        ({"ReplicationGroupId": "web"}, COMBINATION),
    ],
    "NodeGroupCount": [
        *(({"NodeGroupCount": each}, VALUE) for each in (0, -1, 501)),
        ({"NodeGroupCount": 91}, "NodeGroupsPerReplicationGroupQuotaExceeded"),
        ({"NodeGroupCount": 46}, "NodeQuotaForClusterExceeded"),
        ({"NodeGroupCount": 2}, "InvalidReplicationGroupState"),
        ({"NodeGroupCount": 1}, COMBINATION),
        ({"NodeGroupCount": "many"}, "MalformedInput"),
    ],
    "ApplyImmediately": [({"ApplyImmediately": False}, VALUE)],
    "ReshardingConfiguration": [
        ({"ReshardingConfiguration": [{"PreferredAvailabilityZones": ["nowhere"] * 2}]}, VALUE),
        ({"ReshardingConfiguration": [{"NodeGroupId": "0009"}]}, VALUE),
        ({"NodeGroupCount": 2, "ReshardingConfiguration": [{"NodeGroupId": "0001"}]}, COMBINATION),
    ],
    "NodeGroupsToRemove": [
        ({"NodeGroupCount": 1, "NodeGroupsToRemove": ["0009"]}, VALUE),
        ({"NodeGroupCount": 1, "NodeGroupsToRemove": ["0001", "0002"]}, VALUE),
        ({"NodeGroupsToRemove": ["0001"]}, COMBINATION),
    ],
    "NodeGroupsToRetain": [
        ({"NodeGroupCount": 1, "NodeGroupsToRetain": ["0001"], "NodeGroupsToRemove": ["0002"]}, COMBINATION),
    ],
}
DELETE: Mapping[str, Sequence[Bad]] = {
    "ReplicationGroupId": [({"ReplicationGroupId": "nosuch"}, "ReplicationGroupNotFoundFault")],
    "RetainPrimaryCluster": [({"ReplicationGroupId": "kv", "RetainPrimaryCluster": True}, COMBINATION)],
    "FinalSnapshotIdentifier": [({"FinalSnapshotIdentifier": "last"}, COMBINATION)],
}
FAIL_OVER: Mapping[str, Sequence[Bad]] = {
    "ReplicationGroupId": [({"ReplicationGroupId": "nosuch"}, "ReplicationGroupNotFoundFault")],
    "NodeGroupId": [({"NodeGroupId": "0009"}, "NodeGroupNotFoundFault"), ({"NodeGroupId": "no"}, VALUE)],
}
OPERATIONS: Mapping[str, tuple[str, Mapping[str, Any], Mapping[str, Sequence[Bad]]]] = {
    "CreateReplicationGroup": ("create_replication_group", {"ReplicationGroupId": "new", **VALKEY}, CREATE),
    "ModifyReplicationGroup": (
        "modify_replication_group",
        {"ReplicationGroupId": "web", "ApplyImmediately": True},
        MODIFY,
    ),
    "IncreaseReplicaCount": (
        "increase_replica_count",
        {"ReplicationGroupId": "web", "NewReplicaCount": 2, "ApplyImmediately": True},
        INCREASE,
    ),
    "DecreaseReplicaCount": (
        "decrease_replica_count",
        {"ReplicationGroupId": "web", "NewReplicaCount": 0, "ApplyImmediately": True},
        DECREASE,
    ),
    "ModifyReplicationGroupShardConfiguration": (
        "modify_replication_group_shard_configuration",
        {"ReplicationGroupId": "kv", "NodeGroupCount": 3, "ApplyImmediately": True},
        RESHARD,
    ),
    "DeleteReplicationGroup": ("delete_replication_group", {"ReplicationGroupId": "web"}, DELETE),
    "TestFailover": ("test_failover", {"ReplicationGroupId": "kv", "NodeGroupId": "0001"}, FAIL_OVER),
}
MODEL = ServiceModel(Loader().load_service_model("elasticache", "service-2"))


@pytest.fixture(scope="module")
def elasticache(millpond: Installation) -> Iterator[Any]:
    """A region with two groups, one without cluster mode and one with it, which nothing here may change."""
    region = f"xx-{''.join(chr(97 + ids.below(26)) for _ in range(12))}-1"
    with groups_client(millpond, region) as client:
        made(client, NumCacheClusters=2, AutomaticFailoverEnabled=True)
        made(client, "kv", NumNodeGroups=2, ReplicasPerNodeGroup=1, AutomaticFailoverEnabled=True)
        yield client


def everything(client: Any) -> list[Any]:
    answers = [
        client.describe_replication_groups(),
        client.describe_cache_clusters(ShowCacheNodeInfo=True),
        client.describe_events(Duration=600),
    ]
    for each in answers:
        del each["ResponseMetadata"]
    return answers


@pytest.mark.parametrize("operation", OPERATIONS)
def test_every_parameter_is_given_badly_here(operation: str):
    shape = MODEL.operation_model(operation).input_shape
    assert shape is not None
    assert OPERATIONS[operation][2].keys() == shape.members.keys()


@pytest.mark.parametrize(
    ("operation", "given", "code"),
    [
        pytest.param(operation, given, code, id=f"{operation}-{member}-{at}")
        for operation, (_, _, table) in OPERATIONS.items()
        for member, bad in table.items()
        for at, (given, code) in enumerate(bad)
    ],
)
def test_what_is_bad_is_refused_and_changes_nothing(
    elasticache: Any, operation: str, given: Mapping[str, Any], code: str
):
    method, base, _ = OPERATIONS[operation]
    call: Callable[..., Any] = getattr(elasticache, method)
    request = {name: value for name, value in {**base, **given}.items() if value is not None}
    before = everything(elasticache)
    with pytest.raises(ClientError) as error:
        call(**request)
    answer = error.value.response
    assert answer["Error"]["Code"] == code, answer["Error"]["Message"]
    assert 400 <= answer["ResponseMetadata"]["HTTPStatusCode"] < 500
    assert answer["Error"]["Message"]
    assert everything(elasticache) == before
