"""What a network is made of, in EC2's words. Pure values."""

import msgspec


class Vpc(msgspec.Struct, frozen=True, kw_only=True):
    """A virtual private cloud."""

    id: str
    account: str
    cidr: str
    dhcp_options: str
    association: str
    """The id under which the CIDR block is associated."""
    is_default: bool
    dns_support: bool = True
    dns_hostnames: bool = True


class Subnet(msgspec.Struct, frozen=True, kw_only=True):
    """A subnet: one block of a VPC in one availability zone."""

    id: str
    account: str
    region: str
    vpc: str
    zone: str
    zone_id: str
    cidr: str
    free_addresses: int
    is_default: bool

    @property
    def arn(self) -> str:
        return f"arn:aws:ec2:{self.region}:{self.account}:subnet/{self.id}"


class SecurityGroup(msgspec.Struct, frozen=True, kw_only=True):
    """A security group whose members reach each other and everything outside; AWS makes default groups like this."""

    id: str
    account: str
    region: str
    vpc: str
    name: str
    description: str

    @property
    def arn(self) -> str:
        return f"arn:aws:ec2:{self.region}:{self.account}:security-group/{self.id}"


class Zone(msgspec.Struct, frozen=True, kw_only=True):
    """An availability zone."""

    name: str
    """`us-east-1a`"""
    id: str
    """`use1-az1`"""
    region: str
