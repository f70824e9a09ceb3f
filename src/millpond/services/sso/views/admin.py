"""Records as sso-admin answers them."""

from typing import Any

from millpond.services.sso.records.assignments import Assignment, ProvisioningRequest
from millpond.services.sso.records.instances import Instance
from millpond.services.sso.records.permission_sets import PermissionSet, PolicyReference


def instance(record: Instance) -> dict[str, Any]:
    shown = {
        "InstanceArn": record.arn,
        "IdentityStoreId": record.identity_store_id,
        "IdentityStoreArn": record.identity_store_arn,
        "OwnerAccountId": record.account,
        "CreatedDate": record.created_at,
        "Status": "ACTIVE",
        "PrimaryRegion": record.region,
    }
    return shown | ({"Name": record.name} if record.name else {})


def permission_set(record: PermissionSet) -> dict[str, Any]:
    shown = {
        "Name": record.name,
        "PermissionSetArn": record.arn,
        "CreatedDate": record.created_at,
        "SessionDuration": record.session_duration,
    }
    optional = {"Description": record.description, "RelayState": record.relay_state}
    return shown | {name: value for name, value in optional.items() if value}


def policy_reference(record: PolicyReference) -> dict[str, str]:
    return {"Name": record.name, "Path": record.path}


def assignment(record: Assignment) -> dict[str, str]:
    return {
        "AccountId": record.account,
        "PermissionSetArn": _arn(record.instance_id, record.permission_set_id),
        "PrincipalType": record.principal_type,
        "PrincipalId": record.principal_id,
    }


def assignment_request(record: ProvisioningRequest) -> dict[str, Any]:
    """AccountAssignmentOperationStatus."""
    return request_metadata(record) | {
        "TargetId": record.account,
        "TargetType": "AWS_ACCOUNT",
        "PermissionSetArn": _arn(record.instance_id, record.permission_set_id),
        "PrincipalType": record.principal_type,
        "PrincipalId": record.principal_id,
        **({"FailureReason": record.failure} if record.failure else {}),
    }


def provisioning_request(record: ProvisioningRequest) -> dict[str, Any]:
    """PermissionSetProvisioningStatus."""
    return request_metadata(record) | {
        "PermissionSetArn": _arn(record.instance_id, record.permission_set_id),
        **({"AccountId": record.account} if record.account else {}),
        **({"FailureReason": record.failure} if record.failure else {}),
    }


def request_metadata(record: ProvisioningRequest) -> dict[str, Any]:
    return {"Status": record.status, "RequestId": record.id, "CreatedDate": record.created_at}


def _arn(instance_id: str, permission_set_id: str) -> str:
    return f"arn:aws:sso:::permissionSet/{instance_id}/{permission_set_id}"
