"""Keeps the public keys of OpenID Connect issuers at hand, so that no operation waits for the network.

An issuer is fetched when a provider is created and every few minutes after: `/.well-known/openid-configuration`, then
its `jwks_uri` (OpenID Connect Discovery 1.0, section 4).
"""

import asyncio
from collections.abc import Callable, Collection, Iterable
from datetime import datetime, timedelta
from typing import Any

import msgspec

from millpond.kernel import log
from millpond.kernel.clock import Clock
from millpond.reconcile.loop import Outcome
from millpond.services.iam.records import OidcKeySet
from millpond.services.iam.tables import providers
from millpond.store import Store

Fetch = Callable[[str, Collection[str]], bytes]
"""Read an https URL, given the thumbprints pinned for it; OSError or ValueError in words when that cannot be done."""

_FRESH = timedelta(minutes=5)
_LOG = log.get(__name__)


class OidcKeys:
    """Implements `reconcile.loop.Controller`; a key is an issuer's URL without its scheme."""

    name = "oidc-keys"

    def __init__(self, store: Store, clock: Clock, fetch: Fetch) -> None:
        self._store = store
        self._clock = clock
        self._fetch = fetch

    def keys(self) -> Iterable[str]:
        with self._store.read() as transaction:
            return providers.oidc_urls(transaction)

    async def reconcile(self, key: str) -> Outcome:
        return await asyncio.to_thread(self._refresh, key)

    def _refresh(self, url: str) -> Outcome:
        now = self._clock.now()
        with self._store.read() as transaction:
            if url not in providers.oidc_urls(transaction):
                return Outcome(why="no account trusts this issuer any more", gone=True)
            known = providers.oidc_key_set(transaction, url)
            thumbprints = providers.oidc_thumbprints(transaction, url)
        if known is not None and now - known.fetched_at < _FRESH:
            return Outcome(why="the keys are fresh")
        try:
            fetched = self._fetched(url, thumbprints, now)
        except (OSError, ValueError) as error:
            _LOG.warning("issuer.unreachable", issuer=url, reason=str(error))
            return Outcome(why=f"the keys could not be fetched: {error}", trouble=True)
        with self._store.begin() as transaction:
            providers.put_oidc_keys(transaction, fetched)
        return Outcome(why="fetched the keys")

    def _fetched(self, url: str, thumbprints: Collection[str], now: datetime) -> OidcKeySet:
        described = _object(self._fetch(f"https://{url}/.well-known/openid-configuration", thumbprints))
        if str(described.get("issuer", "")).rstrip("/") != f"https://{url}":
            raise ValueError("the discovery document names another issuer")
        keys = self._fetch(str(described.get("jwks_uri", "")), thumbprints)
        if not isinstance(_object(keys).get("keys"), list):
            raise ValueError("the key set has no keys")  # noqa: TRY004 - it is the value that is wrong
        return OidcKeySet(url=url, keys=keys.decode(), fetched_at=now)


def _object(content: bytes) -> dict[str, Any]:
    try:
        return msgspec.json.decode(content, type=dict[str, Any])
    except msgspec.DecodeError as error:
        raise ValueError("the answer is no JSON object") from error
