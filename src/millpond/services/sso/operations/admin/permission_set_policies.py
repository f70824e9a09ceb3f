"""What a permission set allows: managed policies, customer managed policies by name, an inline policy, a boundary.

Roles in accounts follow with `ProvisionPermissionSet` (API reference, AttachManagedPolicyToPermissionSet).
"""

from typing import Any

import msgspec

from millpond.operation import Context, Fault, Request, Response, operation
from millpond.services import iam
from millpond.services.sso import resources
from millpond.services.sso.api.admin import (
    ConflictException,
    ResourceNotFoundException,
    ServiceQuotaExceededException,
    ValidationException,
)
from millpond.services.sso.finding import own_instance, own_permission_set
from millpond.services.sso.paging import page
from millpond.services.sso.records.permission_sets import PermissionSet, PolicyReference
from millpond.services.sso.tables import permission_sets
from millpond.services.sso.views import admin as views

_MOST_POLICIES = 20
"""AWS-managed and customer managed ones together."""
_LARGEST_INLINE = 10_240
"""Characters without white space: what IAM takes as inline policies of a role."""


@operation(resources=resources.admin)
def attach_managed_policy_to_permission_set(ctx: Context, request: Request) -> Response:
    found, arn = _permission_set(ctx, request), request["ManagedPolicyArn"]
    _check_aws_managed(ctx, arn)
    if arn in found.managed_policies:
        raise ConflictException(f"Managed policy {arn} is already attached to permission set {found.id}.")
    _check_room(found)
    _change(ctx, found, managed_policies=(*found.managed_policies, arn))
    return {}


@operation(resources=resources.admin)
def detach_managed_policy_from_permission_set(ctx: Context, request: Request) -> Response:
    found, arn = _permission_set(ctx, request), request["ManagedPolicyArn"]
    if arn not in found.managed_policies:
        raise ResourceNotFoundException(f"Managed policy {arn} is not attached to permission set {found.id}.")
    _change(ctx, found, managed_policies=tuple(each for each in found.managed_policies if each != arn))
    return {}


@operation(resources=resources.admin)
def list_managed_policies_in_permission_set(ctx: Context, request: Request) -> Response:
    return page(
        request,
        _permission_set(ctx, request).managed_policies,
        by=str,
        member="AttachedManagedPolicies",
        view=lambda arn: {"Name": arn.rpartition("/")[2], "Arn": arn},
    )


@operation(resources=resources.admin)
def attach_customer_managed_policy_reference_to_permission_set(ctx: Context, request: Request) -> Response:
    """The policy itself is looked for in each account, when the set is provisioned there."""
    found, reference = _permission_set(ctx, request), _reference(request["CustomerManagedPolicyReference"])
    if reference in found.customer_policies:
        raise ConflictException(f"Customer managed policy {reference.name} is already attached to {found.id}.")
    _check_room(found)
    _change(ctx, found, customer_policies=(*found.customer_policies, reference))
    return {}


@operation(resources=resources.admin)
def detach_customer_managed_policy_reference_from_permission_set(ctx: Context, request: Request) -> Response:
    found, reference = _permission_set(ctx, request), _reference(request["CustomerManagedPolicyReference"])
    if reference not in found.customer_policies:
        raise ResourceNotFoundException(f"Customer managed policy {reference.name} is not attached to {found.id}.")
    _change(ctx, found, customer_policies=tuple(each for each in found.customer_policies if each != reference))
    return {}


@operation(resources=resources.admin)
def list_customer_managed_policy_references_in_permission_set(ctx: Context, request: Request) -> Response:
    return page(
        request,
        _permission_set(ctx, request).customer_policies,
        by=lambda each: f"{each.path}{each.name}",
        member="CustomerManagedPolicyReferences",
        view=views.policy_reference,
    )


