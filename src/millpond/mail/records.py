"""What lies in the outbox, sealed, and what a sender is handed, opened."""

from datetime import datetime
from typing import Literal

import msgspec

Channel = Literal["mail", "text"]
"""`text` is a text message or a voice call: which of the two is the operator's sender to decide."""


class Message(msgspec.Struct, frozen=True, kw_only=True):
    """One message; field names are the columns of `tables`."""

    id: str
    channel: Channel
    recipient: str
    subject: str
    body: bytes
    """Plain text sealed for `mail/<id>`; empty once it was delivered, because it may hold a code."""
    created_at: datetime
    attempts: int = 0
    next_attempt_at: datetime
    last_error: str = ""
    delivered_at: datetime | None = None
    given_up_at: datetime | None = None


class Letter(msgspec.Struct, frozen=True, kw_only=True):
    """A message in the clear, on its way out."""

    id: str
    recipient: str
    subject: str
    body: str
    written_at: datetime
