"""IAM: accounts, users, groups, roles, policies and keys, and the decision whether a request is allowed.

Other slices use only what is exported here; `policy/` is a pure evaluator, `operations/` is the API.
"""

from millpond.operation import service
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
from millpond.services.iam.identity import IamIdentity, KeyUse
from millpond.services.iam.mfa import accept_mfa_code
from millpond.services.iam.operations import OPERATIONS
from millpond.services.iam.records import Grant, Session
from millpond.services.iam.service_roles import (
    create_service_role,
    needed_service_role,
    release_service_role,
    service_role,
    use_service_role,
)

SERVICE = service("iam", OPERATIONS)

__all__ = [
    "SERVICE",
    "Bootstrap",
    "Grant",
    "IamIdentity",
    "KeyUse",
    "Session",
    "TemporaryKey",
    "accept_mfa_code",
    "account_of_key",
    "administrator",
    "administrator_credentials",
    "bootstrap",
    "create_account",
    "create_service_role",
    "default_account",
    "needed_service_role",
    "new_access_key",
    "new_root_password",
    "open_session",
    "release_service_role",
    "service_role",
    "use_service_role",
]
