"""The tables. Columns are named as the fields of `records.py`, so that rows and records convert by name.

Names of IAM things are unique without regard to case, hence the `key` columns, which hold the name in lower case.
"""

from typing import Any

import sqlalchemy as sa

from millpond.store import metadata
from millpond.store.columns import Moment


def _account(*, primary_key: bool = False) -> sa.Column[str]:
    return sa.Column(
        "account", sa.String(12), sa.ForeignKey("iam_accounts.id"), primary_key=primary_key, nullable=False
    )


def _named(*columns: sa.Column[Any]) -> tuple[sa.Column[Any], ...]:
    """Account, unique id, name, path and time: what users, groups, roles, policies and profiles share."""
    return (
        _account(),
        sa.Column("id", sa.String(32), primary_key=True),
        sa.Column("name", sa.String(128), nullable=False),
        sa.Column("key", sa.String(128), nullable=False),
        sa.Column("path", sa.String(512), nullable=False),
        sa.Column("created_at", Moment, nullable=False),
        *columns,
    )


def _tags() -> sa.Column[Any]:
    return sa.Column("tags", sa.JSON, nullable=False)


accounts = sa.Table(
    "iam_accounts",
    metadata,
    sa.Column("id", sa.String(12), primary_key=True),
    sa.Column("name", sa.String(256), nullable=False),
    sa.Column("email", sa.String(320), nullable=False),
    sa.Column("email_key", sa.String(320), nullable=False, unique=True),
    sa.Column("password_hash", sa.String(256), nullable=False),
    sa.Column("created_at", Moment, nullable=False),
    sa.Column("alias", sa.String(63), unique=True),
    sa.Column("password_policy", sa.JSON(none_as_null=True)),
    sa.Column("closed_at", Moment),
)

revision = sa.Table(
    "iam_revision",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("value", sa.String(64), nullable=False),
)
"""One row with a value that every change of who may do what replaces, so that decisions can be cached by it."""

users = sa.Table(
    "iam_users",
    metadata,
    *_named(
        sa.Column("boundary", sa.String(2048), nullable=False),
        _tags(),
        sa.Column("password_hash", sa.String(256), nullable=False),
        sa.Column("password_created_at", Moment),
        sa.Column("password_changed_at", Moment),
        sa.Column("password_last_used_at", Moment),
        sa.Column("password_reset_required", sa.Boolean, nullable=False),
        sa.Column("password_history", sa.JSON, nullable=False),
    ),
    sa.UniqueConstraint("account", "key"),
)

groups = sa.Table("iam_groups", metadata, *_named(), sa.UniqueConstraint("account", "key"))

memberships = sa.Table(
    "iam_memberships",
    metadata,
    _account(),
    sa.Column("group_id", sa.ForeignKey("iam_groups.id"), primary_key=True),
    sa.Column("user_id", sa.ForeignKey("iam_users.id"), primary_key=True, index=True),
)

roles = sa.Table(
    "iam_roles",
    metadata,
    *_named(
        sa.Column("trust", sa.Text, nullable=False),
        sa.Column("trust_ids", sa.JSON, nullable=False),
        sa.Column("description", sa.String(1000)),
        sa.Column("max_session_duration", sa.Integer, nullable=False),
        sa.Column("boundary", sa.String(2048), nullable=False),
        _tags(),
        sa.Column("last_used_at", Moment),
        sa.Column("last_used_region", sa.String(32), nullable=False),
    ),
    sa.UniqueConstraint("account", "key"),
)

policies = sa.Table(
    "iam_policies",
    metadata,
    *_named(
        sa.Column("updated_at", Moment, nullable=False),
        sa.Column("description", sa.String(1000), nullable=False),
        sa.Column("default_version", sa.String(16), nullable=False),
        sa.Column("next_version", sa.Integer, nullable=False),
        _tags(),
        sa.Column("arn", sa.String(2048), nullable=False, unique=True),
    ),
    sa.UniqueConstraint("account", "key"),
)

policy_versions = sa.Table(
    "iam_policy_versions",
    metadata,
    sa.Column("policy_arn", sa.String(2048), sa.ForeignKey("iam_policies.arn"), primary_key=True),
    sa.Column("version_id", sa.String(16), primary_key=True),
    sa.Column("document", sa.Text, nullable=False),
    sa.Column("created_at", Moment, nullable=False),
)

attachments = sa.Table(
    "iam_attachments",
    metadata,
    _account(),
    sa.Column("principal_id", sa.String(32), primary_key=True),
    sa.Column("policy_arn", sa.String(2048), primary_key=True, index=True),
    sa.Column("attached_at", Moment, nullable=False),
)

