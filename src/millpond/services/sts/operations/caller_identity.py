"""Who signed this request, and whose key is that."""

import re

from millpond.operation import CommonFault, Context, Request, Response, operation
from millpond.services import iam

_KEY_ID = re.compile(r"(AKIA|ASIA)[A-Z2-7]{16}")


@operation(authorized=False)
def get_caller_identity(ctx: Context, _request: Request) -> Response:
    """Everyone with valid credentials may ask, even where a policy denies it (API reference, GetCallerIdentity)."""
    return {"UserId": ctx.caller.user_id, "Account": ctx.caller.account, "Arn": ctx.caller.arn}


@operation()
def get_access_key_info(ctx: Context, request: Request) -> Response:
    """The account of a key, active or not. ValidationError for what is no key id or belongs to nobody."""
    key_id = request["AccessKeyId"]
    account = iam.account_of_key(ctx.transaction, key_id) if _KEY_ID.fullmatch(key_id) else None
    if account is None:
        raise CommonFault("ValidationError", f"Invalid AccessKeyId: {key_id}")
    return {"Account": account}
