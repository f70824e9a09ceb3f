"""sso-admin: instances, permission sets, account assignments. What of it is not here is not built."""

from millpond.operation import Operation
from millpond.services.sso.operations.admin import (
    account_assignments,
    instances,
    permission_set_policies,
    permission_sets,
    provisioning,
    tags,
)

_FAMILIES = (account_assignments, instances, permission_set_policies, permission_sets, provisioning, tags)

OPERATIONS = tuple(each for family in _FAMILIES for each in vars(family).values() if isinstance(each, Operation))
"""Every operation that is built."""