@operation(resources=resources.admin)
def put_inline_policy_to_permission_set(ctx: Context, request: Request) -> Response:
    found, document = _permission_set(ctx, request), request["InlinePolicy"]
    try:
        iam.new_policy(document, kind="identity")
    except Fault as fault:
        raise ValidationException(f"The inline policy is not valid: {fault.message}") from fault
    if sum(not char.isspace() for char in document) > _LARGEST_INLINE:
        raise ServiceQuotaExceededException(f"The inline policy is larger than {_LARGEST_INLINE} characters.")
    _change(ctx, found, inline_policy=document)
    return {}


@operation(resources=resources.admin)
def get_inline_policy_for_permission_set(ctx: Context, request: Request) -> Response:
    """Empty where there is none, as AWS answers."""
    return {"InlinePolicy": _permission_set(ctx, request).inline_policy}


@operation(resources=resources.admin)
def delete_inline_policy_from_permission_set(ctx: Context, request: Request) -> Response:
    found = _permission_set(ctx, request)
    if not found.inline_policy:
        raise ResourceNotFoundException(f"Permission set {found.id} has no inline policy.")
    _change(ctx, found, inline_policy="")
    return {}


@operation(resources=resources.admin)
def put_permissions_boundary_to_permission_set(ctx: Context, request: Request) -> Response:
    found, boundary = _permission_set(ctx, request), request["PermissionsBoundary"]
    if len(boundary) != 1:
        raise ValidationException(
            "PermissionsBoundary must have either a ManagedPolicyArn or a CustomerManagedPolicyReference."
        )
    if "ManagedPolicyArn" in boundary:
        _check_aws_managed(ctx, boundary["ManagedPolicyArn"])
        _change(ctx, found, boundary_arn=boundary["ManagedPolicyArn"], boundary_reference=None)
    else:
        reference = _reference(boundary["CustomerManagedPolicyReference"])
        _change(ctx, found, boundary_arn="", boundary_reference=reference)
    return {}


@operation(resources=resources.admin)
def get_permissions_boundary_for_permission_set(ctx: Context, request: Request) -> Response:
    found = _permission_set(ctx, request)
    if found.boundary_reference is not None:
        shown = views.policy_reference(found.boundary_reference)
        return {"PermissionsBoundary": {"CustomerManagedPolicyReference": shown}}
    if found.boundary_arn:
        return {"PermissionsBoundary": {"ManagedPolicyArn": found.boundary_arn}}
    raise _no_boundary(found)


@operation(resources=resources.admin)
def delete_permissions_boundary_from_permission_set(ctx: Context, request: Request) -> Response:
    found = _permission_set(ctx, request)
    if found.boundary_reference is None and not found.boundary_arn:
        raise _no_boundary(found)
    _change(ctx, found, boundary_arn="", boundary_reference=None)
    return {}


def _permission_set(ctx: Context, request: Request) -> PermissionSet:
    return own_permission_set(ctx, own_instance(ctx, request), request)


def _change(ctx: Context, found: PermissionSet, **changes: Any) -> None:
    changed = msgspec.structs.replace(found, revision=found.revision + 1, **changes)
    permission_sets.replace(ctx.transaction, changed)


def _check_aws_managed(ctx: Context, arn: str) -> None:
    if not iam.has_policy(ctx.transaction, "aws", arn):
        raise ResourceNotFoundException(f"ManagedPolicy with ARN {arn} is not found.")


def _check_room(found: PermissionSet) -> None:
    if len(found.managed_policies) + len(found.customer_policies) >= _MOST_POLICIES:
        raise ServiceQuotaExceededException(f"A permission set can have at most {_MOST_POLICIES} policies.")


def _reference(given: dict[str, str]) -> PolicyReference:
    return PolicyReference(name=given["Name"], path=given.get("Path", "/"))


def _no_boundary(found: PermissionSet) -> ResourceNotFoundException:
    return ResourceNotFoundException(f"Permission set {found.id} has no permissions boundary.")
