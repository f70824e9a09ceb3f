"""EC2 as far as caches need it: networks and their security groups, instances to reach caches from.

`records` say what is promised, `operations` make promises, `controller` keeps them; `desired` is pure. An account's
defaults follow from its number and the region, so that whoever looks first, a read or a write, sees the same ones.

Other slices use only what is exported here. `default_vpc` and its like say what an account has before it changes
anything; `find_…` look at what it has now.
"""

from millpond.operation import service
from millpond.services.ec2.controller import VpcController
from millpond.services.ec2.default_network import default_security_group, default_subnets, default_vpc
from millpond.services.ec2.geography import zone_names
from millpond.services.ec2.instance_access import find_instance, push_ssh_key, recorded_instance_processes
from millpond.services.ec2.instance_controller import InstanceController, Outfit
from millpond.services.ec2.instance_facts import InstanceFacts, credentials_at, instance_facts
from millpond.services.ec2.interfaces import (
    create_interface,
    delete_interface,
    find_machine_interface,
    interface,
    machine_interface,
    set_interface_circle,
    set_interface_groups,
)
from millpond.services.ec2.lookup import (
    find_default_security_group,
    find_default_vpc,
    find_security_group,
    find_subnet,
    find_subnets,
    has_free_address,
    interfaces_of_vpc,
    recorded_vpcs,
)
from millpond.services.ec2.operations import (
    geography,
    instance_attributes,
    instance_states,
    instances,
    key_pairs,
    network_interfaces,
    offers,
    prefix_lists,
    routing,
    security_group_rules,
    security_groups,
    subnets,
    tags,
    vpc_defaults,
    vpcs,
)
from millpond.services.ec2.records.instances import INSTANCE_CONTROLLER, Instance, key_of_instance_process
from millpond.services.ec2.records.network_interfaces import NetworkInterface
from millpond.services.ec2.records.networks import VPC_CONTROLLER, Subnet, Vpc, vpc_key
from millpond.services.ec2.records.security_groups import SecurityGroup
from millpond.services.ec2.tables.names import publish as publish_names
from millpond.services.ec2.tables.zones import fail as fail_zone
from millpond.services.ec2.tables.zones import failed as failed_zones
from millpond.services.ec2.tables.zones import restore as restore_zone

SERVICE = service(
    "ec2",
    [
        each
        for family in (
            vpcs,
            subnets,
            security_groups,
            security_group_rules,
            network_interfaces,
            routing,
            vpc_defaults,
            prefix_lists,
            tags,
            geography,
            key_pairs,
            instances,
            instance_states,
            instance_attributes,
            offers,
        )
        for each in family.OPERATIONS
    ],
)

__all__ = [
    "INSTANCE_CONTROLLER",
    "SERVICE",
    "VPC_CONTROLLER",
    "Instance",
    "InstanceController",
    "InstanceFacts",
    "NetworkInterface",
    "Outfit",
    "SecurityGroup",
    "Subnet",
    "Vpc",
    "VpcController",
    "create_interface",
    "credentials_at",
    "default_security_group",
    "default_subnets",
    "default_vpc",
    "delete_interface",
    "fail_zone",
    "failed_zones",
    "find_default_security_group",
    "find_default_vpc",
    "find_instance",
    "find_machine_interface",
    "find_security_group",
    "find_subnet",
    "find_subnets",
    "has_free_address",
    "instance_facts",
    "interface",
    "interfaces_of_vpc",
    "key_of_instance_process",
    "machine_interface",
    "publish_names",
    "push_ssh_key",
    "recorded_instance_processes",
    "recorded_vpcs",
    "restore_zone",
    "set_interface_circle",
    "set_interface_groups",
    "vpc_key",
    "zone_names",
]
