"""Security groups and their rules."""

from collections.abc import Mapping
from typing import ClassVar

import msgspec

from millpond.services.ec2 import kinds
from millpond.services.ec2.records.record import Record

DEFAULT = "default"
"""The name of the group that every VPC has from the start."""


class Peer(msgspec.Struct, frozen=True, kw_only=True):
    """Whom a rule lets through: exactly one of these."""

    cidr: str = ""
    cidr6: str = ""
    group: str = ""
    prefix_list: str = ""

    @property
    def text(self) -> str:
        return self.cidr or self.cidr6 or self.group or self.prefix_list


class Permission(msgspec.Struct, frozen=True, kw_only=True):
    """What a rule says. Two rules of a group that say the same are duplicates, whatever their descriptions."""

    egress: bool
    protocol: str
    """`tcp`, `udp`, `icmp`, `icmpv6`, a number, or `-1` for all."""
    from_port: int = -1
    to_port: int = -1
    """For ICMP: type and code; -1 stands for all."""
    peer: Peer


class Rule(msgspec.Struct, frozen=True, kw_only=True):
    """One rule of a group."""

    id: str
    permission: Permission
    description: str = ""
    tags: Mapping[str, str] = {}


class SecurityGroup(Record, frozen=True, kw_only=True):
    """A security group."""

    KIND: ClassVar = kinds.SECURITY_GROUP

    vpc: str
    name: str
    description: str
    rules: tuple[Rule, ...] = ()

    @property
    def is_default(self) -> bool:
        return self.name == DEFAULT

    def rule(self, rule_id: str) -> Rule | None:
        return next((each for each in self.rules if each.id == rule_id), None)

    def side(self, *, egress: bool) -> tuple[Rule, ...]:
        """The rules of one direction."""
        return tuple(each for each in self.rules if each.permission.egress == egress)
