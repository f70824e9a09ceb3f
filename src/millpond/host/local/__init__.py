"""Real processes on this machine, without root: one address of 127/8 and one directory a node. Linux.

`driver.py` keeps the contract of `host/spec.py`; the other modules hold one idea each: who owns which addresses
(`addresses.py`, `listeners.py`), how a process is started so that none is ever lost (`launch.py`, `record.py`), how
its end is noticed (`exits.py`) and brought about (`ending.py`), what the kernel knows (`proc.py`), and how files are
written (`files.py`, `places.py`). Packets are not filtered here: enforcement is "none".
"""

from millpond.host.local.driver import LocalHost, Surround

__all__ = ["LocalHost", "Surround"]
