"""Portal sessions: what a directory user has after signing in, and the bearer tokens for it.

A session lasts eight hours, AWS's default. A client that registered scopes gets access tokens of an hour and a refresh
token, good for one exchange, until the session ends; the others one access token for the whole session.
"""

from datetime import datetime, timedelta

import msgspec
from sqlalchemy import Connection

from millpond.kernel import ids
from millpond.kernel.digests import token_digest
from millpond.operation import Caller, Context
from millpond.services.sso.records.clients import Client
from millpond.services.sso.records.directory import User
from millpond.services.sso.records.tokens import PortalSession, Token, TokenKind
from millpond.services.sso.tables import directory, instances, tokens

SESSION_LENGTH = timedelta(hours=8)
_ACCESS_LENGTH = timedelta(hours=1)
_RACE = timedelta(seconds=10)
"""Two processes of one user may try the same refresh token at once; the later one is refused, no more."""


class IssuedTokens(msgspec.Struct, frozen=True, kw_only=True):
    """Tokens in the clear: handed out once, kept nowhere."""

    access_token: str
    expires_in: int
    """Seconds."""
    refresh_token: str = ""


class SignedIn(msgspec.Struct, frozen=True, kw_only=True):
    """What a bearer token stands for."""

    session: PortalSession
    user: User


class RefusedRefreshError(Exception):
    """A refresh token that is not good: unknown, used before, another client's, or its session has ended."""


def open_portal_session(transaction: Connection, user: User, now: datetime) -> str:
    """Sign a user in to the access portal itself; returns the bearer token that the portal API takes."""
    session = open_session(transaction, user, client_id="", now=now)
    return _new_token(transaction, session, kind="access", now=now, expires_at=session.ends_at)


def open_session(transaction: Connection, user: User, *, client_id: str, now: datetime) -> PortalSession:
    """Begin a session of an enabled user for a client."""
    instance = instances.by_identity_store(transaction, user.identity_store_id)
    assert instance is not None, "every directory belongs to an instance"
    tokens.forget_ended_before(transaction, now)
    session = PortalSession(
        id=ids.token(16),
        instance_id=instance.id,
        user_id=user.id,
        client_id=client_id,
        created_at=now,
        ends_at=now + SESSION_LENGTH,
    )
    tokens.insert_session(transaction, session)
    return session


def issue_tokens(transaction: Connection, session: PortalSession, client: Client, now: datetime) -> IssuedTokens:
    """An access token, and where the client registered scopes a refresh token."""
    if not client.may_refresh:
        access = _new_token(transaction, session, kind="access", now=now, expires_at=session.ends_at)
        return IssuedTokens(access_token=access, expires_in=_seconds(session.ends_at - now))
    expires_at = min(now + _ACCESS_LENGTH, session.ends_at)
    return IssuedTokens(
        access_token=_new_token(transaction, session, kind="access", now=now, expires_at=expires_at),
        expires_in=_seconds(expires_at - now),
        refresh_token=_new_token(transaction, session, kind="refresh", now=now, expires_at=session.ends_at),
    )


def refresh(ctx: Context, refresh_token: str, client: Client) -> IssuedTokens:
    """Exchange a refresh token for the next tokens.

    RefusedRefreshError otherwise; a token that was exchanged before ends the whole session, because one of the two who
    hold it stole it (RFC 9700, section 4.14.2). That must be committed.
    """
    transaction, now = ctx.transaction, ctx.now
    found = tokens.token(transaction, token_digest(refresh_token))
    if found is None or found.kind != "refresh":
        raise RefusedRefreshError
    session = tokens.session(transaction, found.session_id)
    if session is None or session.client_id != client.id:
        raise RefusedRefreshError
    if found.used_at is not None:
        if now - found.used_at > _RACE:
            tokens.end_session(transaction, session.id)
        raise RefusedRefreshError
    user = _enabled(transaction, session)
    if session.ends_at <= now or user is None:
        raise RefusedRefreshError
    recognise(ctx, user)
    tokens.replace_token(transaction, msgspec.structs.replace(found, used_at=now))
    return issue_tokens(transaction, session, client, now)


def signed_in(transaction: Connection, access_token: str, now: datetime) -> SignedIn | None:
    """Whose access token it is; None when it is none, has expired, or its user is gone or disabled."""
    found = tokens.token(transaction, token_digest(access_token))
    if found is None or found.kind != "access" or found.expires_at <= now:
        return None
    session = tokens.session(transaction, found.session_id)
    user = _enabled(transaction, session) if session is not None else None
    return SignedIn(session=session, user=user) if session is not None and user is not None else None


def recognise(ctx: Context, user: User) -> None:
    """Say that an unsigned call is this user's, for the audit record."""
    instance = instances.by_identity_store(ctx.transaction, user.identity_store_id)
    assert instance is not None, "every directory belongs to an instance"
    ctx.recognise(
        Caller(
            account=instance.account,
            arn=instance.identity_store_arn,
            user_id=user.id,
            kind="IdentityCenterUser",
            access_key_id="",
            name=user.name,
        )
    )


def sign_out(transaction: Connection, session: PortalSession) -> None:
    """End a session with all its tokens."""
    tokens.end_session(transaction, session.id)


def _enabled(transaction: Connection, session: PortalSession) -> User | None:
    user = directory.user(transaction, session.user_id)
    return user if user is not None and user.status == "ENABLED" else None


def _new_token(
    transaction: Connection, session: PortalSession, *, kind: TokenKind, now: datetime, expires_at: datetime
) -> str:
    token = ids.token(48)
    record = Token(
        digest=token_digest(token),
        kind=kind,
        session_id=session.id,
        created_at=now,
        expires_at=expires_at,
    )
    tokens.insert_token(transaction, record)
    return token


def _seconds(length: timedelta) -> int:
    return int(length.total_seconds())
