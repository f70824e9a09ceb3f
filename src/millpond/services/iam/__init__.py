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
from millpond.services.iam.credentials import TemporaryKey, account_of_key, open_session
from millpond.services.iam.identity import IamIdentity, KeyUse
from millpond.services.iam.mfa import accept_mfa_code
from millpond.services.iam.records import Grant, Session

SERVICE = service("iam", [])

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
    "default_account",
    "new_root_password",
    "open_session",
]
