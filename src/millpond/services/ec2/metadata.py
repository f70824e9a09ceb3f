"""What the metadata service answers to one instance: path below `/latest/` → text. Pure.

(EC2 user guide, "Instance metadata categories", as far as an instance of Millpond has them.)
"""

import base64
import json
from collections.abc import Mapping, Sequence

from millpond.services.ec2.offers import instance_types
from millpond.services.ec2.records.instances import Instance
from millpond.services.ec2.records.network_interfaces import NetworkInterface
from millpond.services.ec2.records.networks import Subnet, Vpc
from millpond.services.ec2.records.security_groups import SecurityGroup


def metadata(
    instance: Instance,
    interface: NetworkInterface,
    *,
    vpc: Vpc,
    subnet: Subnet,
    groups: Sequence[SecurityGroup],
    credentials: Mapping[str, str],
) -> dict[str, str]:
    """`credentials` are those of its role, by the role's name. User data that is no text is not here."""
    names = {each.id: each.name for each in groups}
    card = f"network/interfaces/macs/{interface.mac}"
    found = {
        "ami-id": instance.image,
        "ami-launch-index": str(instance.launch_index),
        "hostname": interface.private_name,
        "instance-action": "none",
        "instance-id": instance.id,
        "instance-life-cycle": "on-demand",
        "instance-type": instance.type,
        "local-hostname": interface.private_name,
        "local-ipv4": interface.address,
        "mac": interface.mac,
        "placement/availability-zone": instance.zone,
        "placement/availability-zone-id": subnet.zone_id,
        "placement/region": instance.region,
        "reservation-id": instance.reservation,
        "security-groups": "\n".join(names.get(each, each) for each in interface.groups),
        "services/domain": "amazonaws.com",
        "services/partition": "aws",
        f"{card}/device-number": "0",
        f"{card}/interface-id": interface.id,
        f"{card}/local-hostname": interface.private_name,
        f"{card}/local-ipv4s": interface.address,
        f"{card}/mac": interface.mac,
        f"{card}/owner-id": instance.account,
        f"{card}/security-group-ids": "\n".join(interface.groups),
        f"{card}/security-groups": "\n".join(names.get(each, each) for each in interface.groups),
        f"{card}/subnet-id": subnet.id,
        f"{card}/subnet-ipv4-cidr-block": subnet.cidr,
        f"{card}/vpc-id": vpc.id,
        f"{card}/vpc-ipv4-cidr-block": vpc.cidr,
        f"{card}/vpc-ipv4-cidr-blocks": vpc.cidr,
    }
    if instance.authorized_key:
        found["public-keys/"] = f"0={instance.key_name}"
        found["public-keys/0/openssh-key"] = f"{instance.authorized_key} {instance.key_name}"
    if instance.profile:
        info = {"InstanceProfileArn": instance.profile, "InstanceProfileId": instance.profile_association}
        found["iam/info"] = json.dumps({"Code": "Success", **info}, indent=2)
    for role, text in credentials.items():
        found[f"iam/security-credentials/{role}"] = text
    if instance.metadata.shows_tags:
        found |= {f"tags/instance/{key}": value for key, value in instance.tags.items()}
    return {
        **{f"meta-data/{path}": text for path, text in found.items()},
        "dynamic/instance-identity/document": _identity_document(instance, interface),
        **_user_data(instance),
    }


def _identity_document(instance: Instance, interface: NetworkInterface) -> str:
    return json.dumps(
        {
            "accountId": instance.account,
            "architecture": instance_types()[instance.type].architecture,
            "availabilityZone": instance.zone,
            "imageId": instance.image,
            "instanceId": instance.id,
            "instanceType": instance.type,
            "pendingTime": instance.launched_at.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "privateIp": interface.address,
            "region": instance.region,
            "version": "2017-09-30",
        },
        indent=2,
    )


def _user_data(instance: Instance) -> dict[str, str]:
    try:
        text = base64.b64decode(instance.user_data).decode("utf-8")
    except UnicodeDecodeError:
        return {}
    return {"user-data": text} if text else {}
