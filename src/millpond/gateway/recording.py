"""What the audit record is told of a request: built here, kept by the recorder that `app` hands in."""

from datetime import datetime

import msgspec
from sqlalchemy import Connection

from millpond.aws.faults import CommonFault, Fault
from millpond.gateway.authenticate import Signer
from millpond.gateway.authorize import Origin
from millpond.gateway.http import Request
from millpond.gateway.route import Found, Route
from millpond.gateway.signature import presented
from millpond.operation import Attempt, Caller, Identity, is_named_like_a_reader

ANONYMOUS = Caller(account="", arn="anonymous", user_id="anonymous", kind="Anonymous", access_key_id="")
_LONGEST_KEY = 128
_LONGEST_REGION = 32


def suspect(request: Request, identity: Identity, transaction: Connection, *, region: str) -> Signer:
    """Who a request that failed to prove it claims to come from: the key, and the account that owns such a key.

    `region` is told where the request claims none.
    """
    try:
        claim = presented(request)
    except CommonFault:
        return Signer(caller=ANONYMOUS, region=region)
    key = claim.access_key_id[:_LONGEST_KEY]
    credential = identity.credential(transaction, key)
    account = credential.caller.account if credential is not None else ""
    return Signer(
        caller=msgspec.structs.replace(ANONYMOUS, account=account, access_key_id=key),
        region=claim.region[:_LONGEST_REGION],
    )


def unperformed(
    route: Route,
    request: Request,
    *,
    origin: Origin,
    signer: Signer,
    request_id: str,
    now: datetime,
    fault: Fault,
) -> Attempt:
    """A request that did not get as far as its operation."""
    if isinstance(route, Found):
        source, name, reads_only = route.service.name, route.operation.name, route.operation.reads_only
    else:
        source, name, reads_only = route.service, route.name, is_named_like_a_reader(route.name)
    return Attempt(
        request_id=request_id,
        at=now,
        source=source,
        name=name,
        caller=signer.caller,
        region=signer.region,
        source_ip=origin.source_ip,
        user_agent=origin.user_agent,
        reads_only=reads_only,
        size=len(request.body),
        error_code=fault.code,
        error_message=fault.message,
    )
