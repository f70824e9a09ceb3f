"""Signing in with a browser, and what `aws login` makes of it."""

from millpond.services.signin.oauth import (
    SERVICE,
    LoginPrincipal,
    LoginRequest,
    end_sessions_of,
    issue_login_code,
    login_request,
)

__all__ = ["SERVICE", "LoginPrincipal", "LoginRequest", "end_sessions_of", "issue_login_code", "login_request"]
