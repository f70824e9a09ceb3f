"""IAM: accounts, users, groups, roles, policies and keys, and the decision whether a request is allowed.

Other slices use only what is exported here; `policy/` is a pure evaluator, `operations/` is the API.
"""

from millpond.operation import service
from millpond.services.iam.accounts import (
    account_by_email,
    account_by_name,
    devices_of,
    end_session,
    note_password_use,
    password_violation,
    replace_account,
    root_keys,
    set_user_password,
    use_mfa_code,
    user_named,
)
from millpond.services.iam.authorization_messages import decoded_authorization_message, encoded_authorization_message
from millpond.services.iam.bootstrap import (
    Bootstrap,
    administrator,
    administrator_credentials,
    bootstrap,
    create_account,
    create_account_with,
    default_account,
    new_root_password,
)
from millpond.services.iam.credentials import TemporaryKey, account_of_key, new_access_key, open_session
from millpond.services.iam.documents import checked_session_policy, has_policy
from millpond.services.iam.fetching import HttpsFetch
from millpond.services.iam.identity import IamIdentity, KeyUse, trusts
from millpond.services.iam.instance_roles import (
    InstanceCredentials,
    instance_credentials,
    instance_profile,
    profile_role,
)
from millpond.services.iam.issuers import OidcKeys
from millpond.services.iam.mfa import accept_mfa_code, check_mfa_code
from millpond.services.iam.operations import OPERATIONS
from millpond.services.iam.passwords import hash_password, new_passphrase, verify_password
from millpond.services.iam.policy import new_policy
from millpond.services.iam.records import (
    Account,
    Grant,
    InstanceProfile,
    OidcProvider,
    Role,
    SamlProvider,
    Session,
    User,
)
from millpond.services.iam.reserved_roles import (
    MissingPolicyError,
    ReservedRole,
    delete_reserved_role,
    put_reserved_role,
    reserved_role,
)
from millpond.services.iam.saml_metadata import SamlMetadata, parse_metadata, parse_xml
from millpond.services.iam.service_roles import (
    create_service_role,
    keep_service_role,
    needed_service_role,
    release_service_role,
    role_allows,
    service_role,
    use_service_role,
)
from millpond.services.iam.tables.keys import session
from millpond.services.iam.tables.principals import account, accounts, role_by_arn, user_by_id
from millpond.services.iam.tables.providers import oidc_keys, oidc_provider, saml_provider_by_arn
from millpond.services.iam.totp import matching_step, provisioning_uri, step_at
from millpond.services.iam.upkeep import IamUpkeep

SERVICE = service("iam", OPERATIONS)

__all__ = [
    "SERVICE",
    "Account",
    "Bootstrap",
    "Grant",
    "HttpsFetch",
    "IamIdentity",
    "IamUpkeep",
    "InstanceCredentials",
    "InstanceProfile",
    "KeyUse",
    "MissingPolicyError",
    "OidcKeys",
    "OidcProvider",
    "ReservedRole",
    "Role",
    "SamlMetadata",
    "SamlProvider",
    "Session",
    "TemporaryKey",
    "User",
    "accept_mfa_code",
    "account",
    "account_by_email",
    "account_by_name",
    "account_of_key",
    "accounts",
    "administrator",
    "administrator_credentials",
    "bootstrap",
    "check_mfa_code",
    "checked_session_policy",
    "create_account",
    "create_account_with",
    "create_service_role",
    "decoded_authorization_message",
    "default_account",
    "delete_reserved_role",
    "devices_of",
    "encoded_authorization_message",
    "end_session",
    "has_policy",
    "hash_password",
    "instance_credentials",
    "instance_profile",
    "keep_service_role",
    "matching_step",
    "needed_service_role",
    "new_access_key",
    "new_passphrase",
    "new_policy",
    "new_root_password",
    "note_password_use",
    "oidc_keys",
    "oidc_provider",
    "open_session",
    "parse_metadata",
    "parse_xml",
    "password_violation",
    "profile_role",
    "provisioning_uri",
    "put_reserved_role",
    "release_service_role",
    "replace_account",
    "reserved_role",
    "role_allows",
    "role_by_arn",
    "root_keys",
    "saml_provider_by_arn",
    "service_role",
    "session",
    "set_user_password",
    "step_at",
    "trusts",
    "use_mfa_code",
    "use_service_role",
    "user_by_id",
    "user_named",
    "verify_password",
]
