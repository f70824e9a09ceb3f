"""Tags of ElastiCache resources: AWS's rules for keys, values and their number.

(User guide, "Tagging your ElastiCache resources": 50 a resource, keys up to 128 characters, values up to 256, `aws:`
reserved.) Wording is uncertain where no message of the service is known.
"""

import re
from collections.abc import Mapping

from millpond.operation import Request
from millpond.services.elasticache.api import InvalidParameterValueException, TagQuotaPerResourceExceeded
from millpond.services.elasticache.catalog.quotas import quota

_KEY_LENGTH, _VALUE_LENGTH = 128, 256
_ALLOWED = re.compile(r"[\w\s.:/=+\-@]*")


def request_tags(request: Request) -> dict[str, str]:
    """Read and check the Tags of a request. Raises InvalidParameterValue or TagQuotaPerResourceExceeded."""
    tags: dict[str, str] = {}
    for each in request.get("Tags") or ():
        key, value = each.get("Key"), each.get("Value") or ""
        if not key:
            raise InvalidParameterValueException("The parameter Tags.Key must be provided and must not be null.")
        if key in tags:
            raise InvalidParameterValueException(f"Duplicate tag key: {key}")
        if key.lower().startswith("aws:"):
            raise InvalidParameterValueException(f"Tag keys starting with aws: are reserved for system use: {key}")
        if len(key) > _KEY_LENGTH or not _ALLOWED.fullmatch(key):
            raise InvalidParameterValueException(f"Invalid tag key: {key[:_KEY_LENGTH]}")
        if len(value) > _VALUE_LENGTH or not _ALLOWED.fullmatch(value):
            raise InvalidParameterValueException(f"Invalid tag value for key {key}.")
        tags[key] = value
    return within_quota(tags)


def within_quota(tags: Mapping[str, str]) -> dict[str, str]:
    """Hand the tags of one resource back, or raise TagQuotaPerResourceExceeded."""
    if len(tags) > quota("tags-per-resource"):
        raise TagQuotaPerResourceExceeded(
            "The request cannot be processed because it would cause the resource to have more than the allowed number "
            f"of tags. The maximum number of tags permitted on a resource is {quota('tags-per-resource')}."
        )
    return dict(tags)
