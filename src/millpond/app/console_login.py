"""Joins `aws login`: who may let a program act as them, and the code that it then gets."""

from collections.abc import Mapping

from millpond.kernel.clock import iso8601
from millpond.services import signin
from millpond.services.signin import Desk, LoginPrincipal
from millpond.visit import LoginAsking, Refused, Session, Visitor

_ACTION = "signin:AuthorizeOAuth2Access"
"""What the managed policy SignInLocalDevelopmentAccess allows (Service Authorization Reference, AWS Signin)."""


class ConsoleLogins:
    """Implements `pages.spec.Logins`."""

    def __init__(self, desk: Desk, region: str) -> None:
        self._desk = desk
        self._region = region

    def asking(self, parameters: Mapping[str, str]) -> LoginAsking:
        """Raises Fault when the parameters are wrong; nobody is redirected because of them."""
        request = signin.login_request(parameters)
        return LoginAsking(remote=request.is_remote, redirect_uri=request.redirect_uri)

    def issue(self, visitor: Visitor, session: Session, parameters: Mapping[str, str]) -> str:
        """The code. Refused when the user's policies do not allow it."""
        request = signin.login_request(parameters)
        desk, caller = self._desk, session.caller
        if caller is None:
            raise Refused("Sign in as root or as an IAM user.", status=403)
        client = "remote" if request.is_remote else "localhost"
        resource = f"arn:aws:signin:{self._region}:{session.account}:oauth2/public-client/{client}"
        with desk.writing() as writing:
            context = {
                "aws:SourceIp": visitor.source_ip,
                "aws:CurrentTime": iso8601(writing.now),
                "aws:RequestedRegion": self._region,
            }
            verdict = desk.identity.authorize(writing.transaction, caller, _ACTION, resource, context)
            if not verdict.allowed:
                raise Refused(
                    f"User: {caller.arn} is not authorized to perform: {_ACTION} on resource: {resource} "
                    f"{verdict.reason}",
                    status=403,
                )
            principal = LoginPrincipal(
                account=session.account, principal_id=session.principal_id, mfa_at=session.mfa_at
            )
            code = signin.issue_login_code(writing.transaction, request, principal, writing.now)
            writing.record(
                "AuthorizeOAuth2Access",
                visitor,
                account=session.account,
                kind=session.kind,
                principal_id=session.principal_id,
                user_name=session.name,
                mfa_used=session.mfa_at is not None,
            )
        return code
