"""IAM's operations: one file a family of things, one function an AWS operation. No SQL and no policy logic here."""

from millpond.operation import Operation
from millpond.services.iam.operations import (
    access_keys,
    account,
    attachments,
    groups,
    inline_policies,
    instance_profiles,
    login_profiles,
    mfa_devices,
    oidc_providers,
    other_credentials,
    policies,
    policy_versions,
    roles,
    saml_providers,
    service_linked_roles,
    simulation,
    users,
)

_FAMILIES = (
    access_keys,
    account,
    attachments,
    groups,
    inline_policies,
    instance_profiles,
    login_profiles,
    mfa_devices,
    oidc_providers,
    other_credentials,
    policies,
    policy_versions,
    roles,
    saml_providers,
    service_linked_roles,
    simulation,
    users,
)

OPERATIONS = tuple(each for family in _FAMILIES for each in vars(family).values() if isinstance(each, Operation))
"""Every operation that is built."""
