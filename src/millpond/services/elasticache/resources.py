"""What policies see of a request: the ARNs it touches and the condition keys that hold for each.

(Service Authorization Reference, "Actions, resources, and condition keys for Amazon ElastiCache".) Names in ARNs are
lower case, as the service stores them; a list without a name is checked on every resource of the type.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from millpond.operation import Context, Request, Resource
from millpond.services.elasticache.tables import tags


def arn(account: str, region: str, kind: str, name: str) -> str:
    """Write an ARN: `arn:aws:elasticache:us-east-1:123456789012:parametergroup:my-group`."""
    return f"arn:aws:elasticache:{region}:{account}:{kind}:{name}"


def resource(
    ctx: Context, kind: str, name: object, *, keys: Mapping[str, Any] | None = None, action: str | None = None
) -> Resource:
    """One existing thing with its tags as `aws:ResourceTag/…`; everything of the kind when `name` is none.

    `name` is what the request has there, which nobody has validated yet.
    """
    if not isinstance(name, str) or not name:
        return Resource(arn=arn(ctx.account, ctx.region, kind, "*"), context=keys or {}, action=action)
    own = arn(ctx.account, ctx.region, kind, name.lower())
    return Resource(arn=own, context={**resource_tags(ctx, own), **(keys or {})}, action=action)


def new_resource(
    ctx: Context, kind: str, name: object, request: Request, *, keys: Mapping[str, Any] | None = None
) -> Sequence[Resource]:
    """One thing that a request creates; tags given at creation need elasticache:AddTagsToResource besides."""
    created = resource(ctx, kind, name, keys=keys)
    if not request.get("Tags"):
        return (created,)
    return created, resource(ctx, kind, name, keys=keys, action="elasticache:AddTagsToResource")


def resource_tags(ctx: Context, own: str) -> dict[str, Any]:
    """`aws:ResourceTag/…` of a resource; the keys of the request's own tags are the gateway's."""
    return {
        f"aws:ResourceTag/{key}": value for key, value in tags.of(ctx.transaction, ctx.account, ctx.region, own).items()
    }


def text(request: Request, member: str) -> str:
    """A member of a request that nobody has validated yet; empty when it is missing or no text."""
    value = request.get(member)
    return value if isinstance(value, str) else ""


def named(kind: str, member: str) -> Callable[[Context, Request], Sequence[Resource]]:
    """For operations on one existing thing, or on all when it is not named: `member` of the request is its name."""
    return lambda ctx, request: (resource(ctx, kind, request.get(member)),)
