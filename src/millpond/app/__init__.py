"""The composition root: the only place where things are built and joined. `run` is the control plane."""

from millpond.app.control_plane import run
from millpond.app.machine import enter_networks

__all__ = ["enter_networks", "run"]
