"""`aws login`: a console user's browser session becomes short credentials for tools, by OAuth with DPoP.

The pages check a request with `login_request` and, once the user allows it, hand out what `issue_login_code` returns;
the tool exchanges that at `CreateOAuth2Token`.
"""

from millpond.operation import service
from millpond.services.signin.oauth.asking import (
    LoginPrincipal,
    LoginRequest,
    issue_login_code,
    login_request,
)
from millpond.services.signin.oauth.operations import create_oauth2_token
from millpond.services.signin.oauth.tables import end_sessions_of

SERVICE = service("signin", [create_oauth2_token])

__all__ = [
    "SERVICE",
    "LoginPrincipal",
    "LoginRequest",
    "end_sessions_of",
    "issue_login_code",
    "login_request",
]
