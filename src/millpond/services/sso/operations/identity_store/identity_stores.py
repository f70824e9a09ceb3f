"""The identity stores themselves: one an instance."""

from millpond.operation import Context, Request, Response, operation
from millpond.services.sso import resources
from millpond.services.sso.finding import own_identity_store
from millpond.services.sso.paging import page
from millpond.services.sso.records.instances import Instance
from millpond.services.sso.tables import instances


@operation()
def list_identity_stores(ctx: Context, request: Request) -> Response:
    found = instances.of_account(ctx.transaction, ctx.account)
    shown = [found] if found is not None and found.region == ctx.region else []
    return page(request, shown, by=lambda each: each.id, member="IdentityStores", view=_view)


@operation(resources=resources.identity_store)
def describe_identity_store(ctx: Context, request: Request) -> Response:
    return _view(own_identity_store(ctx, request))


def _view(instance: Instance) -> Response:
    return {"IdentityStoreId": instance.identity_store_id, "IdentityStoreArn": instance.identity_store_arn}
