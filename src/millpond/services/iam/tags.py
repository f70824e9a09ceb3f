"""Tags of IAM things: AWS's limits and words."""

from collections.abc import Mapping, Sequence
from typing import Any

from millpond.operation import Request, Response
from millpond.services.iam.api import InvalidInputException, LimitExceededException
from millpond.services.iam.paging import page

_MOST_TAGS = 50


def given_tags(request: Request) -> dict[str, str]:
    """The tags of a create request, checked."""
    return merged({}, request.get("Tags", []))


def merged(tags: Mapping[str, str], given: Sequence[Mapping[str, str]]) -> dict[str, str]:
    """Tags with the given ones over them. Keys are unique without regard to case, kept as they were first written.

    InvalidInput for a key given twice or in AWS's own prefix, LimitExceeded past 50.
    """
    names = [tag["Key"].lower() for tag in given]
    if len(set(names)) != len(names):
        raise InvalidInputException("Duplicate tag keys found. Please note that Tag keys are case insensitive.")
    if any(name.startswith("aws:") for name in names):
        raise InvalidInputException("Tag keys that begin with aws: are reserved for system use.")
    kept = {key: value for key, value in tags.items() if key.lower() not in names}
    result = kept | {tag["Key"]: tag.get("Value", "") for tag in given}
    if len(result) > _MOST_TAGS:
        raise LimitExceededException("The number of tags has reached the maximum limit.")
    return result


def without(tags: Mapping[str, str], keys: Sequence[str]) -> dict[str, str]:
    """Tags less some keys; keys that are not there do not matter."""
    gone = {key.lower() for key in keys}
    return {key: value for key, value in tags.items() if key.lower() not in gone}


def tag_list(tags: Mapping[str, str]) -> list[dict[str, Any]]:
    return [{"Key": key, "Value": value} for key, value in tags.items()]


def tag_page(request: Request, tags: Mapping[str, str]) -> Response:
    """The answer of the `List…Tags` operations."""
    return page(request, tag_list(tags), by=lambda tag: str(tag["Key"]), member="Tags", view=lambda tag: tag)
