"""Key pairs: public keys under a name. A private key is shown once and kept nowhere."""

from datetime import datetime
from typing import ClassVar

from millpond.services.ec2 import kinds
from millpond.services.ec2.records.record import Record


class KeyPair(Record, frozen=True, kw_only=True):
    """A key pair."""

    KIND: ClassVar = kinds.KEY_PAIR

    name: str
    type: str
    """`rsa` or `ed25519`."""
    fingerprint: str
    public_key: str
    """As OpenSSH writes it, without a comment."""
    created_at: datetime
