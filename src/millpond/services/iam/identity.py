"""IAM as the edge sees it: whose key is this, and may they do that. Decisions follow every change at once.

What is cached is keyed by the revision that every change of IAM's records replaces, read in the caller's own
transaction: a stale answer cannot be given. Uses of keys are buffered and written by `flush`.
"""

import threading
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Connection

from millpond.operation import Caller, Credential, Verdict
from millpond.services.iam import credentials
from millpond.services.iam.decision import Question, decide, decide_trust
from millpond.services.iam.documents import current_trust
from millpond.services.iam.permissions import Permissions, permissions_of
from millpond.services.iam.records import AccessKey, Role, Session, User
from millpond.services.iam.tables import keys, principals, rows
from millpond.store import Vault

_MOST_CACHED = 4096
_TRUST_ACTIONS = frozenset({"sts:AssumeRole", "sts:TagSession", "sts:SetSourceIdentity"})


class KeyUse(msgspec.Struct, frozen=True, kw_only=True):
    """One use of a key: when, in which region, for which service; `role_id` when a role was used with it."""

    at: datetime
    region: str
    service: str
    role_id: str = ""


class _Remembered:
    """What was found at one revision."""

    def __init__(self, revision: str) -> None:
        self.revision = revision
        self.credentials: dict[str, Credential] = {}
        self.permissions: dict[tuple[str, str, str], Permissions] = {}

    def is_full(self) -> bool:
        return max(len(self.credentials), len(self.permissions)) >= _MOST_CACHED


class IamIdentity:
    """Implements `operation.Identity` over IAM's tables."""

    def __init__(self, vault: Vault) -> None:
        self._vault = vault
        self._remembered = _Remembered("")
        self._uses: dict[str, KeyUse] = {}
        self._uses_lock = threading.Lock()

    def credential(self, transaction: Connection, access_key_id: str) -> Credential | None:
        """What a key stands for; None when it is unknown or its principal is gone."""
        remembered = self._at_current_revision(transaction)
        known = remembered.credentials.get(access_key_id)
        if known is None:
            known = _find_credential(transaction, self._vault, access_key_id)
            if known is not None:
                remembered.credentials[access_key_id] = known
        return known

    def authorize(
        self,
        transaction: Connection,
        caller: Caller,
        action: str,
        resource: str,
        context: Mapping[str, Any],
    ) -> Verdict:
        """Decide one action on one resource; to the keys in `context` IAM adds the caller's own."""
        permissions = self._permissions(transaction, caller)
        self._note(caller, permissions, action, context)
        role = _role_to_assume(transaction, action, resource)
        if caller.kind == "Root" and not permissions.restricted and not action.startswith("sts:AssumeRole"):
            return Verdict(allowed=True)
        keys = dict(context)
        if permissions.mfa_at is not None and (now := _asked_at(context)) is not None:
            keys["aws:MultiFactorAuthAge"] = int(now.timestamp() - permissions.mfa_at.timestamp())
        question = Question(
            action=action,
            resource=resource,
            context=keys,
            trust=current_trust(transaction, role) if role else None,
            resource_account=role.account if role else caller.account,
        )
        return decide(caller, permissions, question)

    def note_use(self, access_key_id: str, use: KeyUse) -> None:
        """Remember the last use of a key until the next `flush`."""
        with self._uses_lock:
            self._uses[access_key_id] = use

    def has_uses(self) -> bool:
        """Whether there is something to flush."""
        return bool(self._uses)

    def flush(self, transaction: Connection) -> int:
        """Write the uses noted since the last time: one small write for many requests. Returns how many keys."""
        with self._uses_lock:
            uses, self._uses = self._uses, {}
        for key_id, use in uses.items():
            keys.note_use(transaction, key_id, at=use.at, region=use.region, service=use.service)
            if use.role_id:
                keys.note_role_use(transaction, use.role_id, at=use.at, region=use.region)
        return len(uses)

    def _note(self, caller: Caller, permissions: Permissions, action: str, context: Mapping[str, Any]) -> None:
        now = _asked_at(context)
        if now is not None and caller.access_key_id:
            use = KeyUse(
                at=now,
                region=str(context.get("aws:RequestedRegion", "")),
                service=action.partition(":")[0],
                role_id=permissions.role_id,
            )
            self.note_use(caller.access_key_id, use)

    def _permissions(self, transaction: Connection, caller: Caller) -> Permissions:
        remembered = self._at_current_revision(transaction)
        key = (caller.arn, caller.user_id, caller.session)
        known = remembered.permissions.get(key)
        if known is None:
            known = remembered.permissions[key] = permissions_of(transaction, caller)
        return known

    def _at_current_revision(self, transaction: Connection) -> _Remembered:
        revision = rows.revision(transaction)
        remembered = self._remembered
        if remembered.revision != revision or remembered.is_full():
            remembered = self._remembered = _Remembered(revision)
        return remembered


