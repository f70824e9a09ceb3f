"""Network interfaces: read. Instances and caches make and delete them."""

from collections.abc import Sequence

from millpond.operation import Context, Operation, Request, Response
from millpond.services.ec2 import kinds
from millpond.services.ec2.operating import describe, every
from millpond.services.ec2.records.network_interfaces import NetworkInterface
from millpond.services.ec2.records.security_groups import SecurityGroup
from millpond.services.ec2.selection import Filters, described, word
from millpond.services.ec2.views import network_interfaces as views


@describe
def describe_network_interfaces(ctx: Context, request: Request) -> Response:
    names = {each.id: each.name for each in every(ctx, SecurityGroup)}
    return described(
        ctx,
        request,
        every(ctx, NetworkInterface),
        kind=kinds.NETWORK_INTERFACE,
        ids="NetworkInterfaceIds",
        member="NetworkInterfaces",
        filters={
            **_FILTERS,
            "group-name": lambda interface: [names.get(each, "") for each in interface.groups],
        },
        view=lambda interface: views.network_interface(interface, names),
    )


_FILTERS: Filters[NetworkInterface] = {
    "addresses.private-ip-address": lambda interface: [interface.address],
    "addresses.primary": lambda _: ["true"],
    "association.public-ip": lambda _: [],
    "association.allocation-id": lambda _: [],
    "attachment.attachment-id": lambda interface: [interface.attachment] if interface.attachment else [],
    "attachment.delete-on-termination": lambda interface: [word(bool(interface.instance))],
    "attachment.device-index": lambda interface: ["0"] if interface.attachment else [],
    "attachment.instance-id": lambda interface: [interface.instance] if interface.instance else [],
    "attachment.instance-owner-id": lambda interface: [interface.requester or interface.account],
    "attachment.status": lambda interface: ["attached"] if interface.attachment else [],
    "availability-zone": lambda interface: [interface.zone],
    "description": lambda interface: [interface.description],
    "group-id": lambda interface: interface.groups,
    "interface-type": lambda _: ["interface"],
    "ipv6-addresses.ipv6-address": lambda _: [],
    "mac-address": lambda interface: [interface.mac],
    "network-interface-id": lambda interface: [interface.id],
    "owner-id": lambda interface: [interface.account],
    "private-dns-name": lambda interface: [interface.private_name],
    "private-ip-address": lambda interface: [interface.address],
    "requester-id": lambda interface: [interface.requester] if interface.requester else [],
    "requester-managed": lambda interface: [word(bool(interface.requester))],
    "source-dest-check": lambda _: ["true"],
    "status": lambda interface: [views.status(interface)],
    "subnet-id": lambda interface: [interface.subnet],
    "vpc-id": lambda interface: [interface.vpc],
}

OPERATIONS: Sequence[Operation] = (describe_network_interfaces,)
