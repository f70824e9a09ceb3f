"""identitystore: the directory's users, groups and memberships. There is no operation for passwords, as at AWS."""

from millpond.operation import Operation
from millpond.services.sso.operations.identity_store import groups, identity_stores, memberships, users

_FAMILIES = (groups, identity_stores, memberships, users)

OPERATIONS = tuple(each for family in _FAMILIES for each in vars(family).values() if isinstance(each, Operation))
"""Every operation that is built."""
