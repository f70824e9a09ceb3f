"""Which commands ElastiCache keeps from users, as access control rules of the engine. Pure.

The list is AWS's (page "Supported and restricted commands" of the ElastiCache user guide, "restricted commands"); a
few commands stand beside it that AWS's engines do not have or that would take a node out of the service's hands.
"""

from collections.abc import Mapping, Sequence

from millpond.engines.catalogue import numbers
from millpond.engines.spec import Build

ADMIN = "millpond"
"""The engine user of Millpond's own; its rules lie in the configuration file beside the users'."""

MEMBER = "millpond-member"
"""The engine user by which members of a replication group reach each other."""

_COMMANDS = (
    *("bgrewriteaof", "bgsave", "config", "debug", "migrate", "psync", "replicaof", "save", "slaveof"),
    *("shutdown", "sync"),
)

# Not on AWS's list. FAILOVER would move the primary behind the service's back (it came with 6.2).
_COMMANDS_SINCE: Mapping[tuple[int, ...], Sequence[str]] = {(6, 2): ("failover",)}

# Container → subcommand → first engine version that has it.
_SUBCOMMANDS: Mapping[str, Mapping[str, tuple[int, ...]]] = {
    "acl": {"setuser": (6,), "load": (6,), "save": (6,), "deluser": (6,)},
    "cluster": {
        "addslots": (3,),
        "addslotsrange": (7,),
        "bumpepoch": (3,),
        "delslots": (3,),
        "delslotsrange": (7,),
        "failover": (3,),
        "flushslots": (3,),
        "forget": (3,),
        "links": (7,),
        "meet": (3,),
        "replicate": (3,),
        "reset": (3,),
        "saveconfig": (3,),
        "set-config-epoch": (3,),
        "setslot": (3,),
        # Not on AWS's list: Valkey 9 moves slots with these.
        "migrateslots": (9,),
        "cancelslotmigrations": (9,),
        "syncslots": (9,),
    },
    # Not on AWS's list: loading a module runs code of the user's as Millpond's own user.
    "module": {"load": (4,), "loadex": (7,), "unload": (4,)},
}

# Before 7.0 a subcommand cannot be taken away alone, only given: what is left of each container.
_ALLOWED_BEFORE_7: Mapping[str, Sequence[str]] = {
    "acl": ("cat", "genpass", "getuser", "help", "list", "log", "users", "whoami"),
    "cluster": (
        *("count-failure-reports", "countkeysinslot", "getkeysinslot", "help", "info", "keyslot", "myid", "nodes"),
        *("replicas", "slaves", "slots"),
    ),
    "module": ("list", "help"),
}


def default_user(build: Build, *, blocked: Sequence[str] = ()) -> Sequence[str]:
    """The rules of the user `default`: open to everybody on the network, as AWS's is, minus what AWS restricts and
    minus the commands that the parameter group blocks.
    """
    return ("on", "nopass", *_everything(build), *restrictions(build), *(f"-{each}" for each in blocked))


def admin_user(build: Build, *, password_sha256: str) -> Sequence[str]:
    """The rules of Millpond's own user."""
    return ("on", f"#{password_sha256}", *_everything(build))


def member_user(build: Build, *, password_sha256: str) -> Sequence[str]:
    """The rules of the members' user: it copies the stream of writes, and in cluster mode brings slots with keys."""
    return ("on", f"#{password_sha256}", *_everything(build))


def restrictions(build: Build) -> Sequence[str]:
    """The rules that take the restricted commands away from a user who has all."""
    version = numbers(build.upstream)
    rules = [f"-{each}" for each in _COMMANDS]
    rules += [f"-{each}" for since, commands in _COMMANDS_SINCE.items() if version >= since for each in commands]
    for container, subcommands in _SUBCOMMANDS.items():
        if version >= (7,):
            rules += [f"-{container}|{name}" for name, since in subcommands.items() if version >= since]
        else:
            rules += [f"-{container}", *(f"+{container}|{name}" for name in _ALLOWED_BEFORE_7[container])]
    return rules


def renamed(value: str) -> Mapping[str, str]:
    """Read the parameter `rename-commands`: command → new name, or `blocked`.

    `'flushall restrictedflushall flushdb blocked'`; quotes around the whole are AWS's own examples'.
    """
    words = value.strip().strip("'\"").lower().split()
    return dict(zip(words[::2], words[1::2], strict=False))


def _everything(build: Build) -> Sequence[str]:
    # Channels came under access control with 6.2.
    channels = ("&*",) if numbers(build.upstream) >= (6, 2) else ()
    return ("~*", *channels, "+@all")
