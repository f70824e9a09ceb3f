"""Networks of their own on this machine: a VPC is a router namespace, an interface a namespace with one wire. Root.

`compile.py` turns a VPC into rules and `ruleset.py` rules into transactions, both pure; `fabric.py` makes it so with
`namespaces.py`, `links.py`, `leg.py` (the machine's own interface) and `programs.py` (`ip`, `nft`); `services.py` holds
what the control plane serves inside; `driver.py` starts processes inside; `probe.py` says whether this machine will do.
Processes are `host/local`'s matter.
"""

from millpond.host.linux.compile import resolvers
from millpond.host.linux.driver import LinuxHost
from millpond.host.linux.fabric import LinuxFabric
from millpond.host.linux.probe import Availability, available
from millpond.host.linux.services import Opener, Serve, Standing

__all__ = ["Availability", "LinuxFabric", "LinuxHost", "Opener", "Serve", "Standing", "available", "resolvers"]
