"""Instances as promised and as decided. No status is stored: `state` tells it from these facts."""

from collections.abc import Mapping
from datetime import datetime
from typing import ClassVar, Literal

import msgspec

from millpond.services.ec2 import kinds
from millpond.services.ec2.records.record import Record

INSTANCE_CONTROLLER = "instance"
"""The name under which the loop keeps instances."""

State = Literal["pending", "running", "shutting-down", "terminated", "stopping", "stopped"]


class Volume(msgspec.Struct, frozen=True, kw_only=True):
    """The root volume of an instance: its disk under the name that AWS gives it. Its size is not enforced."""

    id: str
    size: int
    """GiB"""
    type: str
    tags: Mapping[str, str] = {}


class MetadataOptions(msgspec.Struct, frozen=True, kw_only=True):
    """How the metadata service answers an instance."""

    enabled: bool = True
    tokens_required: bool = True
    hop_limit: int = 2
    shows_tags: bool = False


class Instance(Record, frozen=True, kw_only=True):
    """An instance in one account and region."""

    KIND: ClassVar = kinds.INSTANCE

    reservation: str
    launch_index: int
    client_token: str
    image: str
    type: str
    key_name: str
    authorized_key: str
    """The public key of its key pair at launch; empty without one."""
    vpc: str
    subnet: str
    zone: str
    interface: str
    volume: Volume
    metadata: MetadataOptions
    launched_at: datetime
    profile: str = ""
    """The ARN of its instance profile."""
    profile_association: str = ""
    user_data: str = ""
    """In base 64, as it was given."""
    shutdown_behavior: str = "stop"
    termination_protected: bool = False
    stop_protected: bool = False
    credit: str = "unlimited"

    wanted: Literal["running", "stopped", "terminated"] = "running"
    incarnation: int = 1
    """Counts deliberate starts."""
    seen_incarnation: int = 0
    """The newest incarnation that was seen running; 0: none yet."""
    rebooting: bool = False
    """This incarnation is a reboot, which AWS shows as `running` all the while."""
    at_rest: bool = False
    """It was seen stopped since it was last wanted so."""
    gone_at: datetime | None = None
    """When it was seen terminated."""
    reason: str = ""
    """Why it was stopped or terminated, in AWS's words: `User initiated (2026-11-22 10:00:00 GMT)`."""
    reason_code: str = ""
    """AWS's code and sentence: `Client.UserInitiatedShutdown: User initiated shutdown`."""
    note: str = ""
    """What the host does not hold it to, for people."""
    access_key_id: str = ""
    """Of the newest credentials of its role."""

    @property
    def process_name(self) -> str:
        """The name of its process on the host."""
        return f"{self.account}.{self.region}.{self.id}"

    @property
    def key(self) -> str:
        return f"{self.account}/{self.region}/{self.id}"

    @property
    def state(self) -> State:
        """The instance's state, as EC2 names it."""
        match self.wanted:
            case "terminated":
                return "terminated" if self.gone_at else "shutting-down"
            case "stopped":
                return "stopped" if self.at_rest else "stopping"
            case "running":
                return "running" if self.rebooting or self.seen_incarnation == self.incarnation else "pending"


def key_of_instance_process(name: str) -> str | None:
    """The key of the instance that a process is; None for a process that is no instance."""
    parts = name.split(".")
    return "/".join(parts) if len(parts) == 3 and parts[2].startswith("i-") else None


class PushedKey(msgspec.Struct, frozen=True, kw_only=True):
    """A public key that EC2 Instance Connect lets in for a minute."""

    instance: str
    user: str
    key: str
    expires_at: datetime
