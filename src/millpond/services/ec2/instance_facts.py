"""What an instance may know of itself, and the credentials of its role: for the metadata service of its VPC.

The instance is told by where it asks from: its VPC and its address.
"""

import base64
from collections.abc import Mapping, Sequence
from datetime import datetime

import msgspec
from sqlalchemy import Connection

from millpond.services import iam
from millpond.services.ec2.offers import instance_types
from millpond.services.ec2.records.instances import Instance
from millpond.services.ec2.records.network_interfaces import NetworkInterface
from millpond.services.ec2.records.networks import Subnet, Vpc
from millpond.services.ec2.records.security_groups import SecurityGroup
from millpond.services.ec2.tables import instance_access, records
from millpond.store import Vault


class InstanceFacts(msgspec.Struct, frozen=True, kw_only=True):
    """One instance, as the metadata service tells it."""

    instance_id: str
    address: str
    mac: str
    hostname: str
    account: str
    region: str
    zone: str
    zone_id: str
    instance_type: str
    image_id: str
    reservation_id: str
    vpc_id: str
    vpc_cidr: str
    subnet_id: str
    subnet_cidr: str
    interface_id: str
    launched: datetime
    security_groups: Mapping[str, str]
    """Name → id."""
    key_name: str
    public_key: str
    user_data: str
    """Octets that are no text are surrogates (PEP 383)."""
    profile_arn: str
    profile_id: str
    role: str
    tags: Mapping[str, str]
    """Only those that the instance lets be seen (`InstanceMetadataTags`)."""
    active_keys: Mapping[str, Sequence[str]]
    """User → keys pushed by EC2 Instance Connect that are good now."""
    tokens_required: bool
    enabled: bool
    hop_limit: int
    architecture: str


def instance_facts(transaction: Connection, vpc_id: str, address: str, now: datetime) -> InstanceFacts | None:
    """The instance at an address of a VPC; None when there is none."""
    found = _at(transaction, vpc_id, address)
    if found is None:
        return None
    instance, interface = found
    place = instance.account, instance.region
    vpc = records.get(transaction, Vpc, *place, instance.vpc)
    subnet = records.get(transaction, Subnet, *place, instance.subnet)
    assert vpc is not None
    assert subnet is not None, "a subnet with interfaces cannot be deleted"
    names = {each.id: each.name for each in records.every(transaction, SecurityGroup, *place, vpc=vpc.id)}
    role = _role(transaction, instance)
    return InstanceFacts(
        instance_id=instance.id,
        address=interface.address,
        mac=interface.mac,
        hostname=interface.private_name,
        account=instance.account,
        region=instance.region,
        zone=instance.zone,
        zone_id=subnet.zone_id,
        instance_type=instance.type,
        image_id=instance.image,
        reservation_id=instance.reservation,
        vpc_id=vpc.id,
        vpc_cidr=vpc.cidr,
        subnet_id=subnet.id,
        subnet_cidr=subnet.cidr,
        interface_id=interface.id,
        launched=instance.launched_at,
        security_groups={names.get(each, each): each for each in interface.groups},
        key_name=instance.key_name,
        public_key=f"{instance.authorized_key} {instance.key_name}" if instance.authorized_key else "",
        user_data=_user_data(instance),
        profile_arn=instance.profile,
        profile_id=instance.profile_association,
        role=role.name if role is not None else "",
        tags=instance.tags if instance.metadata.shows_tags else {},
        active_keys=_active_keys(transaction, instance, now),
        tokens_required=instance.metadata.tokens_required,
        enabled=instance.metadata.enabled,
        hop_limit=instance.metadata.hop_limit,
        architecture=instance_types()[instance.type].architecture,
    )


def credentials_at(
    transaction: Connection, vault: Vault, vpc_id: str, address: str, now: datetime
) -> iam.InstanceCredentials | None:
    """The credentials of the role of the instance at an address of a VPC. New ones are noted: this writes."""
    found = _at(transaction, vpc_id, address)
    role = _role(transaction, found[0]) if found is not None else None
    if found is None or role is None:
        return None
    instance, _ = found
    credentials = iam.instance_credentials(
        transaction, vault, role, instance_arn=instance.arn, access_key_id=instance.access_key_id, now=now
    )
    if credentials is not None and credentials.access_key_id != instance.access_key_id:
        records.retag(transaction, msgspec.structs.replace(instance, access_key_id=credentials.access_key_id))
    return credentials


def _user_data(instance: Instance) -> str:
    return base64.b64decode(instance.user_data).decode("utf-8", "surrogateescape")


def _at(transaction: Connection, vpc_id: str, address: str) -> tuple[Instance, NetworkInterface] | None:
    for interface in records.find(transaction, NetworkInterface, vpc=vpc_id, address=address):
        instance = (
            records.get(transaction, Instance, interface.account, interface.region, interface.instance)
            if interface.instance
            else None
        )
        if instance is not None:
            return instance, interface
    return None


def _role(transaction: Connection, instance: Instance) -> iam.Role | None:
    if not instance.profile:
        return None
    profile = iam.instance_profile(transaction, instance.account, instance.profile.rpartition("/")[2])
    return iam.profile_role(transaction, profile) if profile is not None else None


def _active_keys(transaction: Connection, instance: Instance, now: datetime) -> Mapping[str, Sequence[str]]:
    keys: dict[str, list[str]] = {}
    for each in instance_access.pushed_keys(transaction, instance.id, now):
        keys.setdefault(each.user, []).append(each.key)
    return keys
