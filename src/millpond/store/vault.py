"""Secrets at rest: AES-256-GCM under a key file which lies outside the database."""

import os
import stat
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

_VERSION = b"\x01"
_NONCE = 12


class VaultError(Exception):
    """The key file is missing, unsafe, or not the one a secret was sealed with; the text names the fix."""


class Vault:
    """Seals and opens small secrets. `purpose` (say `access-key/AKIA…`) is bound in, so rows cannot be swapped."""

    def __init__(self, key: bytes) -> None:
        self._key = key
        self._aead = AESGCM(key)

    @classmethod
    def at(cls, path: Path, *, create: bool) -> "Vault":
        """Read the master key, or make it (mode 0600) when `create` and there is none."""
        if not path.exists():
            if not create:
                raise VaultError(
                    f"The master key {path} is missing; restore it from your backup of the home directory."
                )
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "wb") as file:
                file.write(AESGCM.generate_key(256))
                file.flush()
                os.fsync(file.fileno())
        mode = stat.S_IMODE(path.stat().st_mode)
        if mode & 0o077:
            raise VaultError(f"The master key {path} can be read by others; run: chmod 600 {path}")
        key = path.read_bytes()
        if len(key) != 32:
            raise VaultError(f"The master key {path} is damaged: 32 bytes expected, {len(key)} found.")
        return cls(key)

    def seal(self, secret: str, purpose: str) -> bytes:
        """Version, nonce, ciphertext with tag."""
        nonce = os.urandom(_NONCE)
        return _VERSION + nonce + self._aead.encrypt(nonce, secret.encode(), purpose.encode())

    def open(self, sealed: bytes, purpose: str) -> str:
        """Open what `seal` made for the same purpose; VaultError when key or purpose differ."""
        nonce, ciphertext = sealed[1 : 1 + _NONCE], sealed[1 + _NONCE :]
        try:
            return self._aead.decrypt(nonce, ciphertext, purpose.encode()).decode()
        except InvalidTag as error:
            raise VaultError(
                "A secret could not be opened: the master key is not the one it was sealed with."
            ) from error

    def derive(self, purpose: str) -> str:
        """A password of Millpond's own that need not be stored: the same for the same purpose (HKDF, RFC 5869)."""
        return HKDF(algorithm=hashes.SHA256(), length=32, salt=None, info=purpose.encode()).derive(self._key).hex()
