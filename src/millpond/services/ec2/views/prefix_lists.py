"""Managed prefix lists as EC2's responses."""

from millpond.operation import Response
from millpond.services.ec2 import tagging
from millpond.services.ec2.records.prefix_lists import PrefixList


def prefix_list(record: PrefixList) -> Response:
    return {
        "PrefixListId": record.id,
        "PrefixListArn": record.arn,
        "PrefixListName": record.name,
        "AddressFamily": record.family,
        "MaxEntries": record.most_entries,
        "OwnerId": record.account,
        "State": "create-complete",
        "Version": 1,
        "Tags": tagging.view(record.tags),
    }
