"""Tags: EC2's rules for keys, values and their number, and what tag specifications say.

(EC2 user guide, "Tag restrictions": 50 a resource, keys up to 127 characters beside the reserved `aws:`, values up to
255 in most consoles but 256 in the API.)
"""

from collections.abc import Mapping, Sequence
from typing import Any

from millpond.operation import CommonFault, Request
from millpond.services.ec2.kinds import Kind

MOST_TAGS = 50
_KEY_LENGTH, _VALUE_LENGTH = 128, 256


def checked_tags(given: Sequence[Mapping[str, Any]] | None) -> dict[str, str]:
    """Read a list of tags. Raises InvalidParameterValue, TagLimitExceeded."""
    tags: dict[str, str] = {}
    for each in given or ():
        key, value = each.get("Key") or "", each.get("Value") or ""
        if not key:
            raise CommonFault("InvalidParameterValue", "Tag key cannot be empty")
        if key.lower().startswith("aws:"):
            raise CommonFault("InvalidParameterValue", "Tag keys starting with 'aws:' are reserved for internal use")
        if len(key) > _KEY_LENGTH:
            raise CommonFault(
                "InvalidParameterValue", f"Tag key exceeds the maximum length of {_KEY_LENGTH} characters"
            )
        if len(value) > _VALUE_LENGTH:
            raise CommonFault(
                "InvalidParameterValue", f"Tag value exceeds the maximum length of {_VALUE_LENGTH} characters"
            )
        if key in tags:
            raise CommonFault("InvalidParameterValue", f"Duplicate tag key '{key}' specified.")
        tags[key] = value
    return within_limit(tags)


def within_limit(tags: Mapping[str, str]) -> dict[str, str]:
    """Hand the tags of one resource back, or raise TagLimitExceeded."""
    if len(tags) > MOST_TAGS:
        raise CommonFault("TagLimitExceeded", "The maximum number of Tags for a resource has been reached.")
    return dict(tags)


def specified(request: Request, *kinds: Kind) -> dict[str, dict[str, str]]:
    """The tags that TagSpecifications give to each type of resource; only `kinds` are made by the operation."""
    found: dict[str, dict[str, str]] = {each.type: {} for each in kinds}
    seen: set[str] = set()
    for each in request.get("TagSpecifications") or ():
        kind = each.get("ResourceType") or ""
        if kind not in found:
            raise CommonFault(
                "InvalidParameterValue", f"'{kind}' is not a valid taggable resource type for this operation."
            )
        if kind in seen:
            raise CommonFault("InvalidParameterValue", f"Duplicate resource type '{kind}' in TagSpecifications.")
        seen.add(kind)
        found[kind] = checked_tags(each.get("Tags"))
    return found


def view(tags: Mapping[str, str]) -> list[dict[str, str]]:
    """Tags as responses list them, sorted by key."""
    return [{"Key": key, "Value": value} for key, value in sorted(tags.items())]
