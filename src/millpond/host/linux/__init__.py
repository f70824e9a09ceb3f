"""Networks of their own on this machine: a VPC is a router namespace, an interface a namespace with one wire.

Networks: `compile.py` turns a VPC into rules and `ruleset.py` rules into transactions, both pure; `fabric.py` makes it
so with `namespaces.py`, `links.py`, `leg.py` (the machine's own interface) and `programs.py` (`ip`, `nft`).
`services.py` holds what the control plane serves inside, `metadata.py`, `metadata_server.py` and
`api_door.py` such services.

Processes: `driver.py` starts them inside, by `host/local`. Instances: `image.py`, `instances.py`, `cgroups.py`;
`pod.py` and `boot.py` are the programs that an instance is. `probe.py` says whether this machine will do.

Without root: `rootless.py` enters namespaces in which this user is root, `holder.py` is the program that keeps them.
"""

from millpond.host.linux.api_door import api_endpoint, api_service
from millpond.host.linux.compile import resolvers
from millpond.host.linux.driver import LinuxHost
from millpond.host.linux.fabric import LinuxFabric
from millpond.host.linux.image import Image, Images
from millpond.host.linux.metadata import InstanceMetadata, RoleCredentials
from millpond.host.linux.metadata_server import metadata_service
from millpond.host.linux.probe import Availability, available
from millpond.host.linux.rootless import Door, Holder, enter_if_needed
from millpond.host.linux.services import Opener, Serve, Standing

__all__ = [
    "Availability",
    "Door",
    "Holder",
    "Image",
    "Images",
    "InstanceMetadata",
    "LinuxFabric",
    "LinuxHost",
    "Opener",
    "RoleCredentials",
    "Serve",
    "Standing",
    "api_endpoint",
    "api_service",
    "available",
    "enter_if_needed",
    "metadata_service",
    "resolvers",
]
