"""Service-linked roles: which services have one, making it with the caller's right to do so, and what uses it."""

import json
from collections.abc import Mapping
from types import MappingProxyType

import msgspec
from sqlalchemy import Connection

from millpond.kernel import ids
from millpond.operation import Caller, Context, Resource
from millpond.services.iam.api import InvalidInputException
from millpond.services.iam.decision import Question, decide
from millpond.services.iam.entities import SERVICE_LINKED_PATH
from millpond.services.iam.managed import ARN_PREFIX
from millpond.services.iam.permissions import Permissions, identity_documents, principal_context
from millpond.services.iam.records import Attachment, Role
from millpond.services.iam.tables import policies, principals, profiles


class ServiceRole(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    policy: str
    """Name of the AWS-managed policy under `service-role`'s path."""
    description: str


SERVICE_ROLES: Mapping[str, ServiceRole] = MappingProxyType({
    "elasticache.amazonaws.com": ServiceRole(
        name="AWSServiceRoleForElastiCache",
        policy="ElastiCacheServiceRolePolicy",
        description="This policy allows ElastiCache to manage AWS resources on your behalf as necessary for "
        "managing your cache.",
    ),
    "elasticache.application-autoscaling.amazonaws.com": ServiceRole(
        name="AWSServiceRoleForApplicationAutoScaling_ElastiCacheRG",
        policy="AWSApplicationAutoscalingElastiCacheRGPolicy",
        description="Policy granting permissions to Application Auto Scaling to access ElastiCache and CloudWatch.",
    ),
})


def service_role(transaction: Connection, account: str, service: str) -> Role | None:
    """The role of a service in this account, when it has been made."""
    known = SERVICE_ROLES.get(service)
    found = known and principals.named(transaction, Role, account, known.name)
    return found if found and found.path == _path(service) else None


def creation_resource(account: str, service: str) -> Resource:
    """What making a service's role must be authorised for."""
    known = SERVICE_ROLES.get(service)
    name = known.name if known else "*"
    return Resource(
        arn=f"arn:aws:iam::{account}:role{_path(service)}{name}",
        context={"iam:AWSServiceName": service},
        action="iam:CreateServiceLinkedRole",
    )


def needed_service_role(ctx: Context, service: str) -> tuple[Resource, ...]:
    """For the `resources` of a create operation: the right to make the role, while there is none."""
    if service_role(ctx.transaction, ctx.account, service) is not None:
        return ()
    return (creation_resource(ctx.account, service),)


def create_service_role(ctx: Context, service: str, *, description: str | None = None) -> Role:
    """Make a service's role with its policy. InvalidInput for services without one, and when it is there already."""
    known = SERVICE_ROLES.get(service)
    if known is None:
        raise InvalidInputException(f"{service} is not a service that has a service-linked role.")
    if principals.named(ctx.transaction, Role, ctx.account, known.name) is not None:
        raise InvalidInputException(
            f"Service role name {known.name} has been taken in this account, please try a different suffix."
        )
    trust = {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}],
    }
    role = Role(
        account=ctx.account,
        id=ids.principal_id("AROA"),
        name=known.name,
        path=_path(service),
        created_at=ctx.now,
        trust=json.dumps(trust),
        description=description or known.description,
    )
    principals.insert(ctx.transaction, role)
    arn = f"{ARN_PREFIX}{SERVICE_LINKED_PATH.removeprefix('/')}{known.policy}"
    attachment = Attachment(account=ctx.account, principal_id=role.id, policy_arn=arn, attached_at=ctx.now)
    policies.attach(ctx.transaction, attachment)
    return role


def use_service_role(ctx: Context, service: str, *, resource: str) -> Role:
    """The service's role, made if it must be; `resource` (an ARN) keeps it from being deleted until released."""
    role = service_role(ctx.transaction, ctx.account, service) or create_service_role(ctx, service)
    profiles.add_service_role_use(ctx.transaction, account=ctx.account, service=service, resource=resource)
    return role


def keep_service_role(transaction: Connection, *, account: str, service: str, resource: str) -> None:
    """Keep a role that is there from being deleted, for `resource`, until released."""
    profiles.add_service_role_use(transaction, account=account, service=service, resource=resource)


def release_service_role(transaction: Connection, *, account: str, service: str, resource: str) -> None:
    """`resource` is gone and needs the role no more."""
    profiles.drop_service_role_use(transaction, account=account, service=service, resource=resource)


def role_allows(transaction: Connection, role: Role, *, session: str, action: str, resource: str) -> bool:
    """Whether a service that acts as its role may do this: the role's policies decide, as for anybody."""
    caller = Caller(
        account=role.account,
        arn=f"arn:aws:sts::{role.account}:assumed-role/{role.name}/{session}",
        user_id=f"{role.id}:{session}",
        kind="AssumedRole",
        access_key_id="",
        name=session,
        role_arn=role.arn,
    )
    permissions = Permissions(
        identity=identity_documents(transaction, role),
        boundary=None,
        session=None,
        context=principal_context(caller, role, None),
    )
    return decide(caller, permissions, Question(action=action, resource=resource, context={})).allowed


def _path(service: str) -> str:
    return f"{SERVICE_LINKED_PATH}{service}/"
