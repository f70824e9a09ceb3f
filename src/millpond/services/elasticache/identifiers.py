"""Identifiers of ElastiCache resources: AWS's rule for all of them, in AWS's words."""

import re

from millpond.services.elasticache.api import InvalidParameterValueException

_IDENTIFIER = re.compile(r"[A-Za-z](?:-?[A-Za-z0-9])*", re.ASCII)


def identifier(parameter: str, value: str, *, most: int) -> str:
    """Check a new resource's identifier and fold it to lower case, as it is stored and answered.

    `parameter` is the request's member (`CacheSubnetGroupName`), `most` the greatest length.
    Raises InvalidParameterValue. (Wording: messages quoted in public by users of the service.)
    """
    if not _IDENTIFIER.fullmatch(value):
        raise InvalidParameterValueException(
            f"The parameter {parameter} is not a valid identifier. Identifiers must begin with a letter; "
            "must contain only ASCII letters, digits, and hyphens; and must not end with a hyphen or contain "
            "two consecutive hyphens."
        )
    if len(value) > most:
        raise InvalidParameterValueException(
            f"The parameter {parameter} is not a valid identifier because it is longer than {most} characters."
        )
    return value.lower()
