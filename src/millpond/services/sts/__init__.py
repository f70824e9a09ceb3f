"""STS: who am I, and temporary credentials. Sessions and trust are IAM's; this slice is the API over them."""

from millpond.operation import service
from millpond.services.sts.operations import OPERATIONS

SERVICE = service("sts", OPERATIONS)

__all__ = ["SERVICE"]
