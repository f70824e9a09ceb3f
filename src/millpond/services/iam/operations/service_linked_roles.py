"""Roles that a service owns: made for it, changed by nobody, deleted when nothing uses them."""

from collections.abc import Sequence
from typing import Any

from millpond.kernel import ids
from millpond.operation import Context, Request, Resource, Response, operation
from millpond.services.iam import resources, service_roles, views
from millpond.services.iam.api import InvalidInputException, NoSuchEntityException
from millpond.services.iam.entities import SERVICE_LINKED_PATH, existing_role
from millpond.services.iam.records import DeletionTask
from millpond.services.iam.tables import keys, policies, principals, profiles


def _new_service_role(ctx: Context, request: Request) -> Sequence[Resource]:
    service = str(request.get("AWSServiceName", ""))
    return (service_roles.creation_resource(ctx.account, service),)


@operation(resources=_new_service_role)
def create_service_linked_role(ctx: Context, request: Request) -> Response:
    """Make a service's role. InvalidInput for services that have none, and when it was made before."""
    service, suffix = request["AWSServiceName"], request.get("CustomSuffix", "")
    if suffix:
        raise InvalidInputException(f"Custom suffix is not allowed for {service}")
    role = service_roles.create_service_role(ctx, service, description=request.get("Description"))
    return {"Role": views.listed_role(role)}


@operation(resources=resources.role)
def delete_service_linked_role(ctx: Context, request: Request) -> Response:
    """Delete the role unless something uses it; which of the two, GetServiceLinkedRoleDeletionStatus tells."""
    role = existing_role(ctx, request["RoleName"])
    if not role.path.startswith(SERVICE_LINKED_PATH):
        raise InvalidInputException(f"Role {role.name} is not a service-linked role.")
    service = role.path.removeprefix(SERVICE_LINKED_PATH).strip("/")
    uses = profiles.service_role_uses(ctx.transaction, ctx.account, service)
    task = DeletionTask(
        account=ctx.account,
        id=f"task{role.path}{role.name}/{ids.request_id()}",
        role_name=role.name,
        status="FAILED" if uses else "SUCCEEDED",
        resources=tuple(uses),
        created_at=ctx.now,
    )
    profiles.insert_deletion_task(ctx.transaction, task)
    if not uses:
        policies.forget_principal(ctx.transaction, role.id)
        keys.delete_sessions_of(ctx.transaction, role.id)
        principals.delete(ctx.transaction, role)
    return {"DeletionTaskId": task.id}


def _role_of_task(ctx: Context, request: Request) -> Sequence[Resource]:
    path = str(request.get("DeletionTaskId", "")).removeprefix("task").rpartition("/")[0]
    return (Resource(arn=f"arn:aws:iam::{ctx.account}:role{path}"),)


@operation(resources=_role_of_task)
def get_service_linked_role_deletion_status(ctx: Context, request: Request) -> Response:
    task = profiles.deletion_task(ctx.transaction, ctx.account, request["DeletionTaskId"])
    if task is None:
        raise NoSuchEntityException(f"Deletion task {request['DeletionTaskId']} cannot be found.")
    response: dict[str, Any] = {"Status": task.status}
    if task.resources:
        response["Reason"] = {
            "Reason": "A service-linked role is required for these resources; delete them first.",
            "RoleUsageList": [{"Resources": list(task.resources)}],
        }
    return response
