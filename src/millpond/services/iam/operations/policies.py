"""Managed policies: create, read, delete, tag, and what they are attached to. AWS's own are read-only."""

from typing import Any

import msgspec

from millpond.kernel import ids
from millpond.operation import Context, Request, Response, operation
from millpond.services.iam import documents, resources, views
from millpond.services.iam.api import (
    DeleteConflictException,
    EntityAlreadyExistsException,
    LimitExceededException,
)
from millpond.services.iam.entities import existing_policy, modifiable_policy
from millpond.services.iam.managed import managed_policies
from millpond.services.iam.paging import page
from millpond.services.iam.records import Group, Policy, PolicyVersion, Principal, Role, User
from millpond.services.iam.tables import policies, principals
from millpond.services.iam.tags import given_tags, merged, tag_list, tag_page, without

_MOST_POLICIES = 1500


@operation(resources=resources.new("policy", "PolicyName"))
def create_policy(ctx: Context, request: Request) -> Response:
    name = request["PolicyName"]
    if policies.policy_named(ctx.transaction, ctx.account, name) is not None:
        raise EntityAlreadyExistsException(f"A policy called {name} already exists. Duplicate names are not allowed.")
    if len(policies.policies(ctx.transaction, ctx.account)) >= _MOST_POLICIES:
        raise LimitExceededException(f"Cannot exceed quota for PoliciesPerAccount: {_MOST_POLICIES}")
    policy = Policy(
        account=ctx.account,
        id=ids.principal_id("ANPA"),
        name=name,
        path=request.get("Path", "/"),
        created_at=ctx.now,
        updated_at=ctx.now,
        description=request.get("Description", ""),
        default_version="v1",
        tags=given_tags(request),
    )
    document = documents.checked_managed(request["PolicyDocument"])
    policies.insert_policy(ctx.transaction, policy)
    policies.insert_version(
        ctx.transaction,
        PolicyVersion(policy_arn=policy.arn, version_id="v1", document=document, created_at=ctx.now),
    )
    return {"Policy": views.policy(policy, attachments=0, boundaries=0) | {"Tags": tag_list(policy.tags)}}


@operation(resources=resources.policy)
def get_policy(ctx: Context, request: Request) -> Response:
    policy = existing_policy(ctx, request["PolicyArn"])
    return {"Policy": views.described_policy(policy, **_uses(ctx, policy))}


@operation(resources=resources.listed("policy"))
def list_policies(ctx: Context, request: Request) -> Response:
    scope, prefix = request.get("Scope", "All"), request.get("PathPrefix", "/")
    found: list[Policy] = []
    if scope in {"All", "AWS"}:
        found += [managed.policy for managed in managed_policies().values()]
    if scope in {"All", "Local"}:
        found += policies.policies(ctx.transaction, ctx.account)
    found = [policy for policy in found if policy.path.startswith(prefix)]
    usage = request.get("PolicyUsageFilter")
    attached = policies.attachment_counts(ctx.transaction, ctx.account)
    bounding = policies.boundary_counts(ctx.transaction, ctx.account)
    if request.get("OnlyAttached") or usage == "PermissionsPolicy":
        found = [policy for policy in found if policy.arn in attached]
    if usage == "PermissionsBoundary":
        found = [policy for policy in found if policy.arn in bounding]

    def view(policy: Policy) -> dict[str, Any]:
        return views.policy(policy, attachments=attached.get(policy.arn, 0), boundaries=bounding.get(policy.arn, 0))

    return page(request, found, by=lambda policy: policy.name.lower() + policy.account, member="Policies", view=view)


@operation(resources=resources.policy)
def delete_policy(ctx: Context, request: Request) -> Response | None:
    policy = modifiable_policy(ctx, request["PolicyArn"])
    if any(_uses(ctx, policy).values()):
        raise DeleteConflictException("Cannot delete a policy attached to entities.")
    if len(policies.versions(ctx.transaction, policy.arn)) > 1:
        raise DeleteConflictException(
            "This policy has more than one version. Before you delete a policy, you must delete the policy's "
            "versions. The default version is deleted with the policy."
        )
    policies.delete_policy(ctx.transaction, policy)
    return None


@operation(resources=resources.policy)
def tag_policy(ctx: Context, request: Request) -> Response | None:
    policy = modifiable_policy(ctx, request["PolicyArn"])
    tags = merged(policy.tags, request["Tags"])
    policies.replace_policy(ctx.transaction, msgspec.structs.replace(policy, tags=tags))
    return None


@operation(resources=resources.policy)
def untag_policy(ctx: Context, request: Request) -> Response | None:
    policy = modifiable_policy(ctx, request["PolicyArn"])
    tags = without(policy.tags, request["TagKeys"])
    policies.replace_policy(ctx.transaction, msgspec.structs.replace(policy, tags=tags))
    return None


@operation(resources=resources.policy)
def list_policy_tags(ctx: Context, request: Request) -> Response:
    return tag_page(request, existing_policy(ctx, request["PolicyArn"]).tags)


@operation(resources=resources.policy)
def list_entities_for_policy(ctx: Context, request: Request) -> Response:
    """Users, groups and roles that have a policy, or are bounded by it, in one paged sequence."""
    policy = existing_policy(ctx, request["PolicyArn"])
    wanted, prefix = request.get("EntityFilter"), request.get("PathPrefix", "/")
    found: list[Principal] = []
    if request.get("PolicyUsageFilter") != "PermissionsBoundary":
        attached = {
            attachment.principal_id
            for attachment in policies.attachments_of_policy(ctx.transaction, ctx.account, policy.arn)
        }
        everyone: list[Principal] = [
            *principals.under(ctx.transaction, Group, ctx.account, prefix),
            *principals.under(ctx.transaction, User, ctx.account, prefix),
            *principals.under(ctx.transaction, Role, ctx.account, prefix),
        ]
        found += [principal for principal in everyone if principal.id in attached]
    if request.get("PolicyUsageFilter") != "PermissionsPolicy":
        present = {principal.id for principal in found}
        found += [each for each in _bounded(ctx, policy) if each.id not in present and each.path.startswith(prefix)]
    kinds: dict[str, type[Principal]] = {"User": User, "Role": Role, "Group": Group}
    if wanted in kinds:
        found = [principal for principal in found if isinstance(principal, kinds[wanted])]
    paged = page(request, found, by=_entity_key, member="Found", view=lambda principal: principal)
    shown = paged.pop("Found")
    return paged | {
        f"Policy{name}s": [
            {f"{name}Name": principal.name, f"{name}Id": principal.id}
            for principal in shown
            if isinstance(principal, kind)
        ]
        for name, kind in kinds.items()
    }


def _entity_key(principal: Principal) -> str:
    return f"{type(principal).__name__}/{principal.name.lower()}"


def _bounded(ctx: Context, policy: Policy) -> list[User | Role]:
    return [
        *principals.with_boundary(ctx.transaction, User, ctx.account, policy.arn),
        *principals.with_boundary(ctx.transaction, Role, ctx.account, policy.arn),
    ]


def _uses(ctx: Context, policy: Policy) -> dict[str, int]:
    attachments = policies.attachments_of_policy(ctx.transaction, ctx.account, policy.arn)
    return {"attachments": len(attachments), "boundaries": len(_bounded(ctx, policy))}
