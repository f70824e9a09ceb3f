"""Tags of instances and permission sets: AWS's limits and words."""

from collections.abc import Mapping, Sequence

from millpond.services.sso.api.admin import ServiceQuotaExceededException, ValidationException

_MOST_TAGS = 50


def merged(tags: Mapping[str, str], given: Sequence[Mapping[str, str]]) -> dict[str, str]:
    """Tags with the given ones over them. ValidationException for a key twice or AWS's own, quota past 50."""
    keys = [tag["Key"] for tag in given]
    if len(set(keys)) != len(keys):
        raise ValidationException("Duplicate tag keys are not allowed.")
    if any(key.lower().startswith("aws:") for key in keys):
        raise ValidationException("Tag keys that begin with aws: are reserved for system use.")
    result = dict(tags) | {tag["Key"]: tag["Value"] for tag in given}
    if len(result) > _MOST_TAGS:
        raise ServiceQuotaExceededException(f"A resource can have at most {_MOST_TAGS} tags.")
    return result
