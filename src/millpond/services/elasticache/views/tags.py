"""Tags as AWS's responses. Pure."""

from collections.abc import Mapping

from millpond.operation import Response


def tag_list(tags: Mapping[str, str]) -> Response:
    """The shape TagListMessage."""
    return {"TagList": [{"Key": key, "Value": value} for key, value in tags.items()]}
