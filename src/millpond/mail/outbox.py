"""Putting messages into the outbox, and reading it as the operator does."""

from collections.abc import Sequence
from datetime import datetime
from typing import Literal

import msgspec
from sqlalchemy import Connection

from millpond.kernel import ids
from millpond.mail import tables
from millpond.mail.records import Channel, Letter, Message
from millpond.store import Vault


class Opened(msgspec.Struct, frozen=True, kw_only=True):
    """A message as the operator sees it."""

    id: str
    channel: Channel
    recipient: str
    subject: str
    body: str
    """Empty once it was delivered."""
    created_at: datetime
    state: Literal["waiting", "delivered", "given up"]
    last_error: str


def queue(
    transaction: Connection,
    vault: Vault,
    *,
    recipient: str,
    subject: str,
    body: str,
    now: datetime,
    channel: Channel = "mail",
) -> str:
    """Write a message, in the transaction of what causes it. Returns the key to wake `CONTROLLER` with.

    ValueError when recipient or subject hold a line break: they become header lines.
    """
    if any(ord(char) < 32 or ord(char) == 127 for char in recipient + subject):
        raise ValueError("Neither recipient nor subject of a message may hold control characters.")
    message_id = ids.token(18)
    tables.insert(
        transaction,
        Message(
            id=message_id,
            channel=channel,
            recipient=recipient,
            subject=subject,
            body=vault.seal(body, _purpose(message_id)),
            created_at=now,
            next_attempt_at=now,
        ),
    )
    return message_id


def letter(vault: Vault, message: Message) -> Letter:
    """A message in the clear, for a sender."""
    return Letter(
        id=message.id,
        recipient=message.recipient,
        subject=message.subject,
        body=vault.open(message.body, _purpose(message.id)),
        written_at=message.created_at,
    )


def opened(transaction: Connection, vault: Vault, *, limit: int = 100) -> Sequence[Opened]:
    """The newest messages, in the clear: for the operator alone."""
    return [
        Opened(
            id=each.id,
            channel=each.channel,
            recipient=each.recipient,
            subject=each.subject,
            body=vault.open(each.body, _purpose(each.id)) if each.body else "",
            created_at=each.created_at,
            state="delivered" if each.delivered_at else "given up" if each.given_up_at else "waiting",
            last_error=each.last_error,
        )
        for each in tables.newest(transaction, limit)
    ]


def _purpose(message_id: str) -> str:
    return f"mail/{message_id}"
