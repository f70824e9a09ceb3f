"""Who signed a request: joins the claim in it, the credential that IAM holds, and the pure check of the signature.

An access key that does not exist, one that is inactive and one of another installation are told alike, after the same
work, so that the answer betrays nothing. Source: the IAM user guide, "Troubleshoot Signature Version 4 signing".
"""

import re
from collections.abc import Collection
from contextlib import suppress
from datetime import datetime
from typing import Protocol

import msgspec
from sqlalchemy import Connection

from millpond.aws.faults import CommonFault
from millpond.gateway.http import Request
from millpond.gateway.signature import presented, verify
from millpond.operation import Caller, Identity

_REGION = re.compile(r"[a-z]{2}(-[a-z]+)+-\d", re.ASCII)
_NOBODY = "0" * 40
"""Stands in for the secret of a key that does not exist; what it verifies is refused all the same."""


class Signer(msgspec.Struct, frozen=True, kw_only=True):
    """Who signed, and for which region."""

    caller: Caller
    region: str


class Authenticator(Protocol):
    """Finds out who signed a request."""

    def __call__(
        self, transaction: Connection, request: Request, *, services: Collection[str] | None, now: datetime
    ) -> Signer:
        """Return the signer. `services` are the words a credential scope may name here; None allows any.

        Raises CommonFault with the codes of the query protocols.
        """
        ...


class SignatureAuthenticator:
    """Authenticates by Signature Version 4."""

    def __init__(self, identity: Identity) -> None:
        self._identity = identity

    def __call__(
        self, transaction: Connection, request: Request, *, services: Collection[str] | None, now: datetime
    ) -> Signer:
        """See `Authenticator`. Any region of AWS's shape is served, so only the shape of it is checked."""
        claim = presented(request)
        credential = self._identity.credential(transaction, claim.access_key_id)
        if credential is None or not credential.active:
            with suppress(CommonFault):
                verify(request, claim, secret=_NOBODY, session_token=claim.session_token, services=services, now=now)
            raise CommonFault(
                "InvalidClientTokenId", "The security token included in the request is invalid.", status=403
            )
        verify(
            request,
            claim,
            secret=credential.secret,
            session_token=credential.session_token,
            services=services,
            now=now,
        )
        if credential.expires_at is not None and credential.expires_at <= now:
            raise CommonFault("ExpiredToken", "The security token included in the request is expired", status=403)
        if not _REGION.fullmatch(claim.region):
            raise CommonFault("SignatureDoesNotMatch", "Credential should be scoped to a valid region.", status=403)
        return Signer(caller=credential.caller, region=claim.region)
