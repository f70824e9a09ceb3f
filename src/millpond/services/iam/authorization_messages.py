"""Details of a refusal, sealed: some services (EC2) hand them out for `sts:DecodeAuthorizationMessage` to open."""

import base64
import binascii
import json
from collections.abc import Mapping
from typing import Any

from millpond.store import Vault
from millpond.store.vault import VaultError


def encoded_authorization_message(vault: Vault, account: str, details: Mapping[str, Any]) -> str:
    """Seal the details for one account."""
    return base64.urlsafe_b64encode(vault.seal(json.dumps(details), _purpose(account))).decode()


def decoded_authorization_message(vault: Vault, account: str, message: str) -> str | None:
    """Open what was sealed for this account; None for anything else."""
    try:
        return vault.open(base64.b64decode(message.encode(), altchars=b"-_", validate=True), _purpose(account))
    except (VaultError, binascii.Error, ValueError):
        return None


def _purpose(account: str) -> str:
    return f"authorization-message/{account}"
