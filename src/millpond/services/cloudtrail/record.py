"""Pure: calls, sign-ins and acts of services as CloudTrail's records (CloudTrail user guide, "record contents").

A record is a dict; what the database is asked by is read out of it again (`columns`), so nothing is kept beside it.
"""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal

import msgspec

from millpond.kernel import ids
from millpond.kernel.clock import iso8601
from millpond.operation import Attempt
from millpond.services.cloudtrail import identities, resources
from millpond.services.cloudtrail.masking import HIDDEN, Masked, writable
from millpond.services.iam import Role, Session

Body = dict[str, Any]

EVENT_VERSION = "1.11"
GLOBAL_REGION = "us-east-1"
"""Where calls of global services are recorded, whatever region they were signed for."""
_GLOBAL = frozenset({"iam"})
_UNWRAPPED = frozenset({"elasticache"})
"""Services whose one-member responses CloudTrail shows without the wrapper."""
_READS_BY_CLOUDTRAIL = frozenset({"sts"})
"""Whose operations CloudTrail all calls read-only: they hand out credentials and change nothing."""
_LARGEST_ELEMENT = 100_000
"""Octets above which CloudTrail leaves parameters or response elements out."""
_LONGEST_AGENT = 1024
_LONGEST_MESSAGE = 4096
_ACCOUNT = re.compile(r"\d{12}", re.ASCII)


class SignIn(msgspec.Struct, frozen=True, kw_only=True):
    """One step of somebody signing in, done or refused. Leave `principal_id` empty where the user is not known."""

    at: datetime
    account: str
    kind: Literal["Root", "IAMUser", "IdentityCenterUser"]
    source_ip: str
    user_agent: str
    succeeded: bool
    name: str = "ConsoleLogin"
    """`ConsoleLogin`, `CheckMfa`, `PasswordUpdated`, `PasswordRecoveryRequested`, `UserAuthentication`, …"""
    principal_id: str = ""
    arn: str = ""
    user_name: str = ""
    message: str = "Failed authentication"
    """Why it was refused; not recorded when it was not."""
    mfa_used: bool = False
    mfa_identifier: str = ""
    """The serial of the device."""
    login_to: str = ""
    """The URL that it led to."""
    region: str = GLOBAL_REGION


class ServiceAct(msgspec.Struct, frozen=True, kw_only=True):
    """What a service did for a user, as its service-linked role."""

    at: datetime
    region: str
    role: Role
    session: str
    """The role session's name (`ElastiCache`)."""
    invoked_by: str
    """`elasticache.amazonaws.com`"""
    source: str
    """The service that was acted upon, as IAM actions begin (`ec2`)."""
    name: str
    details: Mapping[str, Any]
    arns: tuple[str, ...] = ()


class OperatorAct(msgspec.Struct, frozen=True, kw_only=True):
    """What the operator of the installation did beside the API: whoever can open the operator's socket."""

    at: datetime
    account: str
    name: str
    details: Mapping[str, Any] = {}
    reads_only: bool = False


class Columns(msgspec.Struct, frozen=True, kw_only=True):
    """What records are looked up by; all of it is in the record itself."""

    at: int
    """Seconds since 1970."""
    account: str
    region: str
    event_id: str
    name: str
    source: str
    read_only: bool
    username: str
    access_key_id: str
    resources: str
    """Lines of type, tab, name, tab."""


def of_call(attempt: Attempt, session: Session | None) -> Body:
    """One call. Parameters of callers who proved nothing are left out: they may be anything."""
    masked = Masked()
    is_known = attempt.caller.kind != "Anonymous" or not attempt.error_code
    request = masked.shown(attempt.request or {}, attempt.request_shape) if is_known else {}
    response = _response(attempt, masked)
    body = _head(
        at=attempt.at,
        source=attempt.source,
        name=attempt.name,
        region=GLOBAL_REGION if attempt.source in _GLOBAL else attempt.region,
        source_ip=attempt.source_ip,
        user_agent=attempt.user_agent,
        identity=identities.user_identity(attempt, session),
    )
    if attempt.error_code:
        body["errorCode"] = attempt.error_code
        body["errorMessage"] = writable(masked.scrubbed(attempt.error_message)[:_LONGEST_MESSAGE])
    arns = [each.arn for each in attempt.resources]
    if not arns and isinstance(role := (attempt.request or {}).get("RoleArn"), str):
        arns = [role]
    body |= {
        "requestParameters": _bounded("requestParameters", request),
        "responseElements": _bounded("responseElements", response),
        "requestID": attempt.request_id,
        "readOnly": attempt.reads_only or attempt.source in _READS_BY_CLOUDTRAIL,
        "resources": resources.listed(arns),
        "eventType": "AwsApiCall",
    }
    return body | _tail(attempt.caller.account or _account_of_role(attempt))


def other_account(attempt: Attempt) -> str | None:
    """The account whose role a caller of another account has taken on; None for all else."""
    if attempt.error_code or attempt.source not in _READS_BY_CLOUDTRAIL or not attempt.caller.account:
        return None
    accounts = (resources.named(each.arn) for each in attempt.resources)
    return next((each.account for each in accounts if each and each.account != attempt.caller.account), None)


def shared(body: Body, account: str) -> tuple[Body, Body]:
    """The record of a call that concerns two accounts, once for each, with what they share."""
    shared_id = {"sharedEventID": ids.request_id()}
    return body | shared_id, body | shared_id | {"eventID": ids.request_id(), "recipientAccountId": account}


