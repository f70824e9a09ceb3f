"""Account assignments. The work of a request is done when it is answered: its status is final at once."""

from datetime import timedelta

from millpond.kernel import ids
from millpond.operation import Context, Request, Response, operation
from millpond.services.sso import resources
from millpond.services.sso.api.admin import ResourceNotFoundException
from millpond.services.sso.finding import own_instance, own_permission_set, plain_id, target_account
from millpond.services.sso.paging import page
from millpond.services.sso.provisioning import provision, release
from millpond.services.sso.records.assignments import Assignment, ProvisioningRequest, RequestKind
from millpond.services.sso.records.instances import Instance
from millpond.services.sso.tables import assignments, directory
from millpond.services.sso.views import admin as views

_REQUESTS_KEPT = timedelta(days=90)


@operation(resources=resources.admin)
def create_account_assignment(ctx: Context, request: Request) -> Response:
    """Assign and provision. An assignment that is there already is brought up to date, as a repeated call is at AWS."""
    instance = own_instance(ctx, request)
    permission_set = own_permission_set(ctx, instance, request)
    account = target_account(ctx.transaction, instance, request["TargetId"])
    wanted = _assignment(ctx, request, instance)
    _check_principal(ctx, instance, wanted)
    failure = provision(ctx.transaction, instance, permission_set, account=account.id, now=ctx.now)
    if not failure:
        assignments.assign(ctx.transaction, wanted)
    record = _remember(ctx, wanted, kind="CREATE_ASSIGNMENT", failure=failure)
    return {"AccountAssignmentCreationStatus": views.assignment_request(record)}


@operation(resources=resources.admin)
def delete_account_assignment(ctx: Context, request: Request) -> Response:
    """The role goes with the last assignment, and its sessions with it."""
    instance = own_instance(ctx, request)
    own_permission_set(ctx, instance, request)
    wanted = _assignment(ctx, request, instance)
    if not assignments.unassign(ctx.transaction, wanted):
        raise ResourceNotFoundException("The account assignment is not found.")
    release(ctx.transaction, wanted.permission_set_id, wanted.account)
    record = _remember(ctx, wanted, kind="DELETE_ASSIGNMENT")
    return {"AccountAssignmentDeletionStatus": views.assignment_request(record)}


@operation(resources=resources.admin)
def describe_account_assignment_creation_status(ctx: Context, request: Request) -> Response:
    record = _existing(ctx, request, "AccountAssignmentCreationRequestId", kind="CREATE_ASSIGNMENT")
    return {"AccountAssignmentCreationStatus": views.assignment_request(record)}


@operation(resources=resources.admin)
def describe_account_assignment_deletion_status(ctx: Context, request: Request) -> Response:
    record = _existing(ctx, request, "AccountAssignmentDeletionRequestId", kind="DELETE_ASSIGNMENT")
    return {"AccountAssignmentDeletionStatus": views.assignment_request(record)}


@operation(resources=resources.admin)
def list_account_assignment_creation_status(ctx: Context, request: Request) -> Response:
    return _list_status(ctx, request, kind="CREATE_ASSIGNMENT", member="AccountAssignmentsCreationStatus")


@operation(resources=resources.admin)
def list_account_assignment_deletion_status(ctx: Context, request: Request) -> Response:
    return _list_status(ctx, request, kind="DELETE_ASSIGNMENT", member="AccountAssignmentsDeletionStatus")


@operation(resources=resources.admin)
def list_account_assignments(ctx: Context, request: Request) -> Response:
    instance = own_instance(ctx, request)
    permission_set = own_permission_set(ctx, instance, request)
    account = target_account(ctx.transaction, instance, request["AccountId"])
    found = assignments.assignments(ctx.transaction, permission_set.id, account.id)
    return page(request, found, by=_order, member="AccountAssignments", view=views.assignment)


@operation(resources=resources.admin)
def list_account_assignments_for_principal(ctx: Context, request: Request) -> Response:
    """A user's include those of the user's groups."""
    instance = own_instance(ctx, request)
    principal_id = plain_id(request["PrincipalId"])
    principal_ids = [principal_id]
    if request["PrincipalType"] == "USER":
        principal_ids += [each.group_id for each in directory.memberships(ctx.transaction, user_id=principal_id)]
    found = assignments.assignments_of(ctx.transaction, instance.id, principal_ids)
    found = [
        each for each in found if each.principal_id != principal_id or each.principal_type == request["PrincipalType"]
    ]
    if only := request.get("Filter", {}).get("AccountId"):
        found = [each for each in found if each.account == only]
    return page(request, found, by=_order, member="AccountAssignments", view=views.assignment)


def _assignment(ctx: Context, request: Request, instance: Instance) -> Assignment:
    return Assignment(
        instance_id=instance.id,
        account=request["TargetId"],
        permission_set_id=request["PermissionSetArn"].rpartition("/")[2],
        principal_type=request["PrincipalType"],
        principal_id=plain_id(request["PrincipalId"]),
        created_at=ctx.now,
    )


def _check_principal(ctx: Context, instance: Instance, wanted: Assignment) -> None:
    find = directory.user if wanted.principal_type == "USER" else directory.group
    found = find(ctx.transaction, wanted.principal_id)
    if found is None or found.identity_store_id != instance.identity_store_id:
        raise ResourceNotFoundException(f"{wanted.principal_type} with id {wanted.principal_id} is not found.")


def _remember(ctx: Context, wanted: Assignment, *, kind: RequestKind, failure: str = "") -> ProvisioningRequest:
    assignments.forget_requests_before(ctx.transaction, ctx.now - _REQUESTS_KEPT)
    record = ProvisioningRequest(
        id=ids.request_id(),
        instance_id=wanted.instance_id,
        kind=kind,
        created_at=ctx.now,
        permission_set_id=wanted.permission_set_id,
        account=wanted.account,
        principal_type=wanted.principal_type,
        principal_id=wanted.principal_id,
        failure=failure,
    )
    assignments.insert_request(ctx.transaction, record)
    return record


def _existing(ctx: Context, request: Request, member: str, *, kind: RequestKind) -> ProvisioningRequest:
    instance = own_instance(ctx, request)
    found = assignments.request(ctx.transaction, request[member])
    if found is None or found.instance_id != instance.id or found.kind != kind:
        raise ResourceNotFoundException(f"Request with id {request[member]} is not found.")
    return found


def _list_status(ctx: Context, request: Request, *, kind: RequestKind, member: str) -> Response:
    found = assignments.requests(ctx.transaction, own_instance(ctx, request).id, kind)
    if status := request.get("Filter", {}).get("Status"):
        found = [each for each in found if each.status == status]
    return page(
        request,
        found,
        by=lambda each: f"{each.created_at.isoformat()} {each.id}",
        descending=True,
        member=member,
        view=views.request_metadata,
    )


def _order(record: Assignment) -> str:
    return f"{record.account} {record.permission_set_id} {record.principal_type} {record.principal_id}"
