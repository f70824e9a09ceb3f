"""The tables. Columns are named as the fields of `records/`, so that rows and records convert by name.

Names and addresses are unique without regard to case, hence the `key` columns: the name of a user in lower case, a
digest of what may be longer.
"""

from typing import Any

import sqlalchemy as sa

from millpond.store import metadata
from millpond.store.columns import Moment


def _instance(*, primary_key: bool = False) -> sa.Column[str]:
    return sa.Column(
        "instance_id", sa.String(32), sa.ForeignKey("sso_instances.id"), primary_key=primary_key, nullable=False
    )


def _user(*, primary_key: bool = False) -> sa.Column[str]:
    return sa.Column(
        "user_id", sa.String(64), sa.ForeignKey("sso_users.id"), primary_key=primary_key, nullable=False, index=True
    )


def _created() -> sa.Column[Any]:
    return sa.Column("created_at", Moment, nullable=False)


def _expires() -> sa.Column[Any]:
    return sa.Column("expires_at", Moment, nullable=False, index=True)


instances = sa.Table(
    "sso_instances",
    metadata,
    sa.Column("id", sa.String(32), primary_key=True),
    sa.Column("identity_store_id", sa.String(64), nullable=False, unique=True),
    sa.Column("account", sa.String(12), sa.ForeignKey("iam_accounts.id"), nullable=False, unique=True),
    sa.Column("region", sa.String(32), nullable=False),
    sa.Column("name", sa.String(255), nullable=False),
    _created(),
    sa.Column("tags", sa.JSON, nullable=False),
)

permission_sets = sa.Table(
    "sso_permission_sets",
    metadata,
    _instance(),
    sa.Column("id", sa.String(32), primary_key=True),
    sa.Column("name", sa.String(32), nullable=False),
    sa.Column("description", sa.String(700), nullable=False),
    _created(),
    sa.Column("session_duration", sa.String(100), nullable=False),
    sa.Column("relay_state", sa.String(240), nullable=False),
    sa.Column("managed_policies", sa.JSON, nullable=False),
    sa.Column("customer_policies", sa.JSON, nullable=False),
    sa.Column("inline_policy", sa.Text, nullable=False),
    sa.Column("boundary_arn", sa.String(2048), nullable=False),
    sa.Column("boundary_reference", sa.JSON(none_as_null=True)),
    sa.Column("revision", sa.Integer, nullable=False),
    sa.Column("tags", sa.JSON, nullable=False),
    sa.UniqueConstraint("instance_id", "name"),
)

assignments = sa.Table(
    "sso_assignments",
    metadata,
    _instance(primary_key=True),
    sa.Column("account", sa.String(12), sa.ForeignKey("iam_accounts.id"), primary_key=True),
    sa.Column("permission_set_id", sa.String(32), sa.ForeignKey("sso_permission_sets.id"), primary_key=True),
    sa.Column("principal_type", sa.String(8), primary_key=True),
    sa.Column("principal_id", sa.String(64), primary_key=True, index=True),
    _created(),
)

provisionings = sa.Table(
    "sso_provisionings",
    metadata,
    _instance(),
    sa.Column("permission_set_id", sa.String(32), sa.ForeignKey("sso_permission_sets.id"), primary_key=True),
    sa.Column("account", sa.String(12), sa.ForeignKey("iam_accounts.id"), primary_key=True),
    sa.Column("role_name", sa.String(64), nullable=False),
    sa.Column("revision", sa.Integer, nullable=False),
)

requests = sa.Table(
    "sso_requests",
    metadata,
    sa.Column("id", sa.String(36), primary_key=True),
    _instance(),
    sa.Column("kind", sa.String(32), nullable=False),
    sa.Column("created_at", Moment, nullable=False, index=True),
    sa.Column("permission_set_id", sa.String(32), nullable=False),
    sa.Column("account", sa.String(12), nullable=False),
    sa.Column("principal_type", sa.String(8)),
    sa.Column("principal_id", sa.String(64), nullable=False),
    sa.Column("failure", sa.Text, nullable=False),
)

users = sa.Table(
    "sso_users",
    metadata,
    sa.Column("identity_store_id", sa.String(64), nullable=False),
    sa.Column("id", sa.String(64), primary_key=True),
    sa.Column("name", sa.String(128), nullable=False),
    sa.Column("key", sa.String(256), nullable=False),
    sa.Column("email_key", sa.String(64)),
    sa.Column("attributes", sa.JSON, nullable=False),
    sa.Column("status", sa.String(16), nullable=False),
    sa.Column("revision", sa.Integer, nullable=False),
    _created(),
    sa.Column("created_by", sa.String(2048), nullable=False),
    sa.Column("updated_at", Moment, nullable=False),
    sa.Column("updated_by", sa.String(2048), nullable=False),
    sa.UniqueConstraint("identity_store_id", "key"),
    sa.UniqueConstraint("identity_store_id", "email_key", name="uq_sso_users_email"),
)

