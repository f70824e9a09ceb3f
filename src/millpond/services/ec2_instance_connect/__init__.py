"""EC2 Instance Connect: a public key that is let into an instance for a minute."""

from millpond.operation import service
from millpond.services.ec2_instance_connect.operations import OPERATIONS

SERVICE = service("ec2-instance-connect", OPERATIONS)

__all__ = ["SERVICE"]
