"""STS's operations, one file a family."""

from millpond.operation import Operation
from millpond.services.sts.operations import (
    assume_role,
    assume_role_with_saml,
    assume_role_with_web_identity,
    authorization_messages,
    caller_identity,
    session_tokens,
)

_FAMILIES = (
    assume_role,
    assume_role_with_saml,
    assume_role_with_web_identity,
    authorization_messages,
    caller_identity,
    session_tokens,
)

OPERATIONS = tuple(each for family in _FAMILIES for each in vars(family).values() if isinstance(each, Operation))
"""Every operation that is built."""
