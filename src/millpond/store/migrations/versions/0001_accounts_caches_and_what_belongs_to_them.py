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
        "ec2_consoles",
        sa.Column("instance", sa.String(length=64), nullable=False),
        sa.Column("posted_at", sa.String(length=40), nullable=False),
        sa.Column("output", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("instance", name=op.f("pk_ec2_consoles")),
    )
    op.create_table(
        "ec2_dhcp_options",
        sa.Column("account", sa.String(length=12), nullable=False),
        sa.Column("region", sa.String(length=32), nullable=False),
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("account", "region", "id", name=op.f("pk_ec2_dhcp_options")),
    )
    op.create_table(
        "ec2_failed_zones",
        sa.Column("account", sa.String(length=12), nullable=False),
        sa.Column("region", sa.String(length=32), nullable=False),
        sa.Column("zone", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("account", "region", "zone", name=op.f("pk_ec2_failed_zones")),
    )
    op.create_table(
        "ec2_instances",
        sa.Column("account", sa.String(length=12), nullable=False),
        sa.Column("region", sa.String(length=32), nullable=False),
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("subnet", sa.String(length=255), nullable=False),
        sa.Column("key_name", sa.String(length=255), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("account", "region", "id", name=op.f("pk_ec2_instances")),
    )
    with op.batch_alter_table("ec2_instances", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_ec2_instances_key_name"), ["key_name"], unique=False)
        batch_op.create_index(batch_op.f("ix_ec2_instances_subnet"), ["subnet"], unique=False)

    op.create_table(
        "ec2_internet_gateways",
        sa.Column("account", sa.String(length=12), nullable=False),
        sa.Column("region", sa.String(length=32), nullable=False),
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("vpc", sa.String(length=255), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("account", "region", "id", name=op.f("pk_ec2_internet_gateways")),
    )
    with op.batch_alter_table("ec2_internet_gateways", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_ec2_internet_gateways_vpc"), ["vpc"], unique=False)

    op.create_table(
        "ec2_key_pairs",
        sa.Column("account", sa.String(length=12), nullable=False),
        sa.Column("region", sa.String(length=32), nullable=False),
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("account", "region", "id", name=op.f("pk_ec2_key_pairs")),
        sa.UniqueConstraint("account", "region", "name", name=op.f("uq_ec2_key_pairs_account_region_name")),
    )
    with op.batch_alter_table("ec2_key_pairs", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_ec2_key_pairs_name"), ["name"], unique=False)

    op.create_table(
        "ec2_network_acls",
        sa.Column("account", sa.String(length=12), nullable=False),
        sa.Column("region", sa.String(length=32), nullable=False),
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("vpc", sa.String(length=255), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("account", "region", "id", name=op.f("pk_ec2_network_acls")),
    )
    with op.batch_alter_table("ec2_network_acls", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_ec2_network_acls_vpc"), ["vpc"], unique=False)

    op.create_table(
        "ec2_network_interfaces",
        sa.Column("account", sa.String(length=12), nullable=False),
        sa.Column("region", sa.String(length=32), nullable=False),
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("vpc", sa.String(length=255), nullable=False),
        sa.Column("subnet", sa.String(length=255), nullable=False),
        sa.Column("address", sa.String(length=255), nullable=False),
        sa.Column("instance", sa.String(length=255), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("account", "region", "id", name=op.f("pk_ec2_network_interfaces")),
        sa.UniqueConstraint("vpc", "address", name=op.f("uq_ec2_network_interfaces_vpc_address")),
    )
    with op.batch_alter_table("ec2_network_interfaces", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_ec2_network_interfaces_address"), ["address"], unique=False)
        batch_op.create_index(batch_op.f("ix_ec2_network_interfaces_instance"), ["instance"], unique=False)
        batch_op.create_index(batch_op.f("ix_ec2_network_interfaces_subnet"), ["subnet"], unique=False)
        batch_op.create_index(batch_op.f("ix_ec2_network_interfaces_vpc"), ["vpc"], unique=False)

    op.create_table(
        "ec2_prefix_lists",
        sa.Column("account", sa.String(length=12), nullable=False),
        sa.Column("region", sa.String(length=32), nullable=False),
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("account", "region", "id", name=op.f("pk_ec2_prefix_lists")),
    )
    with op.batch_alter_table("ec2_prefix_lists", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_ec2_prefix_lists_name"), ["name"], unique=False)

    op.create_table(
        "ec2_pushed_keys",
        sa.Column("number", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("instance", sa.String(length=64), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_ec2_pushed_keys")),
    )
    with op.batch_alter_table("ec2_pushed_keys", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_ec2_pushed_keys_instance"), ["instance"], unique=False)

    op.create_table(
        "ec2_route_tables",
        sa.Column("account", sa.String(length=12), nullable=False),
        sa.Column("region", sa.String(length=32), nullable=False),
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("vpc", sa.String(length=255), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("account", "region", "id", name=op.f("pk_ec2_route_tables")),
    )
    with op.batch_alter_table("ec2_route_tables", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_ec2_route_tables_vpc"), ["vpc"], unique=False)

    op.create_table(
        "ec2_security_groups",
        sa.Column("account", sa.String(length=12), nullable=False),
        sa.Column("region", sa.String(length=32), nullable=False),
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("vpc", sa.String(length=255), nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("account", "region", "id", name=op.f("pk_ec2_security_groups")),
        sa.UniqueConstraint("vpc", "name", name=op.f("uq_ec2_security_groups_vpc_name")),
    )
    with op.batch_alter_table("ec2_security_groups", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_ec2_security_groups_name"), ["name"], unique=False)
        batch_op.create_index(batch_op.f("ix_ec2_security_groups_vpc"), ["vpc"], unique=False)

    op.create_table(
        "ec2_settled",
        sa.Column("account", sa.String(length=12), nullable=False),
        sa.Column("region", sa.String(length=32), nullable=False),
        sa.PrimaryKeyConstraint("account", "region", name=op.f("pk_ec2_settled")),
    )
    op.create_table(
        "ec2_subnets",
        sa.Column("account", sa.String(length=12), nullable=False),
        sa.Column("region", sa.String(length=32), nullable=False),
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("vpc", sa.String(length=255), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("account", "region", "id", name=op.f("pk_ec2_subnets")),
    )
    with op.batch_alter_table("ec2_subnets", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_ec2_subnets_vpc"), ["vpc"], unique=False)

    op.create_table(
        "ec2_vpc_generations",
        sa.Column("account", sa.String(length=12), nullable=False),
        sa.Column("region", sa.String(length=32), nullable=False),
        sa.Column("vpc", sa.String(length=64), nullable=False),
        sa.Column("value", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("account", "region", "vpc", name=op.f("pk_ec2_vpc_generations")),
    )
    op.create_table(
        "ec2_vpc_names",
        sa.Column("account", sa.String(length=12), nullable=False),
        sa.Column("region", sa.String(length=32), nullable=False),
        sa.Column("vpc", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("owner", sa.String(length=255), nullable=False),
        sa.Column("addresses", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("account", "region", "vpc", "name", name=op.f("pk_ec2_vpc_names")),
    )
    with op.batch_alter_table("ec2_vpc_names", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_ec2_vpc_names_owner"), ["owner"], unique=False)

    op.create_table(
        "ec2_vpcs",
        sa.Column("account", sa.String(length=12), nullable=False),
        sa.Column("region", sa.String(length=32), nullable=False),
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("account", "region", "id", name=op.f("pk_ec2_vpcs")),
    )
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
        "elasticache_members",
        sa.Column("account", sa.String(length=12), nullable=False),
        sa.Column("region", sa.String(length=32), nullable=False),
        sa.Column("id", sa.String(length=50), nullable=False),
        sa.Column("replication_group", sa.String(length=40), nullable=False),
        sa.PrimaryKeyConstraint("account", "region", "id", name=op.f("pk_elasticache_members")),
    )
    op.create_table(
        "elasticache_parameter_groups",
        sa.Column("account", sa.String(length=12), nullable=False),
        sa.Column("region", sa.String(length=32), nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("account", "region", "name", name=op.f("pk_elasticache_parameter_groups")),
    )
    op.create_table(
        "elasticache_replication_groups",
        sa.Column("account", sa.String(length=12), nullable=False),
        sa.Column("region", sa.String(length=32), nullable=False),
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("engine", sa.String(length=16), nullable=False),
        sa.Column("parameter_group", sa.String(length=255), nullable=False),
        sa.Column("pending_parameter_group", sa.String(length=255), nullable=True),
        sa.Column("subnet_group", sa.String(length=255), nullable=False),
        sa.Column("nodes", sa.Integer(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("account", "region", "id", name=op.f("pk_elasticache_replication_groups")),
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
        sa.Column("closed_at", sa.BigInteger(), nullable=True),
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
        "mail_outbox",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("channel", sa.String(length=8), nullable=False),
        sa.Column("recipient", sa.String(length=320), nullable=False),
        sa.Column("subject", sa.String(length=256), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("next_attempt_at", sa.BigInteger(), nullable=False),
        sa.Column("last_error", sa.String(length=512), nullable=False),
        sa.Column("delivered_at", sa.BigInteger(), nullable=True),
        sa.Column("given_up_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_mail_outbox")),
    )
    with op.batch_alter_table("mail_outbox", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_mail_outbox_created_at"), ["created_at"], unique=False)

    op.create_table(
        "signin_login_keys",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_signin_login_keys")),
    )
    op.create_table(
        "signin_login_proofs",
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_signin_login_proofs")),
    )
    with op.batch_alter_table("signin_login_proofs", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_signin_login_proofs_expires_at"), ["expires_at"], unique=False)

    op.create_table(
        "signin_pending",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("code", sa.String(length=64), nullable=False),
        sa.Column("code_expires_at", sa.BigInteger(), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("sends", sa.Integer(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_signin_pending")),
    )
    with op.batch_alter_table("signin_pending", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_signin_pending_expires_at"), ["expires_at"], unique=False)

    op.create_table(
        "signin_sessions",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("realm", sa.String(length=16), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("account", sa.String(length=12), nullable=False),
        sa.Column("principal_id", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=320), nullable=False),
        sa.Column("access_key_id", sa.String(length=32), nullable=False),
        sa.Column("signed_in_at", sa.BigInteger(), nullable=False),
        sa.Column("confirmed_at", sa.BigInteger(), nullable=False),
        sa.Column("seen_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("mfa_at", sa.BigInteger(), nullable=True),
        sa.Column("must_change_password", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_signin_sessions")),
    )
    with op.batch_alter_table("signin_sessions", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_signin_sessions_expires_at"), ["expires_at"], unique=False)
        batch_op.create_index(batch_op.f("ix_signin_sessions_principal_id"), ["principal_id"], unique=False)

    op.create_table(
        "signin_settings",
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("value", sa.String(length=256), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_signin_settings")),
    )
    op.create_table(
        "signin_tallies",
        sa.Column("key", sa.String(length=128), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("last_at", sa.BigInteger(), nullable=False),
        sa.Column("blocked_until", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_signin_tallies")),
    )
    with op.batch_alter_table("signin_tallies", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_signin_tallies_last_at"), ["last_at"], unique=False)

    op.create_table(
        "sso_clients",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("secret_digest", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=256), nullable=False),
        sa.Column("scopes", sa.JSON(), nullable=False),
        sa.Column("redirect_uris", sa.JSON(), nullable=False),
        sa.Column("grant_types", sa.JSON(), nullable=False),
        sa.Column("instance_id", sa.String(length=32), nullable=False),
        sa.Column("source_ip", sa.String(length=64), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sso_clients")),
    )
    with op.batch_alter_table("sso_clients", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_sso_clients_expires_at"), ["expires_at"], unique=False)
        batch_op.create_index(batch_op.f("ix_sso_clients_source_ip"), ["source_ip"], unique=False)

    op.create_table(
        "sso_groups",
        sa.Column("identity_store_id", sa.String(length=64), nullable=False),
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=1024), nullable=False),
        sa.Column("key", sa.String(length=64), nullable=True),
        sa.Column("description", sa.String(length=1024), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("created_by", sa.String(length=2048), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_by", sa.String(length=2048), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sso_groups")),
        sa.UniqueConstraint("identity_store_id", "key", name=op.f("uq_sso_groups_identity_store_id_key")),
    )
    op.create_table(
        "sso_users",
        sa.Column("identity_store_id", sa.String(length=64), nullable=False),
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=128), nullable=False),
        sa.Column("key", sa.String(length=256), nullable=False),
        sa.Column("email_key", sa.String(length=64), nullable=True),
        sa.Column("attributes", sa.JSON(), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("created_by", sa.String(length=2048), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_by", sa.String(length=2048), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sso_users")),
        sa.UniqueConstraint("identity_store_id", "email_key", name="uq_sso_users_email"),
        sa.UniqueConstraint("identity_store_id", "key", name=op.f("uq_sso_users_identity_store_id_key")),
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
        "signin_login_codes",
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("client_id", sa.String(length=64), nullable=False),
        sa.Column("redirect_uri", sa.String(length=2048), nullable=False),
        sa.Column("challenge", sa.String(length=128), nullable=False),
        sa.Column("account", sa.String(length=12), nullable=False),
        sa.Column("principal_id", sa.String(length=32), nullable=False),
        sa.Column("mfa_at", sa.BigInteger(), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("session_id", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(["account"], ["iam_accounts.id"], name=op.f("fk_signin_login_codes_account")),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_signin_login_codes")),
    )
    with op.batch_alter_table("signin_login_codes", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_signin_login_codes_expires_at"), ["expires_at"], unique=False)

    op.create_table(
        "signin_login_sessions",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("client_id", sa.String(length=64), nullable=False),
        sa.Column("account", sa.String(length=12), nullable=False),
        sa.Column("principal_id", sa.String(length=32), nullable=False),
        sa.Column("mfa_at", sa.BigInteger(), nullable=True),
        sa.Column("key_thumbprint", sa.String(length=64), nullable=False),
        sa.Column("password_digest", sa.String(length=64), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("ends_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["account"], ["iam_accounts.id"], name=op.f("fk_signin_login_sessions_account")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_signin_login_sessions")),
    )
    with op.batch_alter_table("signin_login_sessions", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_signin_login_sessions_ends_at"), ["ends_at"], unique=False)
        batch_op.create_index(batch_op.f("ix_signin_login_sessions_principal_id"), ["principal_id"], unique=False)

    op.create_table(
        "sso_instances",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("identity_store_id", sa.String(length=64), nullable=False),
        sa.Column("account", sa.String(length=12), nullable=False),
        sa.Column("region", sa.String(length=32), nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("tags", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(["account"], ["iam_accounts.id"], name=op.f("fk_sso_instances_account")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sso_instances")),
        sa.UniqueConstraint("account", name=op.f("uq_sso_instances_account")),
        sa.UniqueConstraint("identity_store_id", name=op.f("uq_sso_instances_identity_store_id")),
    )
    op.create_table(
        "sso_links",
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("user_id", sa.String(length=64), nullable=False),
        sa.Column("purpose", sa.String(length=32), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["sso_users.id"], name=op.f("fk_sso_links_user_id")),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_sso_links")),
    )
    with op.batch_alter_table("sso_links", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_sso_links_expires_at"), ["expires_at"], unique=False)
        batch_op.create_index(batch_op.f("ix_sso_links_user_id"), ["user_id"], unique=False)

    op.create_table(
        "sso_memberships",
        sa.Column("identity_store_id", sa.String(length=64), nullable=False),
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("group_id", sa.String(length=64), nullable=False),
        sa.Column("user_id", sa.String(length=64), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("created_by", sa.String(length=2048), nullable=False),
        sa.ForeignKeyConstraint(["group_id"], ["sso_groups.id"], name=op.f("fk_sso_memberships_group_id")),
        sa.ForeignKeyConstraint(["user_id"], ["sso_users.id"], name=op.f("fk_sso_memberships_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sso_memberships")),
        sa.UniqueConstraint("group_id", "user_id", name=op.f("uq_sso_memberships_group_id_user_id")),
    )
    with op.batch_alter_table("sso_memberships", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_sso_memberships_user_id"), ["user_id"], unique=False)

    op.create_table(
        "sso_mfa_devices",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("user_id", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=128), nullable=False),
        sa.Column("seed", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("registered_at", sa.BigInteger(), nullable=True),
        sa.Column("last_step", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["sso_users.id"], name=op.f("fk_sso_mfa_devices_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sso_mfa_devices")),
    )
    with op.batch_alter_table("sso_mfa_devices", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_sso_mfa_devices_user_id"), ["user_id"], unique=False)

    op.create_table(
        "sso_passwords",
        sa.Column("user_id", sa.String(length=64), nullable=False),
        sa.Column("hashed", sa.String(length=256), nullable=False),
        sa.Column("changed_at", sa.BigInteger(), nullable=False),
        sa.Column("history", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["sso_users.id"], name=op.f("fk_sso_passwords_user_id")),
        sa.PrimaryKeyConstraint("user_id", name=op.f("pk_sso_passwords")),
    )
    with op.batch_alter_table("sso_passwords", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_sso_passwords_user_id"), ["user_id"], unique=False)

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
    op.create_table(
        "signin_login_tokens",
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("session_id", sa.String(length=64), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("used_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["session_id"], ["signin_login_sessions.id"], name=op.f("fk_signin_login_tokens_session_id")
        ),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_signin_login_tokens")),
    )
    with op.batch_alter_table("signin_login_tokens", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_signin_login_tokens_session_id"), ["session_id"], unique=False)

    op.create_table(
        "sso_authorization_codes",
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("client_id", sa.String(length=64), nullable=False),
        sa.Column("instance_id", sa.String(length=32), nullable=False),
        sa.Column("user_id", sa.String(length=64), nullable=False),
        sa.Column("redirect_uri", sa.String(length=2048), nullable=False),
        sa.Column("challenge", sa.String(length=128), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("session_id", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(
            ["instance_id"], ["sso_instances.id"], name=op.f("fk_sso_authorization_codes_instance_id")
        ),
        sa.ForeignKeyConstraint(["user_id"], ["sso_users.id"], name=op.f("fk_sso_authorization_codes_user_id")),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_sso_authorization_codes")),
    )
    with op.batch_alter_table("sso_authorization_codes", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_sso_authorization_codes_expires_at"), ["expires_at"], unique=False)
        batch_op.create_index(batch_op.f("ix_sso_authorization_codes_user_id"), ["user_id"], unique=False)

    op.create_table(
        "sso_device_authorizations",
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("user_code", sa.String(length=16), nullable=False),
        sa.Column("client_id", sa.String(length=64), nullable=False),
        sa.Column("instance_id", sa.String(length=32), nullable=False),
        sa.Column("source_ip", sa.String(length=64), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("interval", sa.Integer(), nullable=False),
        sa.Column("polled_at", sa.BigInteger(), nullable=True),
        sa.Column("hasty_polls", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.String(length=64), nullable=False),
        sa.Column("denied_at", sa.BigInteger(), nullable=True),
        sa.Column("session_id", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(
            ["instance_id"], ["sso_instances.id"], name=op.f("fk_sso_device_authorizations_instance_id")
        ),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_sso_device_authorizations")),
        sa.UniqueConstraint("user_code", name=op.f("uq_sso_device_authorizations_user_code")),
    )
    with op.batch_alter_table("sso_device_authorizations", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_sso_device_authorizations_expires_at"), ["expires_at"], unique=False)
        batch_op.create_index(batch_op.f("ix_sso_device_authorizations_source_ip"), ["source_ip"], unique=False)

    op.create_table(
        "sso_permission_sets",
        sa.Column("instance_id", sa.String(length=32), nullable=False),
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("name", sa.String(length=32), nullable=False),
        sa.Column("description", sa.String(length=700), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("session_duration", sa.String(length=100), nullable=False),
        sa.Column("relay_state", sa.String(length=240), nullable=False),
        sa.Column("managed_policies", sa.JSON(), nullable=False),
        sa.Column("customer_policies", sa.JSON(), nullable=False),
        sa.Column("inline_policy", sa.Text(), nullable=False),
        sa.Column("boundary_arn", sa.String(length=2048), nullable=False),
        sa.Column("boundary_reference", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("tags", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(["instance_id"], ["sso_instances.id"], name=op.f("fk_sso_permission_sets_instance_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sso_permission_sets")),
        sa.UniqueConstraint("instance_id", "name", name=op.f("uq_sso_permission_sets_instance_id_name")),
    )
    op.create_table(
        "sso_requests",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("instance_id", sa.String(length=32), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("permission_set_id", sa.String(length=32), nullable=False),
        sa.Column("account", sa.String(length=12), nullable=False),
        sa.Column("principal_type", sa.String(length=8), nullable=True),
        sa.Column("principal_id", sa.String(length=64), nullable=False),
        sa.Column("failure", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["instance_id"], ["sso_instances.id"], name=op.f("fk_sso_requests_instance_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sso_requests")),
    )
    with op.batch_alter_table("sso_requests", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_sso_requests_created_at"), ["created_at"], unique=False)

    op.create_table(
        "sso_sessions",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("instance_id", sa.String(length=32), nullable=False),
        sa.Column("user_id", sa.String(length=64), nullable=False),
        sa.Column("client_id", sa.String(length=64), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("ends_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["instance_id"], ["sso_instances.id"], name=op.f("fk_sso_sessions_instance_id")),
        sa.ForeignKeyConstraint(["user_id"], ["sso_users.id"], name=op.f("fk_sso_sessions_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sso_sessions")),
    )
    with op.batch_alter_table("sso_sessions", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_sso_sessions_ends_at"), ["ends_at"], unique=False)
        batch_op.create_index(batch_op.f("ix_sso_sessions_user_id"), ["user_id"], unique=False)

    op.create_table(
        "sso_assignments",
        sa.Column("instance_id", sa.String(length=32), nullable=False),
        sa.Column("account", sa.String(length=12), nullable=False),
        sa.Column("permission_set_id", sa.String(length=32), nullable=False),
        sa.Column("principal_type", sa.String(length=8), nullable=False),
        sa.Column("principal_id", sa.String(length=64), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["account"], ["iam_accounts.id"], name=op.f("fk_sso_assignments_account")),
        sa.ForeignKeyConstraint(["instance_id"], ["sso_instances.id"], name=op.f("fk_sso_assignments_instance_id")),
        sa.ForeignKeyConstraint(
            ["permission_set_id"], ["sso_permission_sets.id"], name=op.f("fk_sso_assignments_permission_set_id")
        ),
        sa.PrimaryKeyConstraint(
            "instance_id",
            "account",
            "permission_set_id",
            "principal_type",
            "principal_id",
            name=op.f("pk_sso_assignments"),
        ),
    )
    with op.batch_alter_table("sso_assignments", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_sso_assignments_principal_id"), ["principal_id"], unique=False)

    op.create_table(
        "sso_provisionings",
        sa.Column("instance_id", sa.String(length=32), nullable=False),
        sa.Column("permission_set_id", sa.String(length=32), nullable=False),
        sa.Column("account", sa.String(length=12), nullable=False),
        sa.Column("role_name", sa.String(length=64), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["account"], ["iam_accounts.id"], name=op.f("fk_sso_provisionings_account")),
        sa.ForeignKeyConstraint(["instance_id"], ["sso_instances.id"], name=op.f("fk_sso_provisionings_instance_id")),
        sa.ForeignKeyConstraint(
            ["permission_set_id"], ["sso_permission_sets.id"], name=op.f("fk_sso_provisionings_permission_set_id")
        ),
        sa.PrimaryKeyConstraint("permission_set_id", "account", name=op.f("pk_sso_provisionings")),
    )
    op.create_table(
        "sso_tokens",
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("session_id", sa.String(length=64), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("used_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["session_id"], ["sso_sessions.id"], name=op.f("fk_sso_tokens_session_id")),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_sso_tokens")),
    )
    with op.batch_alter_table("sso_tokens", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_sso_tokens_expires_at"), ["expires_at"], unique=False)
        batch_op.create_index(batch_op.f("ix_sso_tokens_session_id"), ["session_id"], unique=False)
