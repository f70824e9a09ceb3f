"""Versions of a managed policy: up to five, one of them the default that is in force."""

import msgspec

from millpond.operation import Context, Request, Response, operation
from millpond.services.iam import documents, resources, views
from millpond.services.iam.api import DeleteConflictException, LimitExceededException, NoSuchEntityException
from millpond.services.iam.entities import existing_policy, modifiable_policy
from millpond.services.iam.managed import managed_policies
from millpond.services.iam.paging import page
from millpond.services.iam.records import Policy, PolicyVersion
from millpond.services.iam.tables import policies

_MOST_VERSIONS = 5


@operation(resources=resources.policy)
def create_policy_version(ctx: Context, request: Request) -> Response:
    policy = modifiable_policy(ctx, request["PolicyArn"])
    if len(policies.versions(ctx.transaction, policy.arn)) >= _MOST_VERSIONS:
        raise LimitExceededException(
            "A managed policy can have up to 5 versions. Before you create a new version, you must delete an "
            "existing version."
        )
    version = PolicyVersion(
        policy_arn=policy.arn,
        version_id=f"v{policy.next_version}",
        document=documents.checked_managed(request["PolicyDocument"]),
        created_at=ctx.now,
    )
    is_default = bool(request.get("SetAsDefault"))
    policies.insert_version(ctx.transaction, version)
    policies.replace_policy(
        ctx.transaction,
        msgspec.structs.replace(
            policy,
            next_version=policy.next_version + 1,
            updated_at=ctx.now,
            default_version=version.version_id if is_default else policy.default_version,
        ),
    )
    return {"PolicyVersion": views.listed_version(version, is_default=is_default)}


@operation(resources=resources.policy)
def get_policy_version(ctx: Context, request: Request) -> Response:
    policy = existing_policy(ctx, request["PolicyArn"])
    version = _existing_version(ctx, policy, request["VersionId"])
    return {"PolicyVersion": views.version(version, is_default=version.version_id == policy.default_version)}


@operation(resources=resources.policy)
def list_policy_versions(ctx: Context, request: Request) -> Response:
    """The newest first, as AWS lists them."""
    policy = existing_policy(ctx, request["PolicyArn"])
    known = managed_policies().get(policy.arn)
    found = [_managed_version(policy, known.document)] if known else policies.versions(ctx.transaction, policy.arn)
    return page(
        request,
        found,
        by=lambda version: f"{10**9 - int(version.version_id[1:]):010d}",
        member="Versions",
        view=lambda version: views.listed_version(version, is_default=version.version_id == policy.default_version),
    )


@operation(resources=resources.policy)
def set_default_policy_version(ctx: Context, request: Request) -> Response | None:
    policy = modifiable_policy(ctx, request["PolicyArn"])
    version = _existing_version(ctx, policy, request["VersionId"])
    changed = msgspec.structs.replace(policy, default_version=version.version_id, updated_at=ctx.now)
    policies.replace_policy(ctx.transaction, changed)
    return None


@operation(resources=resources.policy)
def delete_policy_version(ctx: Context, request: Request) -> Response | None:
    policy = modifiable_policy(ctx, request["PolicyArn"])
    version = _existing_version(ctx, policy, request["VersionId"])
    if version.version_id == policy.default_version:
        raise DeleteConflictException("Cannot delete the default version of a policy.")
    policies.delete_version(ctx.transaction, version)
    return None


def _existing_version(ctx: Context, policy: Policy, version_id: str) -> PolicyVersion:
    known = managed_policies().get(policy.arn)
    if known is not None and version_id == policy.default_version:
        return _managed_version(policy, known.document)
    version = policies.version(ctx.transaction, policy.arn, version_id)
    if version is None:
        raise NoSuchEntityException(f"Policy {policy.arn} version {version_id} does not exist or is not attachable.")
    return version


def _managed_version(policy: Policy, document: str) -> PolicyVersion:
    return PolicyVersion(
        policy_arn=policy.arn, version_id=policy.default_version, document=document, created_at=policy.updated_at
    )
