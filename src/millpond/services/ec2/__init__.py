"""EC2 as far as caches need it: the default VPC of each account and region, its subnets and its security group.

Read-only, and computed rather than stored: ids follow from account and region, so that whoever looks first, a read or
a write, sees the same ones. Instances, further networks and packets are not here.
"""

from millpond.operation import service
from millpond.services.ec2.default_network import default_security_group, default_vpc, security_groups, subnet, subnets
from millpond.services.ec2.geography import zone_names
from millpond.services.ec2.operations import OPERATIONS
from millpond.services.ec2.records import SecurityGroup, Subnet, Vpc

SERVICE = service("ec2", OPERATIONS)

__all__ = [
    "SERVICE",
    "SecurityGroup",
    "Subnet",
    "Vpc",
    "default_security_group",
    "default_vpc",
    "security_groups",
    "subnet",
    "subnets",
    "zone_names",
]
