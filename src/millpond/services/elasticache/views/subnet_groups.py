"""Subnet groups as AWS's responses. Pure."""

from millpond.operation import Response
from millpond.services.elasticache.records.subnet_groups import SubnetGroup

_NETWORK_TYPES = ("ipv4",)


def subnet_group(group: SubnetGroup) -> Response:
    """The shape CacheSubnetGroup."""
    return {
        "CacheSubnetGroupName": group.name,
        "CacheSubnetGroupDescription": group.description,
        "VpcId": group.vpc,
        "Subnets": [
            {
                "SubnetIdentifier": each.id,
                "SubnetAvailabilityZone": {"Name": each.zone},
                "SupportedNetworkTypes": list(_NETWORK_TYPES),
            }
            for each in group.subnets
        ],
        "ARN": group.arn,
        "SupportedNetworkTypes": list(_NETWORK_TYPES),
    }
