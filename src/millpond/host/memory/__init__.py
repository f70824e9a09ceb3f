"""A host of dictionaries: the twin of the real drivers for tests, with every fault that a test may ask for.

`machine.py` is the world (processes, disks, faults) and survives the driver as a machine survives the control plane;
`driver.py` keeps the contract of `host/spec.py` over it; `render.py` writes the world as text for golden tests.
`fabric.py` is the same for networks, with `packets.py` for a kernel, `instances.py` for instances. No engine is run
here: `engines/memory.py` plays that part.
"""

from millpond.host.memory.driver import MemoryHost
from millpond.host.memory.fabric import MemoryFabric, Networks
from millpond.host.memory.instances import MemoryInstances
from millpond.host.memory.machine import Machine

__all__ = ["Machine", "MemoryFabric", "MemoryHost", "MemoryInstances", "Networks"]