def trusts(transaction: Connection, role: Role, *, principal: str, action: str, context: Mapping[str, Any]) -> bool:
    """Whether a role's trust policy lets a principal from outside (a service, a provider) do `action` to it."""
    trust = current_trust(transaction, role)
    return decide_trust(trust, principal=principal, action=action, role_arn=role.arn, context=context).is_allowed


def _find_credential(transaction: Connection, vault: Vault, access_key_id: str) -> Credential | None:
    if (key := keys.access_key(transaction, access_key_id)) is not None and _is_open(transaction, key.account):
        return _long_term(transaction, vault, key)
    if (session := keys.session(transaction, access_key_id)) is not None and _is_open(transaction, session.account):
        return _temporary(transaction, vault, session)
    return None


def _is_open(transaction: Connection, account_id: str) -> bool:
    account = principals.account(transaction, account_id)
    return account is not None and account.closed_at is None


def _long_term(transaction: Connection, vault: Vault, key: AccessKey) -> Credential | None:
    caller = _user_or_root(transaction, account=key.account, principal_id=key.principal_id, access_key_id=key.id)
    if caller is None:
        return None
    return Credential(
        access_key_id=key.id, secret=credentials.access_key_secret(vault, key), caller=caller, active=key.active
    )


def _temporary(transaction: Connection, vault: Vault, session: Session) -> Credential | None:
    caller = _session_caller(transaction, session)
    if caller is None:
        return None
    secret, token = credentials.session_secrets(vault, session)
    return Credential(
        access_key_id=session.access_key_id,
        secret=secret,
        caller=caller,
        session_token=token,
        expires_at=session.expires_at,
    )


def _session_caller(transaction: Connection, session: Session) -> Caller | None:
    account, key_id = session.account, session.access_key_id
    match session.kind:
        case "User" | "Root":
            caller = _user_or_root(
                transaction, account=account, principal_id=session.principal_id, access_key_id=key_id
            )
            return msgspec.structs.replace(caller, session=key_id) if caller else None
        case "FederatedUser":
            owner = _user_or_root(transaction, account=account, principal_id=session.principal_id, access_key_id=key_id)
            if owner is None:
                return None
            return Caller(
                account=account,
                arn=f"arn:aws:sts::{account}:federated-user/{session.name}",
                user_id=f"{account}:{session.name}",
                kind="FederatedUser",
                access_key_id=key_id,
                name=session.name,
                session=key_id,
            )
        case "AssumedRole":
            role = principals.by_id(transaction, Role, session.principal_id)
            if role is None:
                return None
            return Caller(
                account=account,
                arn=f"arn:aws:sts::{account}:assumed-role/{role.name}/{session.name}",
                user_id=f"{role.id}:{session.name}",
                kind="AssumedRole",
                access_key_id=key_id,
                name=session.name,
                role_arn=role.arn,
                session=key_id,
            )


def _user_or_root(transaction: Connection, *, account: str, principal_id: str, access_key_id: str) -> Caller | None:
    if principal_id == account:
        return Caller(
            account=account,
            arn=f"arn:aws:iam::{account}:root",
            user_id=account,
            kind="Root",
            access_key_id=access_key_id,
        )
    user = principals.by_id(transaction, User, principal_id)
    if user is None:
        return None
    return Caller(
        account=account, arn=user.arn, user_id=user.id, kind="User", access_key_id=access_key_id, name=user.name
    )


def _role_to_assume(transaction: Connection, action: str, resource: str) -> Role | None:
    """The role that these actions are about, whose trust policy then has a say."""
    if action not in _TRUST_ACTIONS:
        return None
    return principals.role_by_arn(transaction, resource)


def _asked_at(context: Mapping[str, Any]) -> datetime | None:
    written = context.get("aws:CurrentTime")
    return datetime.fromisoformat(written) if isinstance(written, str) else None
