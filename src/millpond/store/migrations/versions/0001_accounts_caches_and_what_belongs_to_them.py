"""Accounts, caches and what belongs to them."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "cloudtrail_ends",
        sa.Column("name", sa.String(length=8), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("hash", sa.LargeBinary(length=32), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_cloudtrail_ends")),
    )
    op.create_table(
        "cloudtrail_events",
        sa.Column("sequence", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("account", sa.String(length=12), nullable=False),
        sa.Column("region", sa.String(length=32), nullable=False),
        sa.Column("event_id", sa.String(length=36), nullable=False),
        sa.Column("name", sa.String(length=128), nullable=False),
        sa.Column("source", sa.String(length=128), nullable=False),
        sa.Column("read_only", sa.Boolean(), nullable=False),
        sa.Column("username", sa.String(length=128), nullable=False),
        sa.Column("access_key_id", sa.String(length=128), nullable=False),
        sa.Column("resources", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("hash", sa.LargeBinary(length=32), nullable=False),
        sa.PrimaryKeyConstraint("sequence", name=op.f("pk_cloudtrail_events")),
    )
    with op.batch_alter_table("cloudtrail_events", schema=None) as batch_op:
        batch_op.create_index("cloudtrail_events_by_account", ["account", "at", "sequence"], unique=False)

    op.create_table(
        "elasticache_addresses",
        sa.Column("address", sa.String(length=39), nullable=False),
        sa.Column("process", sa.String(length=255), nullable=False),
        sa.PrimaryKeyConstraint("address", name=op.f("pk_elasticache_addresses")),
        sa.UniqueConstraint("process", name=op.f("uq_elasticache_addresses_process")),
    )
    op.create_table(
        "elasticache_cache_clusters",
        sa.Column("account", sa.String(length=12), nullable=False),
        sa.Column("region", sa.String(length=32), nullable=False),
        sa.Column("id", sa.String(length=50), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("engine", sa.String(length=16), nullable=False),
        sa.Column("parameter_group", sa.String(length=255), nullable=False),
        sa.Column("pending_parameter_group", sa.String(length=255), nullable=True),
        sa.Column("subnet_group", sa.String(length=255), nullable=False),
        sa.Column("nodes", sa.Integer(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("account", "region", "id", name=op.f("pk_elasticache_cache_clusters")),
    )
    op.create_table(
        "elasticache_events",
        sa.Column("sequence", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("account", sa.String(length=12), nullable=False),
        sa.Column("region", sa.String(length=32), nullable=False),
        sa.Column("source_type", sa.String(length=32), nullable=False),
        sa.Column("source_identifier", sa.String(length=255), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("sequence", name=op.f("pk_elasticache_events")),
    )
    with op.batch_alter_table("elasticache_events", schema=None) as batch_op:
        batch_op.create_index("elasticache_events_by_time", ["account", "region", "at"], unique=False)

    op.create_table(
        "elasticache_parameter_groups",
        sa.Column("account", sa.String(length=12), nullable=False),
        sa.Column("region", sa.String(length=32), nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("account", "region", "name", name=op.f("pk_elasticache_parameter_groups")),
    )
    op.create_table(
        "elasticache_subnet_groups",
        sa.Column("account", sa.String(length=12), nullable=False),
        sa.Column("region", sa.String(length=32), nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("account", "region", "name", name=op.f("pk_elasticache_subnet_groups")),
    )
    op.create_table(
        "elasticache_tags",
        sa.Column("account", sa.String(length=12), nullable=False),
        sa.Column("region", sa.String(length=32), nullable=False),
        sa.Column("arn", sa.String(length=400), nullable=False),
        sa.Column("key", sa.String(length=128), nullable=False),
        sa.Column("value", sa.String(length=256), nullable=False),
        sa.PrimaryKeyConstraint("account", "region", "arn", "key", name=op.f("pk_elasticache_tags")),
    )
    op.create_table(
        "iam_accounts",
        sa.Column("id", sa.String(length=12), nullable=False),
        sa.Column("name", sa.String(length=256), nullable=False),
        sa.Column("email", sa.String(length=320), nullable=False),
        sa.Column("email_key", sa.String(length=320), nullable=False),
        sa.Column("password_hash", sa.String(length=256), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("alias", sa.String(length=63), nullable=True),
        sa.Column("password_policy", sa.JSON(none_as_null=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_iam_accounts")),
        sa.UniqueConstraint("alias", name=op.f("uq_iam_accounts_alias")),
        sa.UniqueConstraint("email_key", name=op.f("uq_iam_accounts_email_key")),
    )
    op.create_table(
        "iam_oidc_keys",
        sa.Column("url", sa.String(length=255), nullable=False),
        sa.Column("keys", sa.Text(), nullable=False),
        sa.Column("fetched_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("url", name=op.f("pk_iam_oidc_keys")),
    )
    op.create_table(
        "iam_revision",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("value", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_iam_revision")),
    )
    op.create_table(
        "iam_access_keys",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("account", sa.String(length=12), nullable=False),
        sa.Column("principal_id", sa.String(length=32), nullable=False),
        sa.Column("secret", sa.LargeBinary(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("last_used_at", sa.BigInteger(), nullable=True),
        sa.Column("last_used_region", sa.String(length=32), nullable=False),
        sa.Column("last_used_service", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(["account"], ["iam_accounts.id"], name=op.f("fk_iam_access_keys_account")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_iam_access_keys")),
    )
    with op.batch_alter_table("iam_access_keys", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_iam_access_keys_principal_id"), ["principal_id"], unique=False)

    op.create_table(
        "iam_attachments",
        sa.Column("account", sa.String(length=12), nullable=False),
        sa.Column("principal_id", sa.String(length=32), nullable=False),
        sa.Column("policy_arn", sa.String(length=2048), nullable=False),
        sa.Column("attached_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["account"], ["iam_accounts.id"], name=op.f("fk_iam_attachments_account")),
        sa.PrimaryKeyConstraint("principal_id", "policy_arn", name=op.f("pk_iam_attachments")),
    )
    with op.batch_alter_table("iam_attachments", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_iam_attachments_policy_arn"), ["policy_arn"], unique=False)

    op.create_table(
        "iam_deletion_tasks",
        sa.Column("account", sa.String(length=12), nullable=False),
        sa.Column("id", sa.String(length=1000), nullable=False),
        sa.Column("role_name", sa.String(length=64), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("resources", sa.JSON(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["account"], ["iam_accounts.id"], name=op.f("fk_iam_deletion_tasks_account")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_iam_deletion_tasks")),
    )
    op.create_table(
        "iam_groups",
        sa.Column("account", sa.String(length=12), nullable=False),
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("name", sa.String(length=128), nullable=False),
        sa.Column("key", sa.String(length=128), nullable=False),
        sa.Column("path", sa.String(length=512), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["account"], ["iam_accounts.id"], name=op.f("fk_iam_groups_account")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_iam_groups")),
        sa.UniqueConstraint("account", "key", name=op.f("uq_iam_groups_account_key")),
    )
    op.create_table(
        "iam_inline_policies",
        sa.Column("account", sa.String(length=12), nullable=False),
        sa.Column("principal_id", sa.String(length=32), nullable=False),
        sa.Column("key", sa.String(length=128), nullable=False),
        sa.Column("name", sa.String(length=128), nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["account"], ["iam_accounts.id"], name=op.f("fk_iam_inline_policies_account")),
        sa.PrimaryKeyConstraint("principal_id", "key", name=op.f("pk_iam_inline_policies")),
    )
    op.create_table(
        "iam_instance_profiles",
        sa.Column("account", sa.String(length=12), nullable=False),
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("name", sa.String(length=128), nullable=False),
        sa.Column("key", sa.String(length=128), nullable=False),
        sa.Column("path", sa.String(length=512), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("role_id", sa.String(length=32), nullable=True),
        sa.Column("tags", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(["account"], ["iam_accounts.id"], name=op.f("fk_iam_instance_profiles_account")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_iam_instance_profiles")),
        sa.UniqueConstraint("account", "key", name=op.f("uq_iam_instance_profiles_account_key")),
    )
    with op.batch_alter_table("iam_instance_profiles", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_iam_instance_profiles_role_id"), ["role_id"], unique=False)

    op.create_table(
        "iam_mfa_devices",
        sa.Column("serial", sa.String(length=512), nullable=False),
        sa.Column("account", sa.String(length=12), nullable=False),
        sa.Column("seed", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("principal_id", sa.String(length=32), nullable=True),
        sa.Column("enabled_at", sa.BigInteger(), nullable=True),
        sa.Column("last_step", sa.BigInteger(), nullable=False),
        sa.Column("drift", sa.Integer(), nullable=False),
        sa.Column("failures", sa.Integer(), server_default="0", nullable=False),
        sa.Column("locked_until", sa.BigInteger(), nullable=True),
        sa.Column("tags", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(["account"], ["iam_accounts.id"], name=op.f("fk_iam_mfa_devices_account")),
        sa.PrimaryKeyConstraint("serial", name=op.f("pk_iam_mfa_devices")),
    )
    with op.batch_alter_table("iam_mfa_devices", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_iam_mfa_devices_principal_id"), ["principal_id"], unique=False)

    op.create_table(
        "iam_oidc_providers",
        sa.Column("account", sa.String(length=12), nullable=False),
        sa.Column("url", sa.String(length=255), nullable=False),
        sa.Column("client_ids", sa.JSON(), nullable=False),
        sa.Column("thumbprints", sa.JSON(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("tags", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(["account"], ["iam_accounts.id"], name=op.f("fk_iam_oidc_providers_account")),
        sa.PrimaryKeyConstraint("account", "url", name=op.f("pk_iam_oidc_providers")),
    )
    op.create_table(
        "iam_policies",
        sa.Column("account", sa.String(length=12), nullable=False),
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("name", sa.String(length=128), nullable=False),
        sa.Column("key", sa.String(length=128), nullable=False),
        sa.Column("path", sa.String(length=512), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.Column("description", sa.String(length=1000), nullable=False),
        sa.Column("default_version", sa.String(length=16), nullable=False),
        sa.Column("next_version", sa.Integer(), nullable=False),
        sa.Column("tags", sa.JSON(), nullable=False),
        sa.Column("arn", sa.String(length=2048), nullable=False),
        sa.ForeignKeyConstraint(["account"], ["iam_accounts.id"], name=op.f("fk_iam_policies_account")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_iam_policies")),
        sa.UniqueConstraint("account", "key", name=op.f("uq_iam_policies_account_key")),
        sa.UniqueConstraint("arn", name=op.f("uq_iam_policies_arn")),
    )
    op.create_table(
        "iam_roles",
        sa.Column("account", sa.String(length=12), nullable=False),
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("name", sa.String(length=128), nullable=False),
        sa.Column("key", sa.String(length=128), nullable=False),
        sa.Column("path", sa.String(length=512), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("trust", sa.Text(), nullable=False),
        sa.Column("trust_ids", sa.JSON(), nullable=False),
        sa.Column("description", sa.String(length=1000), nullable=True),
        sa.Column("max_session_duration", sa.Integer(), nullable=False),
        sa.Column("boundary", sa.String(length=2048), nullable=False),
        sa.Column("tags", sa.JSON(), nullable=False),
        sa.Column("last_used_at", sa.BigInteger(), nullable=True),
        sa.Column("last_used_region", sa.String(length=32), nullable=False),
        sa.ForeignKeyConstraint(["account"], ["iam_accounts.id"], name=op.f("fk_iam_roles_account")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_iam_roles")),
        sa.UniqueConstraint("account", "key", name=op.f("uq_iam_roles_account_key")),
    )
    op.create_table(
        "iam_saml_providers",
        sa.Column("account", sa.String(length=12), nullable=False),
        sa.Column("name", sa.String(length=128), nullable=False),
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("metadata", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("valid_until", sa.BigInteger(), nullable=False),
        sa.Column("tags", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(["account"], ["iam_accounts.id"], name=op.f("fk_iam_saml_providers_account")),
        sa.PrimaryKeyConstraint("account", "name", name=op.f("pk_iam_saml_providers")),
    )
    op.create_table(
        "iam_service_role_uses",
        sa.Column("account", sa.String(length=12), nullable=False),
        sa.Column("service", sa.String(length=128), nullable=False),
        sa.Column("resource", sa.String(length=512), nullable=False),
        sa.ForeignKeyConstraint(["account"], ["iam_accounts.id"], name=op.f("fk_iam_service_role_uses_account")),
        sa.PrimaryKeyConstraint("account", "service", "resource", name=op.f("pk_iam_service_role_uses")),
    )
    op.create_table(
        "iam_sessions",
        sa.Column("access_key_id", sa.String(length=32), nullable=False),
        sa.Column("account", sa.String(length=12), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("principal_id", sa.String(length=32), nullable=False),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("issued_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("policies", sa.JSON(), nullable=False),
        sa.Column("policy_arns", sa.JSON(), nullable=False),
        sa.Column("tags", sa.JSON(), nullable=False),
        sa.Column("transitive_tag_keys", sa.JSON(), nullable=False),
        sa.Column("source_identity", sa.String(length=64), nullable=False),
        sa.Column("mfa_at", sa.BigInteger(), nullable=True),
        sa.Column("context", sa.JSON(), nullable=False),
        sa.Column("restricted", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["account"], ["iam_accounts.id"], name=op.f("fk_iam_sessions_account")),
        sa.PrimaryKeyConstraint("access_key_id", name=op.f("pk_iam_sessions")),
    )
    with op.batch_alter_table("iam_sessions", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_iam_sessions_expires_at"), ["expires_at"], unique=False)

    op.create_table(
        "iam_users",
        sa.Column("account", sa.String(length=12), nullable=False),
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("name", sa.String(length=128), nullable=False),
        sa.Column("key", sa.String(length=128), nullable=False),
        sa.Column("path", sa.String(length=512), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("boundary", sa.String(length=2048), nullable=False),
        sa.Column("tags", sa.JSON(), nullable=False),
        sa.Column("password_hash", sa.String(length=256), nullable=False),
        sa.Column("password_created_at", sa.BigInteger(), nullable=True),
        sa.Column("password_changed_at", sa.BigInteger(), nullable=True),
        sa.Column("password_last_used_at", sa.BigInteger(), nullable=True),
        sa.Column("password_reset_required", sa.Boolean(), nullable=False),
        sa.Column("password_history", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(["account"], ["iam_accounts.id"], name=op.f("fk_iam_users_account")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_iam_users")),
        sa.UniqueConstraint("account", "key", name=op.f("uq_iam_users_account_key")),
    )
    op.create_table(
        "iam_memberships",
        sa.Column("account", sa.String(length=12), nullable=False),
        sa.Column("group_id", sa.String(length=32), nullable=False),
        sa.Column("user_id", sa.String(length=32), nullable=False),
        sa.ForeignKeyConstraint(["account"], ["iam_accounts.id"], name=op.f("fk_iam_memberships_account")),
        sa.ForeignKeyConstraint(["group_id"], ["iam_groups.id"], name=op.f("fk_iam_memberships_group_id")),
        sa.ForeignKeyConstraint(["user_id"], ["iam_users.id"], name=op.f("fk_iam_memberships_user_id")),
        sa.PrimaryKeyConstraint("group_id", "user_id", name=op.f("pk_iam_memberships")),
    )
    with op.batch_alter_table("iam_memberships", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_iam_memberships_user_id"), ["user_id"], unique=False)

    op.create_table(
        "iam_policy_versions",
        sa.Column("policy_arn", sa.String(length=2048), nullable=False),
        sa.Column("version_id", sa.String(length=16), nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["policy_arn"], ["iam_policies.arn"], name=op.f("fk_iam_policy_versions_policy_arn")),
        sa.PrimaryKeyConstraint("policy_arn", "version_id", name=op.f("pk_iam_policy_versions")),
    )
