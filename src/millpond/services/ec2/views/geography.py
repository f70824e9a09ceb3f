"""Regions and zones as EC2's responses."""

from millpond.operation import Response
from millpond.services.ec2.geography import Region, region
from millpond.services.ec2.records.networks import Zone


def availability_zone(record: Zone, *, is_failed: bool) -> Response:
    """The shape AvailabilityZone; a zone whose power is interrupted is `impaired`."""
    return {
        "ZoneName": record.name,
        "ZoneId": record.id,
        "ZoneType": "availability-zone",
        "RegionName": record.region,
        "GroupName": record.region,
        "NetworkBorderGroup": record.region,
        "State": "impaired" if is_failed else "available",
        "OptInStatus": region(record.region).opt_in_status,
        "Messages": [],
    }


def aws_region(record: Region) -> Response:
    return {"RegionName": record.code, "Endpoint": record.endpoint, "OptInStatus": record.opt_in_status}
