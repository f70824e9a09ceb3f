"""Pure: who did it, as CloudTrail's `userIdentity` says (CloudTrail user guide, "CloudTrail userIdentity element")."""

from collections.abc import Mapping
from typing import Any

from millpond.kernel.clock import iso8601
from millpond.operation import Attempt, Caller
from millpond.services.iam import Role, Session

_TYPES = {"Root": "Root", "User": "IAMUser", "AssumedRole": "AssumedRole", "FederatedUser": "FederatedUser"}
_FEDERATED = {"AssumeRoleWithWebIdentity": "WebIdentityUser", "AssumeRoleWithSAML": "SAMLUser"}
_SERVICE_SUFFIX = ".amazonaws.com"


def user_identity(attempt: Attempt, session: Session | None) -> dict[str, Any]:
    """The caller of a call. `session` is the record behind temporary credentials, where it is still there."""
    caller = attempt.caller
    if caller.kind == "Anonymous":
        return _unproven(attempt)
    if caller.kind == "AWSService":
        return {"type": "AWSService", "invokedBy": caller.name}
    if caller.kind == "IdentityCenterUser":
        return {
            "type": "IdentityCenterUser",
            "accountId": caller.account,
            "userName": caller.name,
            "onBehalfOf": {"userId": caller.user_id, "identityStoreArn": caller.arn},
        }
    identity: dict[str, Any] = {
        "type": _TYPES[caller.kind],
        "principalId": caller.user_id,
        "arn": caller.arn,
        "accountId": caller.account,
        "accessKeyId": caller.access_key_id,
    }
    if caller.kind == "User":
        identity["userName"] = caller.name
    if session is not None:
        identity["sessionContext"] = _session_context(caller, session)
    if attempt.source_ip.endswith(_SERVICE_SUFFIX):
        identity["invokedBy"] = attempt.source_ip
    return identity


def service_identity(role: Role, *, session: str, invoked_by: str) -> dict[str, Any]:
    """A service that acts as its service-linked role."""
    return {
        "type": "AssumedRole",
        "principalId": f"{role.id}:{session}",
        "arn": f"arn:aws:sts::{role.account}:assumed-role/{role.name}/{session}",
        "accountId": role.account,
        "sessionContext": {"sessionIssuer": _issuer(role.account, role.id, role.arn)},
        "invokedBy": invoked_by,
    }


def user_name(identity: Mapping[str, Any]) -> str:
    """The `Username` of LookupEvents: of a user, of a role's session, `root`; empty where nobody is known."""
    match identity.get("type"):
        case "Root":
            return "root"
        case "AssumedRole" | "FederatedUser":
            return str(identity.get("arn", "")).rpartition("/")[2]
        case _:
            return str(identity.get("userName", ""))


def _session_context(caller: Caller, session: Session) -> dict[str, Any]:
    context: dict[str, Any] = {
        "attributes": {
            "creationDate": _seconds(iso8601(session.issued_at)),
            "mfaAuthenticated": "true" if session.mfa_at is not None else "false",
        }
    }
    if caller.kind == "AssumedRole":
        context["sessionIssuer"] = _issuer(caller.account, session.principal_id, caller.role_arn)
    if session.source_identity:
        context["sourceIdentity"] = session.source_identity
    return context


def _issuer(account: str, role_id: str, arn: str) -> dict[str, str]:
    return {
        "type": "Role",
        "principalId": role_id,
        "arn": arn,
        "accountId": account,
        "userName": arn.rpartition("/")[2],
    }


def _unproven(attempt: Attempt) -> dict[str, Any]:
    """Nobody proved to be anybody: what the request claims, or what the identity provider vouched for."""
    kind = _FEDERATED.get(attempt.name)
    if kind is not None and not attempt.caller.access_key_id:
        said = attempt.response or {}
        provider = str(said.get("Provider") or said.get("Issuer") or "")
        subject = str(said.get("SubjectFromWebIdentityToken") or said.get("Subject") or "")
        identity = {"type": kind}
        if provider and subject:
            audience = str(said.get("Audience") or "")
            identity |= {
                "principalId": f"{provider}:{audience}:{subject}",
                "userName": subject,
                "identityProvider": provider,
            }
        return identity
    identity = {"type": "Unknown"}
    if attempt.caller.access_key_id:
        identity["accessKeyId"] = attempt.caller.access_key_id
    if attempt.caller.account:
        identity["accountId"] = attempt.caller.account
    return identity


def _seconds(moment: str) -> str:
    return moment[:19] + "Z"
