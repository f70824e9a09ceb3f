"""Network ACLs and DHCP options: those that come with every VPC, for reading."""

from collections.abc import Sequence

from millpond.operation import Context, Operation, Request, Response
from millpond.services.ec2 import kinds
from millpond.services.ec2.operating import describe, every
from millpond.services.ec2.records.network_interfaces import internal_domain
from millpond.services.ec2.records.networks import DhcpOptions, NetworkAcl, Subnet
from millpond.services.ec2.selection import Filters, described
from millpond.services.ec2.views import networks as views


@describe
def describe_network_acls(ctx: Context, request: Request) -> Response:
    subnets: dict[str, list[Subnet]] = {}
    for each in every(ctx, Subnet):
        subnets.setdefault(each.vpc, []).append(each)
    filters: Filters[NetworkAcl] = {
        "association.association-id": lambda acl: [each.acl_association for each in subnets.get(acl.vpc, ())],
        "association.network-acl-id": lambda acl: [acl.id],
        "association.subnet-id": lambda acl: [each.id for each in subnets.get(acl.vpc, ())],
        "default": lambda _: ["true"],
        "entry.cidr": lambda _: ["0.0.0.0/0"],
        "entry.egress": lambda _: ["true", "false"],
        "entry.protocol": lambda _: ["-1"],
        "entry.rule-action": lambda _: ["allow", "deny"],
        "entry.rule-number": lambda _: ["100", "32767"],
        "network-acl-id": lambda acl: [acl.id],
        "owner-id": lambda acl: [acl.account],
        "vpc-id": lambda acl: [acl.vpc],
    }
    return described(
        ctx,
        request,
        every(ctx, NetworkAcl),
        kind=kinds.NETWORK_ACL,
        ids="NetworkAclIds",
        member="NetworkAcls",
        filters=filters,
        view=lambda acl: views.network_acl(acl, subnets.get(acl.vpc, ())),
    )


@describe
def describe_dhcp_options(ctx: Context, request: Request) -> Response:
    return described(
        ctx,
        request,
        every(ctx, DhcpOptions),
        kind=kinds.DHCP_OPTIONS,
        ids="DhcpOptionsIds",
        member="DhcpOptions",
        filters=_FILTERS,
        view=views.dhcp_options,
    )


_FILTERS: Filters[DhcpOptions] = {
    "dhcp-options-id": lambda options: [options.id],
    "key": lambda _: ["domain-name", "domain-name-servers"],
    "owner-id": lambda options: [options.account],
    "value": lambda options: [internal_domain(options.region), "AmazonProvidedDNS"],
}

OPERATIONS: Sequence[Operation] = (describe_dhcp_options, describe_network_acls)
