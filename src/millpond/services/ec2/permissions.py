"""Rules read from requests: `IpPermissions`, the old parameters beside it, and single rules. Pure.

Protocols, ports and blocks are written as EC2 itself writes them (`6` is `tcp`, host bits are cleared), so that equal
rules compare equal. A mistake anywhere refuses the whole request.

Source: the EC2 API reference, types `IpPermission` and `SecurityGroupRuleRequest`; sentences where they are known.
"""

import re
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

import msgspec

from millpond.operation import CommonFault, Request
from millpond.services.ec2 import cidr, kinds
from millpond.services.ec2.records.security_groups import Peer, Permission

Resolve = Callable[[Mapping[str, Any]], str]
"""A `UserIdGroupPair` → the id of the group, or a fault."""

_PROTOCOLS: Mapping[str, str] = MappingProxyType({
    "tcp": "tcp",
    "6": "tcp",
    "udp": "udp",
    "17": "udp",
    "icmp": "icmp",
    "1": "icmp",
    "icmpv6": "icmpv6",
    "58": "icmpv6",
    "-1": "-1",
    "all": "-1",
})
_DESCRIPTION = re.compile(r"[a-zA-Z0-9. _\-:/()#,@\[\]+=&;{}!$*]{0,255}")


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """One rule that a request speaks of."""

    permission: Permission
    description: str = ""
    is_described: bool = False
    """Whether the request gives a description at all."""


def asked_rules(request: Request, *, egress: bool, resolve: Resolve) -> list[Asked]:
    """Every rule of a request to authorize, revoke or describe anew, in its order."""
    given = list(request.get("IpPermissions") or ())
    if legacy := _legacy(request, egress=egress):
        if given:
            raise CommonFault(
                "InvalidParameterCombination", "The parameter ipPermissions cannot be used with the older parameters"
            )
        given = legacy
    rules = [each for permission in given for each in _of_permission(permission, egress=egress, resolve=resolve)]
    said = [each.permission for each in rules]
    if len(set(said)) < len(said):
        raise CommonFault("InvalidParameterValue", "The same permission must not appear multiple times")
    return rules


def replaced_permission(given: Mapping[str, Any], *, egress: bool, resolve: Resolve) -> Asked:
    """The rule that a `SecurityGroupRuleRequest` says an existing rule shall be."""
    peers = {
        "IpRanges": [{"CidrIp": given["CidrIpv4"]}] if given.get("CidrIpv4") else [],
        "Ipv6Ranges": [{"CidrIpv6": given["CidrIpv6"]}] if given.get("CidrIpv6") else [],
        "UserIdGroupPairs": [{"GroupId": given["ReferencedGroupId"]}] if given.get("ReferencedGroupId") else [],
        "PrefixListIds": [{"PrefixListId": given["PrefixListId"]}] if given.get("PrefixListId") else [],
    }
    ports = {name: given[name] for name in ("IpProtocol", "FromPort", "ToPort") if given.get(name) is not None}
    if sum(map(len, peers.values())) != 1:
        raise CommonFault(
            "InvalidParameterCombination",
            "Exactly one of cidrIpv4, cidrIpv6, prefixListId and referencedGroupId must be specified for a rule",
        )
    (rule,) = _of_permission({**ports, **peers}, egress=egress, resolve=resolve)
    description = checked_description(given.get("Description") or "")
    return msgspec.structs.replace(rule, description=description, is_described=given.get("Description") is not None)


def checked_description(text: str) -> str:
    """A rule's description, or InvalidParameterValue."""
    if not _DESCRIPTION.fullmatch(text):
        raise CommonFault(
            "InvalidParameterValue",
            "Invalid rule description. Valid descriptions are strings less than 256 characters from the following "
            "set:  a-zA-Z0-9. _-:/()#,@[]+=&;{}!$*",
        )
    return text


def sentence(permission: Permission) -> str:
    """A rule as EC2's errors write it: `peer: 0.0.0.0/0, TCP, from port: 22, to port: 22, ALLOW`."""
    said = [f"peer: {permission.peer.text}", "ALL" if permission.protocol == "-1" else permission.protocol.upper()]
    if permission.protocol in {"tcp", "udp"}:
        said += [f"from port: {permission.from_port}", f"to port: {permission.to_port}"]
    elif permission.protocol in {"icmp", "icmpv6"}:
        said += [f"type: {permission.from_port}", f"code: {permission.to_port}"]
    return ", ".join([*said, "ALLOW"])


