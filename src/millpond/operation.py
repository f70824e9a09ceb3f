"""What the gateway and the services share: Service, operation, Context, Caller, Resource, Fault.

An operation is a plain synchronous function of `(ctx, request)`: a dict in (already read from the wire with the
model's input shape), a dict out (written with the output shape), or a Fault. It runs inside one transaction which the
edge opens and commits; it never commits, sleeps, or touches a driver or an engine.

    Fault                      the caller's problem; carries AWS's code, status and words
    └── one class per error shape, generated from the model into services/*/api.py
    NotYet                     convergence must wait; a reason, never logged as an error
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, Literal, Protocol

import msgspec
from sqlalchemy import Connection

from millpond.aws.faults import CommonFault, Fault
from millpond.store.vault import Vault

__all__ = [
    "Attempt",
    "Caller",
    "CommonFault",
    "Context",
    "Credential",
    "EngineVersion",
    "Fault",
    "Identity",
    "NotYet",
    "Operation",
    "Platform",
    "Recorder",
    "Request",
    "Resource",
    "Response",
    "Service",
    "Verdict",
    "any_resource",
    "is_named_like_a_reader",
    "operation",
    "service",
]

Request = dict[str, Any]
Response = dict[str, Any]


class NotYet(Exception):  # noqa: N818 - it is not an error
    """Convergence must wait for something; the text says for what."""


class Caller(msgspec.Struct, frozen=True, kw_only=True):
    """Who signed the request. `arn` is what `sts:GetCallerIdentity` answers, `user_id` its UserId."""

    account: str
    arn: str
    user_id: str
    kind: Literal["Root", "User", "AssumedRole", "FederatedUser", "IdentityCenterUser", "AWSService", "Anonymous"]
    """`IdentityCenterUser`: who bears a token of Identity Center; `arn` is the identity store's."""
    access_key_id: str
    name: str = ""
    """The user name, or the role session name."""
    role_arn: str = ""
    """For an assumed role: the role itself."""
    session: str = ""
    """For temporary credentials: the key of the session's record."""


class Credential(msgspec.Struct, frozen=True, kw_only=True):
    """What an access key id stands for, as far as the edge must know to verify a signature."""

    access_key_id: str
    secret: str
    caller: Caller
    session_token: str | None = None
    """For temporary credentials: the token that must come with the request."""
    expires_at: datetime | None = None
    active: bool = True


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """The answer of policy evaluation. `reason` completes AWS's sentence "User: … is not authorized to perform: … "."""

    allowed: bool
    reason: str = ""
    """`because no identity-based policy allows the elasticache:X action`, `with an explicit deny in a …`."""


class Identity(Protocol):
    """What the edge asks of IAM; `services.iam` answers, `app.py` joins them."""

    def credential(self, transaction: Connection, access_key_id: str) -> Credential | None: ...

    def authorize(
        self,
        transaction: Connection,
        caller: Caller,
        action: str,
        resource: str,
        context: Mapping[str, Any],
    ) -> Verdict:
        """Decide one (principal, action, resource) with every condition key filled. `action` is `service:Name`."""
        ...


