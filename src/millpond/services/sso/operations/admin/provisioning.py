"""ProvisionPermissionSet: bring the roles of a permission set up to date, in one account or wherever it is assigned."""

from millpond.kernel import ids
from millpond.operation import Context, Request, Response, operation
from millpond.services.sso import resources
from millpond.services.sso.api.admin import ResourceNotFoundException, ValidationException
from millpond.services.sso.finding import own_instance, own_permission_set, target_account
from millpond.services.sso.paging import page
from millpond.services.sso.provisioning import provision
from millpond.services.sso.records.assignments import ProvisioningRequest
from millpond.services.sso.tables import assignments
from millpond.services.sso.views import admin as views


@operation(resources=resources.admin)
def provision_permission_set(ctx: Context, request: Request) -> Response:
    """In an account where nobody is assigned the set there is no role to bring up to date, so nothing is made."""
    instance = own_instance(ctx, request)
    permission_set = own_permission_set(ctx, instance, request)
    only = request.get("TargetId")
    if (request["TargetType"] == "AWS_ACCOUNT") != (only is not None):
        raise ValidationException("TargetId must be given for the target type AWS_ACCOUNT, and for no other.")
    if only is not None:
        target_account(ctx.transaction, instance, only)
    provisioned = assignments.provisionings(
        ctx.transaction, instance.id, permission_set_id=permission_set.id, account=only
    )
    if only is not None and not provisioned:
        raise ResourceNotFoundException(f"Permission set {permission_set.id} is not provisioned to account {only}.")
    failures = [
        provision(ctx.transaction, instance, permission_set, account=each.account, now=ctx.now) for each in provisioned
    ]
    record = ProvisioningRequest(
        id=ids.request_id(),
        instance_id=instance.id,
        kind="PROVISION",
        created_at=ctx.now,
        permission_set_id=permission_set.id,
        account=only or "",
        failure=next(filter(None, failures), ""),
    )
    assignments.insert_request(ctx.transaction, record)
    return {"PermissionSetProvisioningStatus": views.provisioning_request(record)}


@operation(resources=resources.admin)
def describe_permission_set_provisioning_status(ctx: Context, request: Request) -> Response:
    instance, request_id = own_instance(ctx, request), request["ProvisionPermissionSetRequestId"]
    found = assignments.request(ctx.transaction, request_id)
    if found is None or found.instance_id != instance.id or found.kind != "PROVISION":
        raise ResourceNotFoundException(f"Request with id {request_id} is not found.")
    return {"PermissionSetProvisioningStatus": views.provisioning_request(found)}


@operation(resources=resources.admin)
def list_permission_set_provisioning_status(ctx: Context, request: Request) -> Response:
    found = assignments.requests(ctx.transaction, own_instance(ctx, request).id, "PROVISION")
    if status := request.get("Filter", {}).get("Status"):
        found = [each for each in found if each.status == status]
    return page(
        request,
        found,
        by=lambda each: f"{each.created_at.isoformat()} {each.id}",
        descending=True,
        member="PermissionSetsProvisioningStatus",
        view=views.request_metadata,
    )
