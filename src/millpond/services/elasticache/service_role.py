"""`AWSServiceRoleForElastiCache`: made when the first cache is, with the caller's right to make it; used ever after.

Sources: the ElastiCache user guide, "Using service-linked roles"; the fault and its wording are what the API answers
where the role is missing and the caller may not make it. It is ElastiCache's refusal and not IAM's AccessDenied,
because ElastiCache asks IAM in the caller's name and tells in its own words what came of it.
"""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection

from millpond.operation import Attempt, Context, NotYet, Resource
from millpond.services import cloudtrail, iam
from millpond.services.elasticache.acts import Act
from millpond.services.elasticache.api import ServiceLinkedRoleNotFoundFault
from millpond.services.elasticache.records.cache_clusters import CacheCluster
from millpond.services.elasticache.records.replication_groups import ReplicationGroup
from millpond.store import Vault

PRINCIPAL = "elasticache.amazonaws.com"
_SESSION = "ElastiCache"


def require_service_role(ctx: Context, *, resource: str) -> None:
    """Have the role for `resource` (an ARN), and keep it until released. ServiceLinkedRoleNotFoundFault without it."""
    missing = iam.needed_service_role(ctx, PRINCIPAL)
    for each in missing:
        if not ctx.allows(each):
            raise ServiceLinkedRoleNotFoundFault(
                "This action cannot be completed due to insufficient permissions. "
                "(Recommended action) Please create new role using IAM API CreateServiceLinkedRole."
            )
    role = iam.use_service_role(ctx, PRINCIPAL, resource=resource)
    if missing:
        cloudtrail.record_call(ctx.transaction, ctx.secrets, _made(ctx, role, missing))


def act_as_service_role(
    transaction: Connection, vault: Vault, kept: CacheCluster | ReplicationGroup, acts: Sequence[Act], *, now: datetime
) -> None:
    """Do what was decided in the role's name: with its permissions, and on record. NotYet when it may not."""
    if not acts:
        return
    role = iam.service_role(transaction, kept.account, PRINCIPAL)
    if role is None:
        raise NotYet(
            "ElastiCache's service-linked role is missing; make it with: "
            f"aws iam create-service-linked-role --aws-service-name {PRINCIPAL}"
        )
    for act in acts:
        if act.action and not iam.role_allows(transaction, role, session=_SESSION, action=act.action, resource="*"):
            raise NotYet(f"{role.name} may not {act.action}")
        cloudtrail.record_service_act(
            transaction,
            vault,
            cloudtrail.ServiceAct(
                at=now,
                region=kept.region,
                role=role,
                session=_SESSION,
                invoked_by=PRINCIPAL,
                source=act.source,
                name=act.name,
                details=act.details,
                arns=(kept.arn,),
            ),
        )


def release_service_role(transaction: Connection, cluster: CacheCluster | ReplicationGroup) -> None:
    """It is gone and needs the role no more."""
    iam.release_service_role(transaction, account=cluster.account, service=PRINCIPAL, resource=cluster.arn)


def pass_service_role_on(transaction: Connection, group: ReplicationGroup, cluster: CacheCluster) -> None:
    """A group is gone and one of its members goes on alone: it needs the role in the group's place."""
    iam.release_service_role(transaction, account=group.account, service=PRINCIPAL, resource=group.arn)
    iam.keep_service_role(transaction, account=group.account, service=PRINCIPAL, resource=cluster.arn)


def _made(ctx: Context, role: iam.Role, asked: Sequence[Resource]) -> Attempt:
    """The call to IAM that ElastiCache made in the caller's name."""
    return Attempt(
        request_id=ctx.request_id,
        at=ctx.now,
        source="iam",
        name="CreateServiceLinkedRole",
        caller=ctx.caller,
        region=ctx.region,
        source_ip=PRINCIPAL,
        user_agent=PRINCIPAL,
        reads_only=False,
        request={"AWSServiceName": PRINCIPAL},
        response={"Role": {"RoleName": role.name, "RoleId": role.id, "Arn": role.arn, "Path": role.path}},
        resources=asked,
    )