groups = sa.Table(
    "sso_groups",
    metadata,
    sa.Column("identity_store_id", sa.String(64), nullable=False),
    sa.Column("id", sa.String(64), primary_key=True),
    sa.Column("name", sa.String(1024), nullable=False),
    sa.Column("key", sa.String(64)),
    sa.Column("description", sa.String(1024), nullable=False),
    sa.Column("revision", sa.Integer, nullable=False),
    _created(),
    sa.Column("created_by", sa.String(2048), nullable=False),
    sa.Column("updated_at", Moment, nullable=False),
    sa.Column("updated_by", sa.String(2048), nullable=False),
    sa.UniqueConstraint("identity_store_id", "key"),
)

memberships = sa.Table(
    "sso_memberships",
    metadata,
    sa.Column("identity_store_id", sa.String(64), nullable=False),
    sa.Column("id", sa.String(64), primary_key=True),
    sa.Column("group_id", sa.String(64), sa.ForeignKey("sso_groups.id"), nullable=False),
    _user(),
    _created(),
    sa.Column("created_by", sa.String(2048), nullable=False),
    sa.UniqueConstraint("group_id", "user_id"),
)

passwords = sa.Table(
    "sso_passwords",
    metadata,
    _user(primary_key=True),
    sa.Column("hashed", sa.String(256), nullable=False),
    sa.Column("changed_at", Moment, nullable=False),
    sa.Column("history", sa.JSON, nullable=False),
)

links = sa.Table(
    "sso_links",
    metadata,
    sa.Column("digest", sa.String(64), primary_key=True),
    _user(),
    sa.Column("purpose", sa.String(32), nullable=False),
    _created(),
    _expires(),
)

mfa_devices = sa.Table(
    "sso_mfa_devices",
    metadata,
    sa.Column("id", sa.String(64), primary_key=True),
    _user(),
    sa.Column("name", sa.String(128), nullable=False),
    sa.Column("seed", sa.LargeBinary, nullable=False),
    _created(),
    sa.Column("registered_at", Moment),
    sa.Column("last_step", sa.BigInteger, nullable=False),
)

clients = sa.Table(
    "sso_clients",
    metadata,
    sa.Column("id", sa.String(64), primary_key=True),
    sa.Column("secret_digest", sa.String(64), nullable=False),
    sa.Column("name", sa.String(256), nullable=False),
    sa.Column("scopes", sa.JSON, nullable=False),
    sa.Column("redirect_uris", sa.JSON, nullable=False),
    sa.Column("grant_types", sa.JSON, nullable=False),
    sa.Column("instance_id", sa.String(32), nullable=False),
    sa.Column("source_ip", sa.String(64), nullable=False, index=True),
    _created(),
    _expires(),
)

device_authorizations = sa.Table(
    "sso_device_authorizations",
    metadata,
    sa.Column("digest", sa.String(64), primary_key=True),
    sa.Column("user_code", sa.String(16), nullable=False, unique=True),
    sa.Column("client_id", sa.String(64), nullable=False),
    _instance(),
    sa.Column("source_ip", sa.String(64), nullable=False, index=True),
    _created(),
    _expires(),
    sa.Column("interval", sa.Integer, nullable=False),
    sa.Column("polled_at", Moment),
    sa.Column("hasty_polls", sa.Integer, nullable=False),
    sa.Column("user_id", sa.String(64), nullable=False),
    sa.Column("denied_at", Moment),
    sa.Column("session_id", sa.String(64), nullable=False),
)

authorization_codes = sa.Table(
    "sso_authorization_codes",
    metadata,
    sa.Column("digest", sa.String(64), primary_key=True),
    sa.Column("client_id", sa.String(64), nullable=False),
    _instance(),
    _user(),
    sa.Column("redirect_uri", sa.String(2048), nullable=False),
    sa.Column("challenge", sa.String(128), nullable=False),
    _created(),
    _expires(),
    sa.Column("session_id", sa.String(64), nullable=False),
)

sessions = sa.Table(
    "sso_sessions",
    metadata,
    sa.Column("id", sa.String(64), primary_key=True),
    _instance(),
    _user(),
    sa.Column("client_id", sa.String(64), nullable=False),
    _created(),
    sa.Column("ends_at", Moment, nullable=False, index=True),
)

tokens = sa.Table(
    "sso_tokens",
    metadata,
    sa.Column("digest", sa.String(64), primary_key=True),
    sa.Column("kind", sa.String(16), nullable=False),
    sa.Column("session_id", sa.String(64), sa.ForeignKey("sso_sessions.id"), nullable=False, index=True),
    _created(),
    _expires(),
    sa.Column("used_at", Moment),
)
