"""Whether a caller may do what a request asks, on each thing it touches, with every condition key of the request.

The evaluation itself is IAM's; here the context is made and a refusal put into AWS's words, which users search for.
Keys that hang on the caller's session (MFA, token age, principal tags) are IAM's to add: only it knows them.
Source: the IAM user guide, "AWS global condition context keys" and "Troubleshoot access denied error messages".
"""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from millpond.aws.faults import CommonFault
from millpond.kernel.clock import iso8601
from millpond.operation import Caller, Context, Identity, Operation, Request, Resource, Service

_PRINCIPAL_TYPES = {"Root": "Account"}
_MOST_TAGS = 1000


class Origin(msgspec.Struct, frozen=True, kw_only=True):
    """Where a request came from, as far as policies can ask."""

    source_ip: str = "127.0.0.1"
    vpc: str = ""
    """The VPC whose endpoint it came through; empty for one from outside."""
    secure: bool = False
    user_agent: str = ""


def authorize(
    identity: Identity,
    *,
    service: Service,
    operation: Operation,
    context: Context,
    resources: Sequence[Resource],
) -> None:
    """Return if every resource is allowed. Raises CommonFault `AccessDenied` (403) for the first that is not.

    The context's conditions are those of the whole request; each resource adds its own.
    """
    for resource in resources:
        action = _action(service, resource, operation.action)
        verdict = identity.authorize(
            context.transaction, context.caller, action, resource.arn, {**context.conditions, **resource.context}
        )
        if not verdict.allowed:
            reason = verdict.reason or f"because no identity-based policy allows the {action} action"
            raise CommonFault("AccessDenied", _denial(context.caller, action, resource.arn, reason), status=403)


def is_allowed(identity: Identity, service: Service, context: Context, resource: Resource) -> bool:
    """Whether a service may do `resource.action` in the caller's name: the right asked for is the caller's own.

    Source: the IAM user guide, "Forward access sessions" and `aws:CalledVia`.
    """
    principal = f"{service.name}.amazonaws.com"
    forwarded = {
        "aws:ViaAWSService": True,
        "aws:CalledVia": [principal],
        "aws:CalledViaFirst": principal,
        "aws:CalledViaLast": principal,
    }
    verdict = identity.authorize(
        context.transaction,
        context.caller,
        _action(service, resource, ""),
        resource.arn,
        {**context.conditions, **forwarded, **resource.context},
    )
    return verdict.allowed


def global_keys(context: Context, request: Request, origin: Origin) -> dict[str, Any]:
    """Return the condition keys that hold for the whole request."""
    caller = context.caller
    keys: dict[str, Any] = {
        "aws:CurrentTime": iso8601(context.now),
        "aws:EpochTime": int(context.now.timestamp()),
        "aws:PrincipalAccount": caller.account,
        "aws:PrincipalArn": caller.role_arn or caller.arn,
        "aws:PrincipalType": _PRINCIPAL_TYPES.get(caller.kind, caller.kind),
        "aws:RequestedRegion": context.region,
        "aws:SecureTransport": origin.secure,
        "aws:ViaAWSService": False,
        "aws:userid": caller.user_id,
    }
    if origin.vpc:
        # IAM user guide, "AWS global condition context keys": these instead of aws:SourceIp through a VPC endpoint.
        keys |= {"aws:SourceVpc": origin.vpc, "aws:VpcSourceIp": origin.source_ip}
    else:
        keys["aws:SourceIp"] = origin.source_ip
    if origin.user_agent:
        keys["aws:UserAgent"] = origin.user_agent
    if caller.kind == "User":
        keys["aws:username"] = caller.name
    return keys | tag_keys(request)


def tag_keys(request: Request) -> dict[str, Any]:
    """Return `aws:RequestTag/…` and `aws:TagKeys` of a request that carries tags or names tag keys."""
    given = request.get("Tags", request.get("tags"))
    tags: dict[str, str] = {}
    if isinstance(given, Mapping):
        tags = {str(key): str(value) for key, value in given.items()}
    elif isinstance(given, Sequence) and not isinstance(given, str):
        for each in given[:_MOST_TAGS]:
            if isinstance(each, Mapping) and isinstance(key := each.get("Key", each.get("key")), str):
                tags[key] = str(each.get("Value", each.get("value")) or "")
    names = list(tags)
    removed = request.get("TagKeys")
    if isinstance(removed, Sequence) and not isinstance(removed, str):
        names += [each for each in removed if isinstance(each, str)]
    keys: dict[str, Any] = {f"aws:RequestTag/{key}": value for key, value in tags.items()}
    if names:
        keys["aws:TagKeys"] = names
    return keys


def _action(service: Service, resource: Resource, default: str) -> str:
    action = resource.action or default
    return action if ":" in action else f"{service.name}:{action}"


def _denial(caller: Caller, action: str, resource: str, reason: str) -> str:
    return f"User: {caller.arn} is not authorized to perform: {action} on resource: {resource} {reason}"
