"""Access keys of whoever is signed in; root is warned first, and has to say that it was read."""

from collections.abc import Mapping
from typing import Any

from millpond.operation import Fault
from millpond.pages.drawing import page
from millpond.pages.forms import again
from millpond.pages.http import Request, Response, see_other
from millpond.pages.spec import Site
from millpond.visit import Refused


def form(site: Site, request: Request) -> Response:
    site.accounts.must_be_fresh(request.signed_in)
    return page(request, "key_new", is_root=request.signed_in.kind == "Root")


def create(site: Site, request: Request) -> Response:
    """Make a key; its secret is shown on this page and nowhere else."""
    site.accounts.must_be_fresh(request.signed_in)
    is_root = request.signed_in.kind == "Root"
    try:
        if is_root and request.field("understood") != "yes":
            raise Refused("Say that you understand what a root access key means.")  # noqa: TRY301 - as IAM's refusals
        made = _call(site, request, "CreateAccessKey")["AccessKey"]
    except Refused as refused:
        return again(request, "key_new", refused, is_root=is_root)
    return page(request, "key_shown", key_id=made["AccessKeyId"], secret=made["SecretAccessKey"], region=site.region)


def change(site: Site, request: Request) -> Response:
    """Deactivate, activate or delete."""
    site.accounts.must_be_fresh(request.signed_in)
    key_id = request.field("key")
    match request.field("step"):
        case "deactivate":
            _call(site, request, "UpdateAccessKey", AccessKeyId=key_id, Status="Inactive")
        case "activate":
            _call(site, request, "UpdateAccessKey", AccessKeyId=key_id, Status="Active")
        case "delete":
            _call(site, request, "DeleteAccessKey", AccessKeyId=key_id)
        case _:
            raise Refused("That cannot be done with an access key.")
    return see_other("/account/security")


def _call(site: Site, request: Request, operation: str, **parameters: Any) -> Mapping[str, Any]:
    session = request.signed_in
    named = {} if session.kind == "Root" else {"UserName": session.name}
    try:
        return site.api.call(request.visitor, session, "iam", operation, named | parameters)
    except Fault as fault:
        raise Refused(fault.message, status=fault.status) from fault
