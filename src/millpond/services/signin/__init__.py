"""Signing up and in with a browser: accounts, root, IAM users, portal users; sessions, recovery, `aws login`.

`pages` shows it to people, over the protocols of `pages/spec.py`; `app` joins the two. Nothing here speaks HTTP.
"""

from millpond.services.signin import letters, throttle
from millpond.services.signin.accounts import Accounts, NewAccount, create, listed, outbox, reopen, sign_out_root
from millpond.services.signin.desk import Desk, Recorder, Writing
from millpond.services.signin.directory import Directory, DirectoryUser
from millpond.services.signin.hashing import PasswordChecks
from millpond.services.signin.oauth import (
    SERVICE,
    LoginPrincipal,
    LoginRequest,
    issue_login_code,
    login_request,
)
from millpond.services.signin.recovery import Recovery
from millpond.services.signin.sessions import end_all as end_sessions
from millpond.services.signin.sign_in import SignIn
from millpond.services.signin.sign_up import SignUps
from millpond.services.signin.upkeep import SignInUpkeep

__all__ = [
    "SERVICE",
    "Accounts",
    "Desk",
    "Directory",
    "DirectoryUser",
    "LoginPrincipal",
    "LoginRequest",
    "NewAccount",
    "PasswordChecks",
    "Recorder",
    "Recovery",
    "SignIn",
    "SignInUpkeep",
    "SignUps",
    "Writing",
    "create",
    "end_sessions",
    "issue_login_code",
    "letters",
    "listed",
    "login_request",
    "outbox",
    "reopen",
    "sign_out_root",
    "throttle",
]
