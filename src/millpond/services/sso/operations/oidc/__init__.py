"""sso-oidc: how a client without a browser of its own gets a token of a signed-in user."""

from millpond.operation import Operation
from millpond.services.sso.operations.oidc import clients, device_authorization, tokens

_FAMILIES = (clients, device_authorization, tokens)

OPERATIONS = tuple(each for family in _FAMILIES for each in vars(family).values() if isinstance(each, Operation))
"""Every operation that is built."""
