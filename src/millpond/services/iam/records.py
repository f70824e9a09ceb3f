"""What IAM remembers: accounts, users, groups, roles, policies, keys, sessions, devices, providers. Frozen values.

Field names are the columns of `tables/schema.py`. A `principal_id` is the unique id of a user (AIDA), group (AGPA) or
role (AROA), or the account id where the root user is meant: names change, unique ids do not.
"""

from datetime import datetime
from typing import Literal

import msgspec


class PasswordPolicy(msgspec.Struct, frozen=True, kw_only=True):
    """The account's password policy; the defaults are those of `UpdateAccountPasswordPolicy`."""

    minimum_length: int = 6
    require_symbols: bool = False
    require_numbers: bool = False
    require_uppercase: bool = False
    require_lowercase: bool = False
    allow_users_to_change: bool = False
    max_age_days: int = 0
    """0 means that passwords do not expire."""
    reuse_prevention: int = 0
    hard_expiry: bool | None = None


class Account(msgspec.Struct, frozen=True, kw_only=True):
    """One AWS account: the namespace of everything, and its root user."""

    id: str
    name: str
    email: str
    password_hash: str
    """argon2id."""
    created_at: datetime
    alias: str | None = None
    password_policy: PasswordPolicy | None = None
    closed_at: datetime | None = None
    """A closed account's keys and sessions are worth nothing; nobody signs in."""

    @property
    def root_arn(self) -> str:
        return f"arn:aws:iam::{self.id}:root"


class User(msgspec.Struct, frozen=True, kw_only=True):
    account: str
    id: str
    name: str
    path: str
    created_at: datetime
    boundary: str = ""
    """ARN of the permissions boundary."""
    tags: dict[str, str] = {}
    password_hash: str = ""
    """Empty without a login profile."""
    password_created_at: datetime | None = None
    password_changed_at: datetime | None = None
    password_last_used_at: datetime | None = None
    password_reset_required: bool = False
    password_history: tuple[str, ...] = ()

    @property
    def arn(self) -> str:
        return f"arn:aws:iam::{self.account}:user{self.path}{self.name}"


class Group(msgspec.Struct, frozen=True, kw_only=True):
    account: str
    id: str
    name: str
    path: str
    created_at: datetime

    @property
    def arn(self) -> str:
        return f"arn:aws:iam::{self.account}:group{self.path}{self.name}"


class Role(msgspec.Struct, frozen=True, kw_only=True):
    account: str
    id: str
    name: str
    path: str
    created_at: datetime
    trust: str
    """The trust policy, JSON as given."""
    trust_ids: dict[str, str] = {}
    """Unique ids of the users and roles that the trust policy names by ARN, as they were when it was written."""
    description: str | None = None
    max_session_duration: int = 3600
    boundary: str = ""
    tags: dict[str, str] = {}
    last_used_at: datetime | None = None
    last_used_region: str = ""

    @property
    def arn(self) -> str:
        return f"arn:aws:iam::{self.account}:role{self.path}{self.name}"


Principal = User | Group | Role


class Policy(msgspec.Struct, frozen=True, kw_only=True):
    """A managed policy; `account` is `aws` for those that AWS gives."""

    account: str
    id: str
    name: str
    path: str
    created_at: datetime
    updated_at: datetime
    description: str = ""
    default_version: str
    next_version: int = 2
    tags: dict[str, str] = {}

    @property
    def arn(self) -> str:
        return f"arn:aws:iam::{self.account}:policy{self.path}{self.name}"


class PolicyVersion(msgspec.Struct, frozen=True, kw_only=True):
    policy_arn: str
    version_id: str
    document: str
    created_at: datetime


class Attachment(msgspec.Struct, frozen=True, kw_only=True):
    """A managed policy attached to a principal."""

    account: str
    principal_id: str
    policy_arn: str
    attached_at: datetime


class InlinePolicy(msgspec.Struct, frozen=True, kw_only=True):
    account: str
    principal_id: str
    name: str
    document: str


