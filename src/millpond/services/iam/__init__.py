"""IAM: accounts, users, groups, roles, policies and keys, and the decision whether a request is allowed.

Other slices use only what is exported here; `policy/` is a pure evaluator, `operations/` is the API.
"""

from millpond.operation import service
from millpond.services.iam.authorization_messages import decoded_authorization_message, encoded_authorization_message
from millpond.services.iam.bootstrap import (
    Bootstrap,
    administrator,
    administrator_credentials,
    bootstrap,
    create_account,
    default_account,
    new_root_password,
)
from millpond.services.iam.credentials import TemporaryKey, account_of_key, new_access_key, open_session
from millpond.services.iam.documents import checked_session_policy, has_policy
from millpond.services.iam.fetching import HttpsFetch
from millpond.services.iam.identity import IamIdentity, KeyUse, trusts
from millpond.services.iam.issuers import OidcKeys
from millpond.services.iam.mfa import accept_mfa_code, check_mfa_code
from millpond.services.iam.operations import OPERATIONS
from millpond.services.iam.records import Grant, OidcProvider, Role, SamlProvider, Session
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
from millpond.services.iam.tables.principals import role_by_arn
from millpond.services.iam.tables.providers import oidc_keys, oidc_provider, saml_provider_by_arn
from millpond.services.iam.upkeep import IamUpkeep

SERVICE = service("iam", OPERATIONS)

__all__ = [
    "SERVICE",
    "Bootstrap",
    "Grant",
    "HttpsFetch",
    "IamIdentity",
    "IamUpkeep",
    "KeyUse",
    "OidcKeys",
    "OidcProvider",
    "Role",
    "SamlMetadata",
    "SamlProvider",
    "Session",
    "TemporaryKey",
    "accept_mfa_code",
    "account_of_key",
    "administrator",
    "administrator_credentials",
    "bootstrap",
    "check_mfa_code",
    "checked_session_policy",
    "create_account",
    "create_service_role",
    "decoded_authorization_message",
    "default_account",
    "encoded_authorization_message",
    "has_policy",
    "keep_service_role",
    "needed_service_role",
    "new_access_key",
    "new_root_password",
    "oidc_keys",
    "oidc_provider",
    "open_session",
    "parse_metadata",
    "parse_xml",
    "release_service_role",
    "role_allows",
    "role_by_arn",
    "saml_provider_by_arn",
    "service_role",
    "session",
    "trusts",
    "use_service_role",
]
