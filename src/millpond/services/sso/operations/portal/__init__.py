"""sso, the access portal's API: what the bearer of a token may use."""

from millpond.operation import Operation
from millpond.services.sso.operations.portal import assigned

_FAMILIES = (assigned,)

OPERATIONS = tuple(each for family in _FAMILIES for each in vars(family).values() if isinstance(each, Operation))
"""Every operation that is built."""
