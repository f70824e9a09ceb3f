"""Records as EC2's responses. Pure."""

from millpond.operation import Response
from millpond.services.ec2.geography import Region, region
from millpond.services.ec2.records import SecurityGroup, Subnet, Vpc, Zone


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
        "InstanceTenancy": "default",
        "IsDefault": record.is_default,
        "Tags": [],
    }


def subnet(record: Subnet) -> Response:
    return {
        "SubnetId": record.id,
        "SubnetArn": record.arn,
        "OwnerId": record.account,
        "VpcId": record.vpc,
        "State": "available",
        "AvailabilityZone": record.zone,
        "AvailabilityZoneId": record.zone_id,
        "CidrBlock": record.cidr,
        "AvailableIpAddressCount": record.free_addresses,
        "DefaultForAz": record.is_default,
        "MapPublicIpOnLaunch": record.is_default,
        "MapCustomerOwnedIpOnLaunch": False,
        "AssignIpv6AddressOnCreation": False,
        "Ipv6CidrBlockAssociationSet": [],
        "Ipv6Native": False,
        "EnableDns64": False,
        "PrivateDnsNameOptionsOnLaunch": {
            "HostnameType": "ip-name",
            "EnableResourceNameDnsARecord": False,
            "EnableResourceNameDnsAAAARecord": False,
        },
        "Tags": [],
    }


def security_group(record: SecurityGroup) -> Response:
    return {
        "GroupId": record.id,
        "GroupName": record.name,
        "Description": record.description,
        "OwnerId": record.account,
        "VpcId": record.vpc,
        "SecurityGroupArn": record.arn,
        "IpPermissions": [
            {
                "IpProtocol": "-1",
                "IpRanges": [],
                "Ipv6Ranges": [],
                "PrefixListIds": [],
                "UserIdGroupPairs": [{"GroupId": record.id, "UserId": record.account}],
            }
        ],
        "IpPermissionsEgress": [
            {
                "IpProtocol": "-1",
                "IpRanges": [{"CidrIp": "0.0.0.0/0"}],
                "Ipv6Ranges": [],
                "PrefixListIds": [],
                "UserIdGroupPairs": [],
            }
        ],
        "Tags": [],
    }


def availability_zone(record: Zone) -> Response:
    return {
        "ZoneName": record.name,
        "ZoneId": record.id,
        "ZoneType": "availability-zone",
        "RegionName": record.region,
        "GroupName": record.region,
        "NetworkBorderGroup": record.region,
        "State": "available",
        "OptInStatus": region(record.region).opt_in_status,
        "Messages": [],
    }


def aws_region(record: Region) -> Response:
    return {"RegionName": record.code, "Endpoint": record.endpoint, "OptInStatus": record.opt_in_status}