def of_sign_in(sign_in: SignIn) -> Body:
    """One sign-in. The name of a user who does not exist is not recorded: it may be a password typed too early."""
    user_name = sign_in.user_name if sign_in.principal_id else HIDDEN
    identity = {
        "type": sign_in.kind,
        "principalId": sign_in.principal_id,
        "arn": sign_in.arn,
        "accountId": sign_in.account,
        "accessKeyId": "",
    }
    if sign_in.kind != "Root":
        identity["userName"] = user_name
    body = _head(
        at=sign_in.at,
        source="signin",
        name=sign_in.name,
        region=sign_in.region,
        source_ip=sign_in.source_ip,
        user_agent=sign_in.user_agent,
        identity=identity,
    )
    if not sign_in.succeeded:
        body["errorMessage"] = sign_in.message
    additional = {"LoginTo": sign_in.login_to, "MobileVersion": "No", "MFAUsed": "Yes" if sign_in.mfa_used else "No"}
    if sign_in.mfa_identifier:
        additional["MFAIdentifier"] = sign_in.mfa_identifier
    body |= {
        "requestParameters": None,
        "responseElements": {sign_in.name: "Success" if sign_in.succeeded else "Failure"},
        "additionalEventData": additional,
        "readOnly": False,
        "eventType": "AwsConsoleSignIn",
    }
    return body | _tail(sign_in.account)


def of_service_act(act: ServiceAct) -> Body:
    """What a service did as its role."""
    body = _head(
        at=act.at,
        source=act.source,
        name=act.name,
        region=act.region,
        source_ip=act.invoked_by,
        user_agent=act.invoked_by,
        identity=identities.service_identity(act.role, session=act.session, invoked_by=act.invoked_by),
    )
    body |= {
        "requestParameters": dict(act.details),
        "responseElements": None,
        "readOnly": False,
        "resources": resources.listed(act.arns),
        "eventType": "AwsServiceEvent",
    }
    return body | _tail(act.role.account)


def of_operator_act(act: OperatorAct) -> Body:
    """What the operator did."""
    return _of_millpond(
        at=act.at,
        account=act.account,
        source="operator",
        name=act.name,
        details=Masked().shown(act.details),
        reads_only=act.reads_only,
    )


def of_suppression(count: int, at: datetime) -> Body:
    """That more requests of nobody in particular were refused than were worth a record each."""
    return _of_millpond(
        at=at, account="", source="cloudtrail", name="RequestsNotRecorded", details={"count": count}, reads_only=True
    )


def columns(body: Mapping[str, Any]) -> Columns:
    """Read out of a record what it is looked up by."""
    identity = body["userIdentity"]
    found = [resources.named(each["ARN"]) for each in body.get("resources", ())]
    return Columns(
        at=int(datetime.fromisoformat(body["eventTime"]).timestamp()),
        account=body["recipientAccountId"],
        region=_text(body["awsRegion"], 32),
        event_id=body["eventID"],
        name=_text(body["eventName"], 128),
        source=_text(body["eventSource"], 128),
        read_only=body["readOnly"],
        username=_text(identities.user_name(identity), 128),
        access_key_id=_text(str(identity.get("accessKeyId", "")), 128),
        resources="".join(f"\n{each.type}\t{each.name}\t" for each in found if each is not None),
    )


def _of_millpond(
    *, at: datetime, account: str, source: str, name: str, details: Mapping[str, Any], reads_only: bool
) -> Body:
    invoked_by = f"{source}.millpond"
    body = _head(
        at=at,
        source=source,
        name=name,
        region=GLOBAL_REGION,
        source_ip=invoked_by,
        user_agent=invoked_by,
        identity={"type": "AWSService", "invokedBy": invoked_by},
    )
    body |= {
        "eventSource": invoked_by,
        "requestParameters": dict(details) or None,
        "responseElements": None,
        "readOnly": reads_only,
        "eventType": "AwsServiceEvent",
    }
    return body | _tail(account)


def _head(
    *, at: datetime, source: str, name: str, region: str, source_ip: str, user_agent: str, identity: Mapping[str, Any]
) -> Body:
    return {
        "eventVersion": EVENT_VERSION,
        "userIdentity": dict(identity),
        "eventTime": iso8601(at)[:19] + "Z",
        "eventSource": f"{source or 'unknown'}.amazonaws.com",
        "eventName": writable(name) or "Unknown",
        "awsRegion": region,
        "sourceIPAddress": source_ip,
        "userAgent": writable(user_agent[:_LONGEST_AGENT]),
    }


def _tail(account: str) -> Body:
    return {
        "eventID": ids.request_id(),
        "managementEvent": True,
        "recipientAccountId": account,
        "eventCategory": "Management",
    }


def _response(attempt: Attempt, masked: Masked) -> dict[str, Any]:
    """What a change answered; CloudTrail does not keep what readers were told."""
    if attempt.reads_only or attempt.response is None:
        return {}
    response, shape = attempt.response, attempt.response_shape
    if attempt.source in _UNWRAPPED and len(response) == 1:
        ((name, inner),) = response.items()
        if isinstance(inner, Mapping):
            return masked.shown(inner, shape.members.get(name) if shape is not None else None)
    return masked.shown(response, shape)


def _bounded(element: str, value: dict[str, Any]) -> dict[str, Any] | None:
    if not value:
        return None
    size = len(msgspec.json.encode(value))
    if size > _LARGEST_ELEMENT:
        return {"omitted": True, "reason": f"{element} too large", "originalSize": size}
    return value


def _account_of_role(attempt: Attempt) -> str:
    """The account whose role somebody without credentials asks for."""
    role = (attempt.request or {}).get("RoleArn")
    parts = role.split(":") if isinstance(role, str) else []
    return parts[4] if len(parts) > 4 and _ACCOUNT.fullmatch(parts[4]) else ""


def _text(value: str, longest: int) -> str:
    """What a column takes: PostgreSQL refuses longer text, and NUL."""
    return value.replace("\0", "")[:longest]
