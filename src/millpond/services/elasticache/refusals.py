"""Parameters that AWS knows and Millpond cannot honour yet: refused with AWS's code, never swallowed.

A parameter leaves this file on the day that it works.
"""

from collections.abc import Callable, Mapping
from typing import Any

from millpond.operation import Request
from millpond.services.elasticache.api import (
    InvalidParameterCombinationException,
    InvalidParameterValueException,
    SnapshotFeatureNotSupportedFault,
)

Harmless = Callable[[Any], bool]
"""Whether a value asks for nothing (an empty list, zero, false)."""


def _nothing(value: Any) -> bool:
    return not value


def _ipv4(value: Any) -> bool:
    return value in (None, "ipv4")


def _no_durability(value: Any) -> bool:
    return value in (None, "default", "disabled")


CREATE_CACHE_CLUSTER: Mapping[str, tuple[Harmless, str]] = {
    "SnapshotArns": (_nothing, "restores from RDB files"),
    "SnapshotName": (_nothing, "restores from snapshots"),
    "SnapshotRetentionLimit": (_nothing, "automatic snapshots"),
    "NotificationTopicArn": (_nothing, "notifications through SNS"),
    "AuthToken": (_nothing, "AUTH tokens of clusters that are no replication group"),
    "OutpostMode": (_nothing, "Outposts"),
    "PreferredOutpostArn": (_nothing, "Outposts"),
    "PreferredOutpostArns": (_nothing, "Outposts"),
    "LogDeliveryConfigurations": (_nothing, "log deliveries"),
    "NetworkType": (_ipv4, "IPv6 addresses"),
    "IpDiscovery": (_ipv4, "IPv6 addresses"),
}
MODIFY_CACHE_CLUSTER: Mapping[str, tuple[Harmless, str]] = {
    "SnapshotRetentionLimit": (_nothing, "automatic snapshots"),
    "NotificationTopicArn": (_nothing, "notifications through SNS"),
    "NotificationTopicStatus": (_nothing, "notifications through SNS"),
    "AuthToken": (_nothing, "AUTH tokens of clusters that are no replication group"),
    "AuthTokenUpdateStrategy": (_nothing, "AUTH tokens of clusters that are no replication group"),
    "LogDeliveryConfigurations": (_nothing, "log deliveries"),
    "IpDiscovery": (_ipv4, "IPv6 addresses"),
    "ScaleConfig": (_nothing, "gradual scalings"),
}
DELETE_CACHE_CLUSTER: Mapping[str, tuple[Harmless, str]] = {"FinalSnapshotIdentifier": (_nothing, "snapshots")}

CREATE_REPLICATION_GROUP: Mapping[str, tuple[Harmless, str]] = {
    "GlobalReplicationGroupId": (_nothing, "global datastores"),
    "SnapshotArns": (_nothing, "restores from RDB files"),
    "SnapshotName": (_nothing, "restores from snapshots"),
    "ServerlessCacheSnapshotName": (_nothing, "restores from snapshots"),
    "SnapshotRetentionLimit": (_nothing, "automatic snapshots"),
    "NotificationTopicArn": (_nothing, "notifications through SNS"),
    "TransitEncryptionEnabled": (_nothing, "TLS endpoints of replication groups"),
    "TransitEncryptionMode": (_nothing, "TLS endpoints of replication groups"),
    "AuthToken": (_nothing, "AUTH tokens"),
    "UserGroupIds": (_nothing, "user groups"),
    "AtRestEncryptionEnabled": (_nothing, "encrypted data directories"),
    "KmsKeyId": (_nothing, "KMS keys"),
    "LogDeliveryConfigurations": (_nothing, "log deliveries"),
    "DataTieringEnabled": (_nothing, "nodes with data tiering"),
    "NetworkType": (_ipv4, "IPv6 addresses"),
    "IpDiscovery": (_ipv4, "IPv6 addresses"),
    "Durability": (_no_durability, "durable writes"),
}
MODIFY_REPLICATION_GROUP: Mapping[str, tuple[Harmless, str]] = {
    "SnapshottingClusterId": (_nothing, "automatic snapshots"),
    "SnapshotRetentionLimit": (_nothing, "automatic snapshots"),
    "NotificationTopicArn": (_nothing, "notifications through SNS"),
    "NotificationTopicStatus": (_nothing, "notifications through SNS"),
    "TransitEncryptionEnabled": (_nothing, "TLS endpoints of replication groups"),
    "TransitEncryptionMode": (_nothing, "TLS endpoints of replication groups"),
    "AuthToken": (_nothing, "AUTH tokens"),
    "AuthTokenUpdateStrategy": (_nothing, "AUTH tokens"),
    "UserGroupIdsToAdd": (_nothing, "user groups"),
    "UserGroupIdsToRemove": (_nothing, "user groups"),
    "LogDeliveryConfigurations": (_nothing, "log deliveries"),
    "IpDiscovery": (_ipv4, "IPv6 addresses"),
    "Durability": (_no_durability, "durable writes"),
}
DELETE_REPLICATION_GROUP: Mapping[str, tuple[Harmless, str]] = {"FinalSnapshotIdentifier": (_nothing, "snapshots")}


def check(request: Request, refused: Mapping[str, tuple[Harmless, str]], *, engine: str | None = None) -> None:
    """Refuse what cannot be honoured. InvalidParameterCombination, naming the parameter."""
    if request.get("CacheSecurityGroupNames"):
        raise InvalidParameterCombinationException(
            "Use of cache security groups is not permitted in this API version for your account."
        )
    if engine == "memcached" and request.get("FinalSnapshotIdentifier"):
        raise SnapshotFeatureNotSupportedFault("Snapshots are not supported for Memcached clusters.")
    retention = request.get("SnapshotRetentionLimit")
    if retention is not None and not 0 <= retention <= 35:
        raise InvalidParameterValueException(
            f"Invalid SnapshotRetentionLimit: {retention}. It must be between 0 and 35 days."
        )
    if not request.get("TransitEncryptionEnabled") and (
        request.get("UserGroupIds") or request.get("UserGroupIdsToAdd")
    ):
        raise InvalidParameterCombinationException(
            "User group based access control requires encryption-in-transit to be enabled on the replication group."
        )
    for parameter, (harmless, feature) in refused.items():
        if not harmless(request.get(parameter)):
            raise InvalidParameterCombinationException(
                f"{parameter} cannot be honoured: {feature} are not available in this version of Millpond."
            )
