"""What all ways into a session share: how long, narrowed by what, tagged how; checked in AWS's words."""

from collections.abc import Mapping
from typing import Any

import msgspec

from millpond.operation import CommonFault, Context, Request
from millpond.services import iam
from millpond.services.iam import Grant, Role, TemporaryKey
from millpond.services.sts.api import PackedPolicyTooLargeException

DEFAULT_SECONDS = 3_600
_LONGEST_CHAINED_SECONDS = 3_600
_MOST_TAGS = 50
_MOST_POLICY_ARNS = 10
_LARGEST_PACKED = 4_096
"""Characters of policies, their ARNs and tags together; AWS limits a binary form that it does not publish."""


class Narrowing(msgspec.Struct, frozen=True, kw_only=True):
    """Session policies."""

    policies: tuple[str, ...]
    policy_arns: tuple[str, ...]


class SessionTags(msgspec.Struct, frozen=True, kw_only=True):
    """Session tags, those of the calling session that pass on included."""

    tags: dict[str, str]
    transitive: tuple[str, ...]


def session_seconds(request: Request, role: Role, *, is_chained: bool) -> int:
    """How long a role session is to last. ValidationError past the role's limit, or an hour when roles are chained."""
    seconds: int = request.get("DurationSeconds", min(DEFAULT_SECONDS, role.max_session_duration))
    if is_chained and seconds > _LONGEST_CHAINED_SECONDS:
        raise CommonFault(
            "ValidationError",
            "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining",
        )
    if seconds > role.max_session_duration:
        raise CommonFault(
            "ValidationError", "The requested DurationSeconds exceeds the MaxSessionDuration set for this role."
        )
    return seconds


def narrowing(ctx: Context, request: Request, *, account: str) -> Narrowing:
    """The session policies of a request, checked; managed ones must be the account's or AWS's."""
    policies = (iam.checked_session_policy(request["Policy"]),) if "Policy" in request else ()
    arns = tuple(entry.get("arn", "") for entry in request.get("PolicyArns", []))
    if len(arns) > _MOST_POLICY_ARNS:
        raise CommonFault("ValidationError", f"At most {_MOST_POLICY_ARNS} session policy ARNs can be passed.")
    for arn in arns:
        if not iam.has_policy(ctx.transaction, account, arn):
            raise CommonFault("ValidationError", f"Session policy {arn} was not found in account {account}.")
    return Narrowing(policies=policies, policy_arns=arns)


def session_tags(request: Request, inherited: SessionTags) -> SessionTags:
    """The tags of a new session: what passes on from the calling session, and what the request gives."""
    given = request.get("Tags", [])
    names = [tag["Key"].lower() for tag in given]
    if len(set(names)) != len(names):
        raise CommonFault(
            "InvalidParameterValue", "Duplicate tag keys found. Please note that Tag keys are case insensitive."
        )
    if any(name.startswith("aws:") for name in names):
        raise CommonFault("InvalidParameterValue", "Tag keys that begin with aws: are reserved for system use.")
    transitive = tuple(request.get("TransitiveTagKeys", ()))
    passed_on = {key: inherited.tags[key] for key in inherited.transitive if key in inherited.tags}
    if {key.lower() for key in passed_on} & set(names):
        raise CommonFault(
            "InvalidParameterValue",
            "One of the specified transitive tag keys can't be set because it conflicts with a transitive tag key "
            "from the calling session.",
        )
    if {key.lower() for key in transitive} - set(names):
        raise CommonFault(
            "InvalidParameterValue", "The specified transitive tag key must be included in the requested tags."
        )
    tags = passed_on | {tag["Key"]: tag["Value"] for tag in given}
    if len(tags) > _MOST_TAGS:
        raise CommonFault("InvalidParameterValue", f"A session can have at most {_MOST_TAGS} tags.")
    return SessionTags(tags=tags, transitive=(*passed_on, *transitive))


def packed_percentage(narrowed: Narrowing, tags: Mapping[str, str]) -> int | None:
    """How much of the room for policies and tags is used, None when nothing was passed. PackedPolicyTooLarge."""
    size = sum(map(len, (*narrowed.policies, *narrowed.policy_arns, *tags, *tags.values())))
    percentage = -(-size * 100 // _LARGEST_PACKED)
    if percentage > 100:
        raise PackedPolicyTooLargeException(
            f"Packed size of session policies and tags is {percentage}% of the allotted size."
        )
    return percentage or None


def new_key(ctx: Context, request: Request, grant: Grant) -> TemporaryKey:
    """Open the session, with a token as long as the request wants."""
    least = request.get("MinimumSessionTokenSize", 0)
    return iam.open_session(ctx.transaction, ctx.secrets, grant, least_token_size=least)


def tag_conditions(tags: SessionTags) -> dict[str, Any]:
    """The condition keys that a trust policy may ask of session tags."""
    keys: dict[str, Any] = {f"aws:RequestTag/{key}": value for key, value in tags.tags.items()}
    if tags.tags:
        keys["aws:TagKeys"] = list(tags.tags)
    if tags.transitive:
        keys["sts:TransitiveTagKeys"] = list(tags.transitive)
    return keys
