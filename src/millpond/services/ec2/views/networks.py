"""VPCs, subnets and what hangs on them as EC2's responses."""

from collections.abc import Sequence
from ipaddress import IPv4Network

from millpond.operation import Response
from millpond.services.ec2 import tagging
from millpond.services.ec2.records.network_interfaces import internal_domain
from millpond.services.ec2.records.networks import DhcpOptions, InternetGateway, NetworkAcl, RouteTable, Subnet, Vpc

RESERVED_ADDRESSES = 5
"""Of each subnet: network, router, resolver, one for the future, broadcast (VPC user guide, "Subnet sizing")."""


def vpc(record: Vpc) -> Response:
    return {
        "VpcId": record.id,
        "OwnerId": record.account,
        "State": "available",
        "CidrBlock": record.cidr,
        "CidrBlockAssociationSet": [
            {
                "AssociationId": record.association,
                "CidrBlock": record.cidr,
                "CidrBlockState": {"State": "associated"},
            }
        ],
        "Ipv6CidrBlockAssociationSet": [],
        "DhcpOptionsId": record.dhcp_options,
        "InstanceTenancy": record.tenancy,
        "IsDefault": record.is_default,
        "Tags": tagging.view(record.tags),
    }


def free_addresses(record: Subnet, taken: int) -> int:
    """How many addresses of a subnet are left when its interfaces have `taken`."""
    return IPv4Network(record.cidr).num_addresses - RESERVED_ADDRESSES - taken


def subnet(record: Subnet, *, taken: int) -> Response:
    return {
        "SubnetId": record.id,
        "SubnetArn": record.arn,
        "OwnerId": record.account,
        "VpcId": record.vpc,
        "State": "available",
        "AvailabilityZone": record.zone,
        "AvailabilityZoneId": record.zone_id,
        "CidrBlock": record.cidr,
        "AvailableIpAddressCount": free_addresses(record, taken),
        "DefaultForAz": record.is_default,
        "MapPublicIpOnLaunch": record.map_public_ip,
        "MapCustomerOwnedIpOnLaunch": False,
        "AssignIpv6AddressOnCreation": False,
        "Ipv6CidrBlockAssociationSet": [],
        "Ipv6Native": False,
        "EnableDns64": False,
        "PrivateDnsNameOptionsOnLaunch": {
            "HostnameType": record.hostname_type,
            "EnableResourceNameDnsARecord": record.resource_name_record,
            "EnableResourceNameDnsAAAARecord": False,
        },
        "Tags": tagging.view(record.tags),
    }


def route_table(record: RouteTable, vpc_cidr: str) -> Response:
    """The shape RouteTable; `vpc_cidr` is what is local."""
    routes = [
        {
            "DestinationCidrBlock": vpc_cidr,
            "GatewayId": "local",
            "Origin": "CreateRouteTable",
            "State": "active",
        }
    ]
    if record.gateway:
        default = {"DestinationCidrBlock": "0.0.0.0/0", "GatewayId": record.gateway}
        routes.append({**default, "Origin": "CreateRoute", "State": "active"})
    return {
        "RouteTableId": record.id,
        "VpcId": record.vpc,
        "OwnerId": record.account,
        "Routes": routes,
        "Associations": [
            {
                "Main": True,
                "RouteTableAssociationId": record.association,
                "RouteTableId": record.id,
                "AssociationState": {"State": "associated"},
            }
        ],
        "PropagatingVgws": [],
        "Tags": tagging.view(record.tags),
    }


def internet_gateway(record: InternetGateway) -> Response:
    return {
        "InternetGatewayId": record.id,
        "OwnerId": record.account,
        "Attachments": [{"VpcId": record.vpc, "State": "available"}] if record.vpc else [],
        "Tags": tagging.view(record.tags),
    }


def network_acl(record: NetworkAcl, subnets: Sequence[Subnet]) -> Response:
    """The shape NetworkAcl; `subnets` are those of its VPC, all of which it holds."""
    return {
        "NetworkAclId": record.id,
        "VpcId": record.vpc,
        "OwnerId": record.account,
        "IsDefault": True,
        "Associations": [
            {"NetworkAclAssociationId": each.acl_association, "NetworkAclId": record.id, "SubnetId": each.id}
            for each in subnets
        ],
        "Entries": [
            {
                "CidrBlock": "0.0.0.0/0",
                "Egress": egress,
                "Protocol": "-1",
                "RuleAction": action,
                "RuleNumber": number,
            }
            for egress in (True, False)
            for number, action in ((100, "allow"), (32767, "deny"))
        ],
        "Tags": tagging.view(record.tags),
    }


def dhcp_options(record: DhcpOptions) -> Response:
    configurations = {"domain-name": internal_domain(record.region), "domain-name-servers": "AmazonProvidedDNS"}
    return {
        "DhcpOptionsId": record.id,
        "OwnerId": record.account,
        "DhcpConfigurations": [{"Key": key, "Values": [{"Value": value}]} for key, value in configurations.items()],
        "Tags": tagging.view(record.tags),
    }