class AccessKey(msgspec.Struct, frozen=True, kw_only=True):
    """A long-term key of a user or of root."""

    id: str
    account: str
    principal_id: str
    secret: bytes
    """Sealed for `access-key/<id>`."""
    active: bool = True
    created_at: datetime
    last_used_at: datetime | None = None
    last_used_region: str = ""
    last_used_service: str = ""


SessionKind = Literal["Root", "User", "AssumedRole", "FederatedUser"]


class Grant(msgspec.Struct, frozen=True, kw_only=True):
    """What temporary credentials stand for: whose they are, what narrows them, how they were obtained."""

    account: str
    kind: SessionKind
    principal_id: str
    """The role's id, or the user's (for a federated user: of the user who asked), or the account's id for root."""
    name: str = ""
    """RoleSessionName, or the federated user's name."""
    issued_at: datetime
    expires_at: datetime
    policies: tuple[str, ...] = ()
    """Session policy documents."""
    policy_arns: tuple[str, ...] = ()
    """Managed session policies."""
    tags: dict[str, str] = {}
    transitive_tag_keys: tuple[str, ...] = ()
    source_identity: str = ""
    mfa_at: datetime | None = None
    """When the second factor was shown."""
    context: dict[str, str | list[str]] = {}
    """Condition keys of the federation (`saml:sub`, `<issuer>:aud`, `aws:FederatedProvider`)."""
    restricted: bool = False
    """From GetSessionToken or GetFederationToken: little of IAM and STS may be called."""


class Session(Grant, frozen=True, kw_only=True):
    """The record behind one temporary key (ASIA…)."""

    access_key_id: str
    sealed: bytes
    """Secret access key, newline, session token; sealed for `session/<access_key_id>`."""


class MfaDevice(msgspec.Struct, frozen=True, kw_only=True):
    """A virtual MFA device (RFC 6238); `serial` is its ARN."""

    serial: str
    account: str
    seed: bytes
    """Base 32, sealed for `mfa/<serial>`."""
    created_at: datetime
    principal_id: str | None = None
    """Whose it is, once enabled."""
    enabled_at: datetime | None = None
    last_step: int = 0
    """The newest time step a code was accepted for: a code works once."""
    drift: int = 0
    """Steps by which the device's clock runs ahead, learned when it is enabled or resynchronised."""
    failures: int = 0
    """Wrong codes since the last right one."""
    locked_until: datetime | None = None
    """Until then no code is looked at: guessing is slow."""
    tags: dict[str, str] = {}


class OidcProvider(msgspec.Struct, frozen=True, kw_only=True):
    account: str
    url: str
    """Without the scheme, as in the ARN."""
    client_ids: tuple[str, ...]
    thumbprints: tuple[str, ...]
    created_at: datetime
    tags: dict[str, str] = {}

    @property
    def arn(self) -> str:
        return f"arn:aws:iam::{self.account}:oidc-provider/{self.url}"


class OidcKeySet(msgspec.Struct, frozen=True, kw_only=True):
    """The public keys of an issuer as they were last fetched; the same for every account that trusts it."""

    url: str
    keys: str
    """A JWK set (RFC 7517), JSON."""
    fetched_at: datetime


class SamlProvider(msgspec.Struct, frozen=True, kw_only=True):
    account: str
    name: str
    id: str
    metadata: str
    """The identity provider's SAML 2.0 metadata, XML as given."""
    created_at: datetime
    valid_until: datetime
    tags: dict[str, str] = {}

    @property
    def arn(self) -> str:
        return f"arn:aws:iam::{self.account}:saml-provider/{self.name}"


class InstanceProfile(msgspec.Struct, frozen=True, kw_only=True):
    account: str
    id: str
    name: str
    path: str
    created_at: datetime
    role_id: str | None = None
    tags: dict[str, str] = {}

    @property
    def arn(self) -> str:
        return f"arn:aws:iam::{self.account}:instance-profile{self.path}{self.name}"


class DeletionTask(msgspec.Struct, frozen=True, kw_only=True):
    """The deletion of a service-linked role."""

    account: str
    id: str
    role_name: str
    status: Literal["NOT_STARTED", "IN_PROGRESS", "SUCCEEDED", "FAILED"]
    resources: tuple[str, ...] = ()
    """ARNs of what uses the role, when that is why it could not be deleted."""
    created_at: datetime