inline_policies = sa.Table(
    "iam_inline_policies",
    metadata,
    _account(),
    sa.Column("principal_id", sa.String(32), primary_key=True),
    sa.Column("key", sa.String(128), primary_key=True),
    sa.Column("name", sa.String(128), nullable=False),
    sa.Column("document", sa.Text, nullable=False),
)

access_keys = sa.Table(
    "iam_access_keys",
    metadata,
    sa.Column("id", sa.String(32), primary_key=True),
    _account(),
    sa.Column("principal_id", sa.String(32), nullable=False, index=True),
    sa.Column("secret", sa.LargeBinary, nullable=False),
    sa.Column("active", sa.Boolean, nullable=False),
    sa.Column("created_at", Moment, nullable=False),
    sa.Column("last_used_at", Moment),
    sa.Column("last_used_region", sa.String(32), nullable=False),
    sa.Column("last_used_service", sa.String(64), nullable=False),
)

sessions = sa.Table(
    "iam_sessions",
    metadata,
    sa.Column("access_key_id", sa.String(32), primary_key=True),
    _account(),
    sa.Column("kind", sa.String(16), nullable=False),
    sa.Column("principal_id", sa.String(32), nullable=False),
    sa.Column("name", sa.String(64), nullable=False),
    sa.Column("sealed", sa.LargeBinary, nullable=False),
    sa.Column("issued_at", Moment, nullable=False),
    sa.Column("expires_at", Moment, nullable=False, index=True),
    sa.Column("policies", sa.JSON, nullable=False),
    sa.Column("policy_arns", sa.JSON, nullable=False),
    _tags(),
    sa.Column("transitive_tag_keys", sa.JSON, nullable=False),
    sa.Column("source_identity", sa.String(64), nullable=False),
    sa.Column("mfa_at", Moment),
    sa.Column("context", sa.JSON, nullable=False),
    sa.Column("restricted", sa.Boolean, nullable=False),
)

mfa_devices = sa.Table(
    "iam_mfa_devices",
    metadata,
    sa.Column("serial", sa.String(512), primary_key=True),
    _account(),
    sa.Column("seed", sa.LargeBinary, nullable=False),
    sa.Column("created_at", Moment, nullable=False),
    sa.Column("principal_id", sa.String(32), index=True),
    sa.Column("enabled_at", Moment),
    sa.Column("last_step", sa.BigInteger, nullable=False),
    sa.Column("drift", sa.Integer, nullable=False),
    sa.Column("failures", sa.Integer, nullable=False, server_default="0"),
    sa.Column("locked_until", Moment),
    _tags(),
)

oidc_providers = sa.Table(
    "iam_oidc_providers",
    metadata,
    _account(primary_key=True),
    sa.Column("url", sa.String(255), primary_key=True),
    sa.Column("client_ids", sa.JSON, nullable=False),
    sa.Column("thumbprints", sa.JSON, nullable=False),
    sa.Column("created_at", Moment, nullable=False),
    _tags(),
)

oidc_keys = sa.Table(
    "iam_oidc_keys",
    metadata,
    sa.Column("url", sa.String(255), primary_key=True),
    sa.Column("keys", sa.Text, nullable=False),
    sa.Column("fetched_at", Moment, nullable=False),
)

saml_providers = sa.Table(
    "iam_saml_providers",
    metadata,
    _account(primary_key=True),
    sa.Column("name", sa.String(128), primary_key=True),
    sa.Column("id", sa.String(32), nullable=False),
    sa.Column("metadata", sa.Text, nullable=False),
    sa.Column("created_at", Moment, nullable=False),
    sa.Column("valid_until", Moment, nullable=False),
    _tags(),
)

instance_profiles = sa.Table(
    "iam_instance_profiles",
    metadata,
    *_named(sa.Column("role_id", sa.String(32), index=True), _tags()),
    sa.UniqueConstraint("account", "key"),
)

service_role_uses = sa.Table(
    "iam_service_role_uses",
    metadata,
    _account(primary_key=True),
    sa.Column("service", sa.String(128), primary_key=True),
    sa.Column("resource", sa.String(512), primary_key=True),
)
"""What keeps a service-linked role from being deleted."""

deletion_tasks = sa.Table(
    "iam_deletion_tasks",
    metadata,
    _account(),
    sa.Column("id", sa.String(1000), primary_key=True),
    sa.Column("role_name", sa.String(64), nullable=False),
    sa.Column("status", sa.String(16), nullable=False),
    sa.Column("resources", sa.JSON, nullable=False),
    sa.Column("created_at", Moment, nullable=False),
)