class Resource(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that a request touches, as policies name it, and the condition keys that hold for it alone."""

    arn: str
    context: Mapping[str, Any] = {}
    """Condition keys: `aws:ResourceTag/…`, `elasticache:CacheNodeType`, … ; values are str, bool, number or list."""
    action: str | None = None
    """Another action to check for this resource (`elasticache:AddTagsToResource` for tags given at creation)."""


class EngineVersion(msgspec.Struct, frozen=True, kw_only=True):
    """One row of the engine catalogue as operations see it."""

    engine: str
    version: str
    """As the API spells it: `9.1`, `7.1`, `5.0.6`, `1.6.22`."""
    family: str
    upstream: str
    """The version the real engine reports: `9.1.2`."""
    obtainable: bool
    reason: str
    """How it is obtained, or why it cannot be had on this machine."""
    tls: bool


class Platform(Protocol):
    """What operations may know of the machine. Reads facts gathered before; never does I/O of its own."""

    zone: str
    """The DNS zone of cache endpoints, `cache.millpond.test` or the like."""
    names_resolve: bool
    """Whether programs on this machine resolve that zone; otherwise endpoints are given as addresses."""
    enforcement: str
    """`kernel` or `none`: whether security groups decide packets."""
    no_instances: str
    """Why this machine cannot run EC2 instances, in a sentence that names the fix; empty when it can."""

    def seen(self, interface: str, address: str) -> str:
        """At which address programs of this machine reach an interface of a VPC: its own, unless a door leads there."""
        ...

    def engine_versions(self) -> Sequence[EngineVersion]:
        """Every version of the catalogue, newest last within an engine."""
        ...


class Attempt(msgspec.Struct, frozen=True, kw_only=True):
    """One call as it came out, done or refused: what the edge tells the audit record."""

    request_id: str
    at: datetime
    source: str
    """The service, as its IAM actions begin (`elasticache`); empty where not even that is known."""
    name: str
    """The operation, `CreateCacheCluster`; empty where it is not known."""
    caller: Caller
    """`Anonymous` for requests that AWS serves unsigned, and where nobody proved to be who the request says; the
    claimed access key is in it then, with the account that the key belongs to."""
    region: str
    source_ip: str
    user_agent: str
    reads_only: bool
    size: int = 0
    """Octets of the request's body: what it costs to keep this for a moment."""
    request: Request | None = None
    response: Response | None = None
    request_shape: Any = None
    """The botocore shapes of the two, which tell secrets and maps apart from other members."""
    response_shape: Any = None
    resources: Sequence[Resource] = ()
    error_code: str = ""
    error_message: str = ""


class Recorder(Protocol):
    """Where the edge records every call; `services.cloudtrail` keeps it, `app` joins them."""

    def record(self, transaction: Connection, attempt: Attempt) -> None:
        """Record a change in the transaction that makes it. What this raises undoes the change."""
        ...

    def note(self, attempt: Attempt) -> None:
        """Record what changed nothing, a moment later and beside other work. Never raises."""
        ...


def _nothing_more(_resource: Resource) -> bool:
    return False


class Context(msgspec.Struct, kw_only=True):
    """What an operation may use besides its request."""

    caller: Caller
    account: str
    region: str
    now: datetime
    request_id: str
    transaction: Connection
    platform: Platform
    wakes: list[tuple[str, str]]
    """(controller, key) pairs; delivered by the edge after the commit."""
    vault: Vault | None = None
    """Where secrets are sealed; operations use `secrets`."""
    notices: list[str] = msgspec.field(default_factory=list)
    """What the caller should know besides the answer; told in a header, for AWS's responses have no place for it."""
    conditions: Mapping[str, Any] = {}
    """The request's own condition keys (`aws:SourceIp`, …), for the operations that authorise by themselves."""
    headers: Mapping[str, str] = {}
    """The HTTP headers, names in lower case, for what no model has (`dpop`, `host`); empty without HTTP."""
    allows: Callable[[Resource], bool] = _nothing_more
    """Whether the caller may also do a resource's `action` on it: for what an operation does in the caller's name and
    refuses in words of its own (the service-linked role). The edge fills it in."""

    @property
    def secrets(self) -> Vault:
        """The vault; RuntimeError where the edge was built without one."""
        if self.vault is None:
            raise RuntimeError("this edge has no vault: secrets can neither be sealed nor opened")
        return self.vault

    def recognise(self, caller: Caller) -> None:
        """Say who makes an unsigned request, once the operation has found out: the audit record names them."""
        self.caller = caller

    def wake(self, controller: str, key: str) -> None:
        """Ask for a reconcile of `key` once this transaction is committed."""
        self.wakes.append((controller, key))


class Operation(msgspec.Struct, frozen=True, kw_only=True):
    """One AWS operation: its name, the function, and the resources it must be authorised for."""

    name: str
    handler: Callable[[Context, Request], Response | None]
    resources: Callable[[Context, Request], Sequence[Resource]]
    action: str
    """The IAM action without the service: mostly the operation's name."""
    signed: bool = True
    """False for the few operations AWS serves without a signature (`sts:AssumeRoleWithWebIdentity`, …)."""
    authorized: bool = True
    """False where AWS asks no permission (`sts:GetCallerIdentity`)."""
    partial: str = ""
    """What of the operation is refused for now, for docs/parity.md; empty when it is whole."""
    writes: bool = False
    """True for the few that change state although they are named like readers (`sts:GetSessionToken`)."""

    @property
    def reads_only(self) -> bool:
        """Whether the edge may run it on a read snapshot instead of the one writer."""
        return not self.writes and is_named_like_a_reader(self.name)


def is_named_like_a_reader(name: str) -> bool:
    """Whether an operation's name is one of those that AWS gives to operations that only read."""
    return name.startswith(("Describe", "List", "Get", "Lookup", "Simulate"))


def any_resource(_ctx: Context, _request: Request) -> Sequence[Resource]:
    """For actions that AWS authorises on `*` only."""
    return (Resource(arn="*"),)


def operation(
    *,
    name: str = "",
    resources: Callable[[Context, Request], Sequence[Resource]] = any_resource,
    action: str = "",
    signed: bool = True,
    authorized: bool = True,
    partial: str = "",
    writes: bool = False,
) -> Callable[[Callable[[Context, Request], Response | None]], Operation]:
    """Make a function an AWS operation; its name in CamelCase is the operation's (`create_cache_cluster`).

    Give `name` where AWS capitalises otherwise (`CreateSAMLProvider`), `action` where the permission has another name.
    """

    def decorate(handler: Callable[[Context, Request], Response | None]) -> Operation:
        aws_name = name or "".join(part.capitalize() for part in handler.__name__.split("_"))
        return Operation(
            name=aws_name,
            handler=handler,
            resources=resources,
            action=action or aws_name,
            signed=signed,
            authorized=authorized,
            partial=partial,
            writes=writes,
        )

    return decorate


class Service(msgspec.Struct, frozen=True, kw_only=True):
    """One AWS service: the name of its botocore model and what of it is built."""

    name: str
    """Also the prefix of its IAM actions."""
    model: str
    """The botocore service name (`elasticache`, `iam`, `sts`, `ec2`, `sso-admin`, …)."""
    operations: Mapping[str, Operation]


def service(name: str, operations: Sequence[Operation], *, model: str = "") -> Service:
    """Gather operations under a service."""
    return Service(name=name, model=model or name, operations={each.name: each for each in operations})
