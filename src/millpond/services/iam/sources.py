"""The documents of a principal as a simulation names them, and leaving some of them out."""

from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any, Literal

import msgspec
from sqlalchemy import Connection

from millpond.services.iam.api import InvalidInputException
from millpond.services.iam.managed import managed_policies
from millpond.services.iam.permissions import documents
from millpond.services.iam.records import Principal, User
from millpond.services.iam.tables import policies, principals

SourceType = Literal["input", "inline", "aws-managed", "user-managed", "permission-boundary"]


class Source(msgspec.Struct, frozen=True, kw_only=True):
    """A document under simulation."""

    name: str
    """As replies name it: `PolicyInputList.1`, `user_Ann_Own`, or the managed policy's name."""
    document: str
    type: SourceType = "input"
    arn: str = ""
    owner: tuple[str, str] = ("", "")
    """For an inline policy: the kind of its principal in lower case, and the principal's name."""
    inline_name: str = ""


def given_sources(member: str, texts: Sequence[str]) -> tuple[Source, ...]:
    """Documents of the request itself, named by their place in it."""
    return tuple(Source(name=f"{member}.{index}", document=text) for index, text in enumerate(texts, 1))


def sources_of(transaction: Connection, principal: Principal) -> tuple[Source, ...]:
    """Every document of a principal, with those of a user's groups."""
    owners: list[Principal] = [principal]
    if isinstance(principal, User):
        owners += principals.groups_of(transaction, principal.id)
    found: list[Source] = []
    for owner in owners:
        kind = type(owner).__name__.lower()
        found += [
            Source(
                name=f"{kind}_{owner.name}_{inline.name}",
                document=inline.document,
                type="inline",
                owner=(kind, owner.name),
                inline_name=inline.name,
            )
            for inline in policies.inline(transaction, owner.id)
        ]
        for attachment in policies.attachments(transaction, owner.id):
            found += managed_sources(transaction, attachment.policy_arn)
    return tuple(found)


def managed_sources(transaction: Connection, arn: str) -> tuple[Source, ...]:
    """A managed policy's document; nothing when the policy is gone."""
    kind: SourceType = "aws-managed" if arn in managed_policies() else "user-managed"
    name = arn.rpartition("/")[2]
    return tuple(Source(name=name, document=each, type=kind, arn=arn) for each in documents(transaction, [arn]))


def without_excluded(sources: Sequence[Source], excluded: Sequence[Mapping[str, Any]]) -> tuple[Source, ...]:
    """The sources that no identifier of PolicyExclusionList names. InvalidInput for identifiers that cannot be."""
    for identifier in excluded:
        if len(identifier) != 1:
            raise InvalidInputException("A policy identifier has exactly one member.")
        patterns = [identifier.get("PolicyArn", "")]
        patterns += [identifier.get("InlinePolicyIdentifier", {}).get("AttachmentName", "")]
        if any(pattern.count("*") > 1 for pattern in patterns):
            raise InvalidInputException("A policy identifier may have one * at most.")
    return tuple(source for source in sources if not any(_names(each, source) for each in excluded))


def _names(identifier: Mapping[str, Any], source: Source) -> bool:
    if "PolicyType" in identifier:
        return bool(identifier["PolicyType"] == source.type)
    if "PolicyArn" in identifier:
        return _matches(source.arn, identifier["PolicyArn"])
    inline = identifier.get("InlinePolicyIdentifier", {})
    return (
        source.type == "inline"
        and inline.get("PolicyName") == source.inline_name
        and inline.get("AttachmentType") == source.owner[0]
        and _matches(source.owner[1], inline.get("AttachmentName", ""))
    )


def _matches(text: str, pattern: str) -> bool:
    # The names that IAM allows have no brackets, which alone mean more to fnmatch than * and ? do.
    return bool(text) and "[" not in pattern and fnmatchcase(text, pattern)
