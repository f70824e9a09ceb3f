"""The kinds of things that EC2 has: how their ids begin, what policies and tags call them, how they are missed. Pure.

Codes and sentences are those of the EC2 API reference, "Error codes"; a sentence has a place for the id.
"""

import msgspec

from millpond.operation import CommonFault


class Kind(msgspec.Struct, frozen=True, kw_only=True):
    """One kind of thing."""

    prefix: str
    """Of its ids: `vpc` of `vpc-0d3f…`."""
    type: str
    """As ARNs, tags and policies call it: `security-group`."""
    missing: str
    """The code for an id that nothing has."""
    malformed: str
    """The code for an id of another form."""
    sentence: str

    def not_found(self, resource_id: str) -> CommonFault:
        return CommonFault(self.missing, self.sentence.format(resource_id))

    def check_form(self, resource_id: str) -> None:
        """Raise the kind's `malformed` code when an id does not begin as its ids do."""
        if not resource_id.startswith(f"{self.prefix}-"):
            raise CommonFault(self.malformed, f'Invalid id: "{resource_id}" (expecting "{self.prefix}-...")')


VPC = Kind(
    prefix="vpc",
    type="vpc",
    missing="InvalidVpcID.NotFound",
    malformed="InvalidVpcId.Malformed",
    sentence="The vpc ID '{}' does not exist",
)
SUBNET = Kind(
    prefix="subnet",
    type="subnet",
    missing="InvalidSubnetID.NotFound",
    malformed="InvalidSubnetId.Malformed",
    sentence="The subnet ID '{}' does not exist",
)
SECURITY_GROUP = Kind(
    prefix="sg",
    type="security-group",
    missing="InvalidGroup.NotFound",
    malformed="InvalidGroupId.Malformed",
    sentence="The security group '{}' does not exist",
)
SECURITY_GROUP_RULE = Kind(
    prefix="sgr",
    type="security-group-rule",
    missing="InvalidSecurityGroupRuleId.NotFound",
    malformed="InvalidSecurityGroupRuleId.Malformed",
    sentence="The security group rule ID '{}' does not exist",
)
NETWORK_INTERFACE = Kind(
    prefix="eni",
    type="network-interface",
    missing="InvalidNetworkInterfaceID.NotFound",
    malformed="InvalidNetworkInterfaceId.Malformed",
    sentence="The networkInterface ID '{}' does not exist",
)
ROUTE_TABLE = Kind(
    prefix="rtb",
    type="route-table",
    missing="InvalidRouteTableID.NotFound",
    malformed="InvalidRouteTableId.Malformed",
    sentence="The routeTable ID '{}' does not exist",
)
INTERNET_GATEWAY = Kind(
    prefix="igw",
    type="internet-gateway",
    missing="InvalidInternetGatewayID.NotFound",
    malformed="InvalidInternetGatewayId.Malformed",
    sentence="The internetGateway ID '{}' does not exist",
)
NETWORK_ACL = Kind(
    prefix="acl",
    type="network-acl",
    missing="InvalidNetworkAclID.NotFound",
    malformed="InvalidNetworkAclId.Malformed",
    sentence="The networkAcl ID '{}' does not exist",
)
DHCP_OPTIONS = Kind(
    prefix="dopt",
    type="dhcp-options",
    missing="InvalidDhcpOptionID.NotFound",
    malformed="InvalidDhcpOptionsId.Malformed",
    sentence="The dhcpOption ID '{}' does not exist",
)
PREFIX_LIST = Kind(
    prefix="pl",
    type="prefix-list",
    missing="InvalidPrefixListID.NotFound",
    malformed="InvalidPrefixListId.Malformed",
    sentence="The prefix list ID '{}' does not exist",
)
KEY_PAIR = Kind(
    prefix="key",
    type="key-pair",
    missing="InvalidKeyPair.NotFound",
    malformed="InvalidKeyPair.Format",
    sentence="The key pair '{}' does not exist",
)
INSTANCE = Kind(
    prefix="i",
    type="instance",
    missing="InvalidInstanceID.NotFound",
    malformed="InvalidInstanceID.Malformed",
    sentence="The instance ID '{}' does not exist",
)
VOLUME = Kind(
    prefix="vol",
    type="volume",
    missing="InvalidVolume.NotFound",
    malformed="InvalidVolumeID.Malformed",
    sentence="The volume '{}' does not exist.",
)
IMAGE = Kind(
    prefix="ami",
    type="image",
    missing="InvalidAMIID.NotFound",
    malformed="InvalidAMIID.Malformed",
    sentence="The image id '[{}]' does not exist",
)
