"""The values that cross the operator's door, as JSON. Plain facts for people and scripts; no behaviour."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import msgspec


class SignIn(msgspec.Struct, frozen=True, kw_only=True):
    """How the root user signs in. Shown once; only a hash of the password is kept."""

    name: str
    """`root@localhost`"""
    password: str


class RunFacts(msgspec.Struct, frozen=True, kw_only=True):
    """A control plane that answers: what `up` prints and `status` repeats."""

    endpoint: str
    """The API's base URL, as clients on this machine use it (`http://127.0.0.1:8421`)."""
    pid: int
    version: str
    driver: str
    """`local`, `memory`, `linux`: which host driver runs the engines."""
    enforcement: str
    """`kernel` or `none`: whether security groups decide packets."""
    home: str
    account: str
    region: str
    zone: str
    """The DNS zone of cache endpoints."""
    network: str
    """One line for people: VPC, range, default security group, and whether packets are filtered."""
    rootless: str = ""
    """What networks of an ordinary user do without, in words; empty where they are root's, or there are none."""
    engines: Sequence[str] = ()
    """Installed engines for people: `valkey 9.1.2`, `memcached 1.6.45`."""
    caches: int = 0
    """Caches that this installation keeps, in every account and region."""
    names: str = ""
    """Whether programs on this machine resolve the zone, in words; empty when they do."""
    ca_bundle: str = ""
    """The CA certificate file when the API speaks TLS."""
    console: str = ""
    """The URL of the sign-in pages; empty when there are none."""
    first_run: SignIn | None = None
    """Given only to the one who started the installation for the first time, never by `status`."""


class Call(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One AWS operation, to be run as the bootstrap administrator."""

    service: str
    """The botocore name: `elasticache`."""
    operation: str
    parameters: Mapping[str, Any] = {}
    region: str = ""
    """The installation's own region when empty."""
    account: str = ""
    """The installation's first account when empty."""


class Credentials(msgspec.Struct, frozen=True, kw_only=True):
    """Access keys of the bootstrap administrator."""

    access_key_id: str
    secret_access_key: str
    session_token: str = ""
    expires_at: str = ""
    """ISO 8601; empty for keys that do not expire."""


class Explanation(msgspec.Struct, frozen=True, kw_only=True):
    """What the control plane did last for one resource, and why: the sentence of the last pass."""

    name: str
    controller: str
    key: str
    region: str
    why: str
    at: str
    """When the pass ended, ISO 8601."""
    passes: int
    error: str = ""
    """Why the last pass failed, if it did; the next is tried after a back-off."""


class EngineFacts(msgspec.Struct, frozen=True, kw_only=True):
    """One version of the engine catalogue on this machine."""

    engine: str
    version: str
    """As the API spells it: `9.1`."""
    upstream: str
    installed: bool
    obtainable: bool
    reason: str
    """How it is (or would be) obtained, or why it cannot be had."""
    tls: bool = False
    cli: str = ""
    """The installed build's own client program; empty when it brings none."""
    default: bool = False
    """Installed at the first start."""


class LogFile(msgspec.Struct, frozen=True, kw_only=True):
    """Where one node writes its log."""

    name: str
    """`my-cache 0001`"""
    path: str


class Check(msgspec.Struct, frozen=True, kw_only=True):
    """One line of `doctor`."""

    name: str
    state: Literal["ok", "warning", "failed"]
    detail: str
    fix: str = ""
    """The command or change that mends it; empty when all is well."""


class AccountLine(msgspec.Struct, frozen=True, kw_only=True):
    """One account of the installation."""

    id: str
    name: str
    email: str
    created: str
    """ISO 8601."""
    closed: str = ""
    """ISO 8601; empty while it is open."""


class Accounts(msgspec.Struct, frozen=True, kw_only=True):
    """Who has an account here, and whether anybody may make one."""

    accounts: Sequence[AccountLine]
    signup_open: bool


class NewAccount(msgspec.Struct, frozen=True, kw_only=True):
    """An account just made. The password is shown once; only a hash of it is kept."""

    id: str
    email: str
    password: str


class OutboxMessage(msgspec.Struct, frozen=True, kw_only=True):
    """Something that was written to somebody."""

    at: str
    """ISO 8601."""
    channel: str
    """`mail` or `text`."""
    recipient: str
    subject: str
    body: str
    """Empty once it was delivered."""
    state: str
    """`waiting`, `delivered`, `given up`."""
    last_error: str = ""


class RunRecord(msgspec.Struct, frozen=True, kw_only=True):
    """Who runs in a home: `run.json`, left by the control plane until it is brought down with its caches."""

    pid: int
    started: int
    """The process's start time in clock ticks since boot (/proc/PID/stat, field 22)."""
    boot: str
    """The boot id of the machine."""
    endpoint: str
    version: str
    driver: str


class FlowLine(msgspec.Struct, frozen=True, kw_only=True):
    """What the kernel counted for one network interface in one direction."""

    vpc: str
    interface: str
    address: str
    description: str
    direction: str
    """`ingress` or `egress`."""
    action: str
    """`ACCEPT` or `REJECT`."""
    packets: int
    octets: int


class ZoneLine(msgspec.Struct, frozen=True, kw_only=True):
    """An availability zone."""

    zone: str
    state: str
    """`available`, or `impaired` while its power is interrupted."""


class Tunnel(msgspec.Struct, frozen=True, kw_only=True):
    """A way to an instance's port 22, or to the port of a cache."""

    socket: str
    """A unix socket of the operator's."""
    zone: str
