"""`python -m millpond.engines.memcached_front SETTINGS` runs a Memcached node; SETTINGS is a JSON file, see `main`."""

import json
import os
import signal
import socket
import sys
from pathlib import Path
from typing import Any

from millpond.engines.memcached_front.child import Child, affordable_connections
from millpond.engines.memcached_front.protocol import Rules
from millpond.engines.memcached_front.relay import Limits, Relay, token_source


class Discovery:
    """The file that says what auto discovery tells; the host replaces it whole when the cluster changes."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._last = path.read_bytes()

    def __call__(self) -> bytes:
        try:
            self._last = self._path.read_bytes()
        except OSError:
            # Clients are told what was true rather than nothing.
            return self._last
        return self._last


def main(settings: dict[str, Any]) -> None:
    """Run until memcached ends or SIGTERM comes.

    `address`, `port`, `backlog`: where to listen. `memcached`: its command line without connections and user.
    `socket`: where it listens. `discovery`: the file that clients are told. `refused`: commands. `ascii_only`,
    `connections`, `refuse_at_once`, `idle_seconds`: limits.
    """
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    discovery = Discovery(Path(settings["discovery"]))
    connections = affordable_connections(settings["connections"])
    if connections < settings["connections"]:
        sys.stderr.write(f"maximum connections lowered to {connections}: the limit of open files is too low\n")
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind((settings["address"], settings["port"]))
    listener.setblocking(False)
    # memcached counts its own descriptors among the connections.
    argv = [*settings["memcached"], "-c", str(connections + 64)]
    if not os.geteuid():
        # It refuses to run as root unless told to.
        argv += ["-u", "root"]
    child = Child(argv)
    try:
        child.wait_for(settings["socket"])
        listener.listen(settings["backlog"])
        relay = Relay(
            listener,
            upstream=settings["socket"],
            rules=Rules(
                payload=discovery,
                token=token_source(),
                refused=frozenset(word.encode() for word in settings["refused"]),
                ascii_only=settings["ascii_only"],
            ),
            limits=Limits(
                connections=connections,
                refuse_at_once=settings["refuse_at_once"],
                idle_seconds=settings["idle_seconds"],
            ),
        )
        relay.run(until=child.descriptor, ended=child.ended)
    finally:
        child.stop()


if __name__ == "__main__":
    main(json.loads(Path(sys.argv[1]).read_bytes()))
