"""The configuration file of a Valkey or Redis OSS node. Pure.

Users stand in it too, so that the restricted commands are blocked from the first command on.
"""

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path

from millpond.engines.catalogue import numbers
from millpond.engines.spec import Node
from millpond.engines.valkey import commands, parameters
from millpond.host.spec import Place

FILE = "engine.conf"

NOBODY = 1
"""A port of the node's own address where nothing listens."""

_BACKSTOP_MILLISECONDS = 5000

_OUTPUT_BUFFERS = "client-output-buffer-limit"


def render(node: Node, place: Place) -> str:
    """Write the whole file; the same node and place give the same text."""
    settings = parameters.settings(node)
    elsewhere = {_OUTPUT_BUFFERS} if node.replication is None else {_OUTPUT_BUFFERS, "cluster-enabled"}
    lines = [
        *_frame(node, place),
        *_replication(node),
        *(f"{name} {_quoted(value)}" for name, value in settings.items() if name not in elsewhere),
        *_output_buffers(settings.get(_OUTPUT_BUFFERS, "")),
        *_renamed(node),
        _user("default", commands.default_user(node.build, blocked=blocked(node))),
        _user(commands.ADMIN, commands.admin_user(node.build, password_sha256=_sha256(node.admin_password))),
    ]
    if node.replication is not None:
        lines.append(_user(commands.MEMBER, member_rules(node)))
    return "\n".join(lines) + "\n"


def membership(node: Node) -> Mapping[str, str]:
    """What a member of a replication group has and a node that stands alone has not, as far as it can change live."""
    if node.replication is None:
        return {}
    found = {
        "replica-announce-ip": node.address,
        "repl-diskless-sync": "yes",
        "repl-diskless-sync-delay": "0",
        # So that a replica that nobody writes to soon has proof that writes would reach it (views.is_linked).
        "repl-ping-replica-period": "1",
    }
    if numbers(node.build.upstream) >= (6,):
        found["repl-diskless-load"] = "on-empty-db"
    return found


def member_rules(node: Node) -> Sequence[str]:
    """The rules of the members' user."""
    assert node.replication is not None
    return commands.member_user(node.build, password_sha256=_sha256(node.replication.password))


def blocked(node: Node) -> Sequence[str]:
    """The commands that the parameter group blocks with `rename-commands`."""
    pairs = commands.renamed(node.parameters.get("rename-commands", ""))
    return [name for name, new in pairs.items() if new == "blocked"]


def data_directory(node: Node, place: Place) -> Path:
    return place.directory / node.volume


def _frame(node: Node, place: Place) -> Sequence[str]:
    """What Millpond decides and no parameter group may."""
    frame = {
        "bind": node.address,
        "port": str(node.port),
        "protected-mode": "no",
        "unixsocket": str(place.socket),
        "unixsocketperm": "700",
        "daemonize": "no",
        "supervised": "no",
        "dir": str(data_directory(node, place)),
        "dbfilename": "dump.rdb",
        "logfile": str(place.log),
        # Data outlive the process only when `save` is asked for, as on ElastiCache without backups.
        "stop-writes-on-bgsave-error": "no",
    }
    lines = [f"{name} {_quoted(value)}" for name, value in frame.items()]
    return [*lines, 'save ""', "always-show-logo no"]


def _replication(node: Node) -> Sequence[str]:
    """What makes a member of a replication group, and nothing about its role.

    A node starts as the replica of a port where nobody listens, or in cluster mode as a stranger to everybody without
    slots: either way it refuses writes until it is told its part, so a start can never make a second primary. That is
    why a node of the cluster has a new bus id with every incarnation.
    """
    if node.replication is None:
        return []
    version = numbers(node.build.upstream)
    lines = [f"{name} {value}" for name, value in membership(node).items()]
    if not node.replication.clustered:
        return [*lines, f"replicaof {node.address} {NOBODY}"]
    lines += [
        "cluster-enabled yes",
        f"cluster-config-file cluster-{node.incarnation}.conf",
        f"cluster-announce-ip {node.address}",
        # The controller decides long before; this is for when it is down.
        f"cluster-node-timeout {_BACKSTOP_MILLISECONDS}",
        "cluster-replica-validity-factor 0",
        "cluster-allow-replica-migration no" if version >= (6, 2) else "cluster-migration-barrier 999",
    ]
    if version >= (7,):
        lines.append(f"cluster-announce-hostname {node.replication.hostname}")
    return lines


def _output_buffers(value: str) -> Sequence[str]:
    words = value.split()
    return [f"{_OUTPUT_BUFFERS} {' '.join(words[at : at + 4])}" for at in range(0, len(words), 4)]


def _renamed(node: Node) -> Sequence[str]:
    # New names are fixed at the engine's start; blocked commands are a matter of access control and follow live.
    pairs = commands.renamed(node.parameters.get("rename-commands", ""))
    return [f"rename-command {old} {new}" for old, new in pairs.items() if new != "blocked"]


def _user(name: str, rules: Sequence[str]) -> str:
    return f"user {name} {' '.join(rules)}"


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _quoted(value: str) -> str:
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"' if not value or any(each in value for each in " \"'\\#\t") else value
