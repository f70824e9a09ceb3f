"""Pure: the resources of a call as CloudTrail lists them: an ARN's type (CloudFormation's names) and its name."""

from collections.abc import Iterable, Mapping
from types import MappingProxyType

import msgspec

_MOST = 50
_TYPES: Mapping[tuple[str, str], str] = MappingProxyType({
    ("elasticache", "cluster"): "AWS::ElastiCache::CacheCluster",
    ("elasticache", "globalreplicationgroup"): "AWS::ElastiCache::GlobalReplicationGroup",
    ("elasticache", "parametergroup"): "AWS::ElastiCache::ParameterGroup",
    ("elasticache", "replicationgroup"): "AWS::ElastiCache::ReplicationGroup",
    ("elasticache", "reserved-instance"): "AWS::ElastiCache::ReservedCacheNode",
    ("elasticache", "securitygroup"): "AWS::ElastiCache::SecurityGroup",
    ("elasticache", "serverlesscache"): "AWS::ElastiCache::ServerlessCache",
    ("elasticache", "serverlesscachesnapshot"): "AWS::ElastiCache::ServerlessCacheSnapshot",
    ("elasticache", "snapshot"): "AWS::ElastiCache::Snapshot",
    ("elasticache", "subnetgroup"): "AWS::ElastiCache::SubnetGroup",
    ("elasticache", "user"): "AWS::ElastiCache::User",
    ("elasticache", "usergroup"): "AWS::ElastiCache::UserGroup",
    ("iam", "group"): "AWS::IAM::Group",
    ("iam", "instance-profile"): "AWS::IAM::InstanceProfile",
    ("iam", "mfa"): "AWS::IAM::VirtualMFADevice",
    ("iam", "oidc-provider"): "AWS::IAM::OIDCProvider",
    ("iam", "policy"): "AWS::IAM::Policy",
    ("iam", "role"): "AWS::IAM::Role",
    ("iam", "saml-provider"): "AWS::IAM::SAMLProvider",
    ("iam", "user"): "AWS::IAM::User",
    ("ec2", "security-group"): "AWS::EC2::SecurityGroup",
    ("ec2", "subnet"): "AWS::EC2::Subnet",
    ("ec2", "vpc"): "AWS::EC2::VPC",
    ("sso", "instance"): "AWS::SSO::Instance",
    ("sso", "permissionset"): "AWS::SSO::PermissionSet",
    ("identitystore", "group"): "AWS::IdentityStore::Group",
    ("identitystore", "user"): "AWS::IdentityStore::User",
})


class Named(msgspec.Struct, frozen=True, kw_only=True):
    """A resource as LookupEvents knows it."""

    type: str
    name: str
    account: str


def named(arn: str) -> Named | None:
    """What an ARN names; None for patterns and for what is no ARN."""
    parts = arn.split(":", 5)
    if len(parts) != 6 or parts[0] != "arn" or "*" in arn:
        return None
    _, _, service, _, account, rest = parts
    kind, separator, name = rest.partition(":" if ":" in rest else "/")
    if not separator or not name:
        return None
    kind_of = _TYPES.get((service, kind.lower()), f"AWS::{service}::{kind}")
    # IAM's paths are no part of a name; an issuer's URL is.
    short = name.rpartition("/")[2] if service == "iam" and kind != "oidc-provider" else name
    return Named(type=kind_of, name=short, account=account)


def listed(arns: Iterable[str]) -> list[dict[str, str]]:
    """The `resources` of a record: each ARN once, in the order asked for."""
    found = []
    for arn in dict.fromkeys(arns):
        each = named(arn)
        if each is not None:
            found.append({"ARN": arn, "accountId": each.account, "type": each.type})
    return found[:_MOST]
