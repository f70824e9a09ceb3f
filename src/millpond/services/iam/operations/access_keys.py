"""Access keys: two a user, the secret shown once."""

import msgspec

from millpond.operation import Context, Request, Resource, Response, operation
from millpond.services.iam import credentials, resources
from millpond.services.iam.api import LimitExceededException, NoSuchEntityException
from millpond.services.iam.entities import Owner, owner
from millpond.services.iam.paging import page
from millpond.services.iam.records import AccessKey, User
from millpond.services.iam.tables import keys, principals

_MOST_KEYS = 2


@operation(resources=resources.user)
def create_access_key(ctx: Context, request: Request) -> Response:
    holder = owner(ctx, request)
    if len(keys.access_keys_of(ctx.transaction, holder.principal_id)) >= _MOST_KEYS:
        raise LimitExceededException(f"Cannot exceed quota for AccessKeysPerUser: {_MOST_KEYS}")
    key = credentials.new_access_key(
        ctx.transaction, ctx.secrets, account=ctx.account, principal_id=holder.principal_id, now=ctx.now
    )
    return {
        "AccessKey": {
            "UserName": holder.user_name,
            "AccessKeyId": key.access_key_id,
            "Status": "Active",
            "SecretAccessKey": key.secret,
            "CreateDate": key.created_at,
        }
    }


@operation(resources=resources.user)
def update_access_key(ctx: Context, request: Request) -> Response | None:
    key = _existing(ctx, owner(ctx, request), request["AccessKeyId"])
    changed = msgspec.structs.replace(key, active=request["Status"] == "Active")
    keys.replace_access_key(ctx.transaction, changed)
    return None


@operation(resources=resources.user)
def delete_access_key(ctx: Context, request: Request) -> Response | None:
    keys.delete_access_key(ctx.transaction, _existing(ctx, owner(ctx, request), request["AccessKeyId"]))
    return None


@operation(resources=resources.user)
def list_access_keys(ctx: Context, request: Request) -> Response:
    holder = owner(ctx, request)
    found = keys.access_keys_of(ctx.transaction, holder.principal_id)
    return page(
        request,
        found,
        by=lambda key: key.id,
        member="AccessKeyMetadata",
        view=lambda key: {
            "UserName": holder.user_name,
            "AccessKeyId": key.id,
            "Status": "Active" if key.active else "Inactive",
            "CreateDate": key.created_at,
        },
    )


def _key_holder(ctx: Context, request: Request) -> tuple[Resource, ...]:
    key = keys.access_key(ctx.transaction, str(request.get("AccessKeyId", "")))
    holder = principals.by_id(ctx.transaction, User, key.principal_id) if key else None
    if holder is None or holder.account != ctx.account:
        return (Resource(arn="*"),)
    return (Resource(arn=holder.arn, context=resources.resource_tags(holder.tags)),)


@operation(resources=_key_holder)
def get_access_key_last_used(ctx: Context, request: Request) -> Response:
    """When, where and for what the key was last used; another account's key is as good as none."""
    key = keys.access_key(ctx.transaction, request["AccessKeyId"])
    if key is None or key.account != ctx.account:
        raise NoSuchEntityException(f"The Access Key with id {request['AccessKeyId']} cannot be found.")
    holder = principals.by_id(ctx.transaction, User, key.principal_id)
    used: Response = {"Region": key.last_used_region or "N/A", "ServiceName": key.last_used_service or "N/A"}
    if key.last_used_at is not None:
        used["LastUsedDate"] = key.last_used_at
    return {"UserName": holder.name if holder else "<root_account>", "AccessKeyLastUsed": used}


def _existing(ctx: Context, holder: Owner, key_id: str) -> AccessKey:
    key = keys.access_key(ctx.transaction, key_id)
    if key is None or key.principal_id != holder.principal_id:
        raise NoSuchEntityException(f"The Access Key with id {key_id} cannot be found.")
    return key