def _legacy(request: Request, *, egress: bool) -> list[dict[str, Any]]:
    """The parameters from before IpPermissions, as IpPermissions. Egress never had them."""
    ports = {name: request[name] for name in ("IpProtocol", "FromPort", "ToPort") if request.get(name) is not None}
    block, source = request.get("CidrIp"), request.get("SourceSecurityGroupName")
    if not (ports or block or source or request.get("SourceSecurityGroupOwnerId")):
        return []
    if egress:
        raise CommonFault("InvalidParameterCombination", "Egress rules must be specified with ipPermissions")
    if not source:
        return [{**ports, "IpRanges": [{"CidrIp": block}] if block else []}]
    if ports or block:
        raise CommonFault(
            "InvalidParameterCombination",
            "The parameter sourceSecurityGroupName cannot be used with cidrIp, ipProtocol, fromPort and toPort",
        )
    pair = {"GroupName": source, "UserId": request.get("SourceSecurityGroupOwnerId")}
    full = (("tcp", 0, 65535), ("udp", 0, 65535), ("icmp", -1, -1))
    return [
        {"IpProtocol": protocol, "FromPort": first, "ToPort": last, "UserIdGroupPairs": [pair]}
        for protocol, first, last in full
    ]


def _of_permission(given: Mapping[str, Any], *, egress: bool, resolve: Resolve) -> list[Asked]:
    protocol = _protocol(given.get("IpProtocol"))
    first, last = _ports(protocol, given.get("FromPort"), given.get("ToPort"))
    found: list[Asked] = []
    for member, read in _PEERS.items():
        for each in given.get(member) or ():
            peer = Peer(group=resolve(each)) if read is None else read(each)
            description = checked_description(each.get("Description") or "")
            permission = Permission(egress=egress, protocol=protocol, from_port=first, to_port=last, peer=peer)
            is_described = each.get("Description") is not None
            found.append(Asked(permission=permission, description=description, is_described=is_described))
    if not found:
        raise CommonFault(
            "MissingParameter",
            "Each permission must name a CIDR block, a security group or a prefix list: ipRanges, ipv6Ranges, "
            "userIdGroupPairs or prefixListIds",
        )
    return found


def _protocol(given: str | None) -> str:
    if not given:
        raise CommonFault("MissingParameter", "The request must contain the parameter ipProtocol")
    if known := _PROTOCOLS.get(given.lower()):
        return known
    if re.fullmatch(r"\d{1,3}", given, re.ASCII) and int(given) <= 255:
        number = str(int(given))
        return _PROTOCOLS.get(number, number)
    raise CommonFault("InvalidParameterValue", f"Invalid value '{given[:64]}' for IP protocol. Unknown protocol.")


def _ports(protocol: str, first: int | None, last: int | None) -> tuple[int, int]:
    match protocol:
        case "tcp" | "udp":
            if first is None or last is None:
                raise _bad_range("Must specify both from and to ports with TCP/UDP.")
            for port in (first, last):
                if not 0 <= port <= 65535:
                    raise CommonFault("InvalidPermission.Malformed", f"TCP/UDP port ({port}) out of range")
            if first > last:
                raise CommonFault("InvalidParameterValue", f"Invalid TCP/UDP port range ({first}:{last})")
            return first, last
        case "icmp" | "icmpv6":
            if first is None and last is None and protocol == "icmpv6":
                return -1, -1
            if first is None or last is None:
                raise _bad_range("Must specify both from and to ports with ICMP.")
            if not -1 <= first <= 255:
                raise CommonFault("InvalidPermission.Malformed", f"ICMP type ({first}) out of range")
            if not -1 <= last <= 255 or (first == -1 and last != -1):
                raise CommonFault("InvalidPermission.Malformed", f"ICMP code ({last}) out of range")
            return first, last
        case _:
            return -1, -1


def _bad_range(reason: str) -> CommonFault:
    return CommonFault("InvalidParameterValue", f"Invalid value '{reason}' for portRange.")


def _block(each: Mapping[str, Any]) -> Peer:
    text = each.get("CidrIp") or ""
    found = cidr.ipv4(text)
    if found is None:
        raise CommonFault("InvalidParameterValue", f"CIDR block {text[:64]} is malformed")
    return Peer(cidr=str(found))


def _block6(each: Mapping[str, Any]) -> Peer:
    text = each.get("CidrIpv6") or ""
    found = cidr.ipv6(text)
    if found is None:
        raise CommonFault("InvalidParameterValue", f"CIDR block {text[:64]} is malformed")
    return Peer(cidr6=str(found))


def _prefix_list(each: Mapping[str, Any]) -> Peer:
    given = each.get("PrefixListId") or ""
    kinds.PREFIX_LIST.check_form(given)
    return Peer(prefix_list=given)


_PEERS: Mapping[str, Callable[[Mapping[str, Any]], Peer] | None] = MappingProxyType({
    "IpRanges": _block,
    "Ipv6Ranges": _block6,
    "UserIdGroupPairs": None,
    "PrefixListIds": _prefix_list,
})
"""Member of an IpPermission → how its peers are read; groups are the caller's to find."""
