"""Permission sets become roles: made where a set is first assigned, brought up to date, removed with the last use."""

from datetime import datetime

from sqlalchemy import Connection

from millpond.kernel import ids
from millpond.services import iam
from millpond.services.iam import MissingPolicyError, ReservedRole
from millpond.services.sso.records.assignments import Provisioning
from millpond.services.sso.records.instances import Instance
from millpond.services.sso.records.permission_sets import PermissionSet
from millpond.services.sso.tables import assignments

_FOLDER = "sso.amazonaws.com"
_REGION_WITHOUT_FOLDER = "us-east-1"


def provision(
    transaction: Connection, instance: Instance, permission_set: PermissionSet, *, account: str, now: datetime
) -> str:
    """Make or update the role of a permission set in an account. Returns why that failed; empty when it did not."""
    before = assignments.provisioning(transaction, permission_set.id, account)
    role_name = before.role_name if before else f"AWSReservedSSO_{permission_set.name}_{ids.hexadecimal(16)}"
    boundary = permission_set.boundary_arn
    if permission_set.boundary_reference is not None:
        boundary = permission_set.boundary_reference.arn_in(account)
    wanted = ReservedRole(
        account=account,
        name=role_name,
        folder=_FOLDER if instance.region == _REGION_WITHOUT_FOLDER else f"{_FOLDER}/{instance.region}",
        description=permission_set.description or None,
        max_session_duration=permission_set.session_seconds,
        policy_arns=(
            *permission_set.managed_policies,
            *(reference.arn_in(account) for reference in permission_set.customer_policies),
        ),
        inline_policy=permission_set.inline_policy,
        boundary=boundary,
    )
    try:
        iam.put_reserved_role(transaction, wanted, now)
    except MissingPolicyError as missing:
        return f"Received a 404 status error: Policy {missing} does not exist or is not attachable."
    record = Provisioning(
        instance_id=instance.id,
        permission_set_id=permission_set.id,
        account=account,
        role_name=role_name,
        revision=permission_set.revision,
    )
    assignments.put_provisioning(transaction, record)
    return ""


def release(transaction: Connection, permission_set_id: str, account: str) -> None:
    """Remove the role of a permission set from an account in which nobody is assigned it any more."""
    if assignments.assignments(transaction, permission_set_id, account):
        return
    provisioned = assignments.provisioning(transaction, permission_set_id, account)
    if provisioned is not None:
        iam.delete_reserved_role(transaction, account, provisioned.role_name)
        assignments.drop_provisioning(transaction, provisioned)
