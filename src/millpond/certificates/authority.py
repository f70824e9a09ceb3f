"""An installation's certificate authority, kept in a directory: its key sealed, its certificate for everybody.

    authority.pem          what clients trust (AWS_CA_BUNDLE)
    authority.key.sealed   its private key, sealed by the vault
    <servers>.pem .key     a server certificate and its private key (0600)

Keys are made once and certificates renewed for them: whatever moment a crash picks, a certificate fits its key.
"""

import hashlib
import os
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Self

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import Certificate, load_pem_x509_certificate

from millpond.certificates import x509
from millpond.store import Vault
from millpond.store.vault import VaultError

_PURPOSE = "certificate-authority"


class CertificateError(Exception):
    """The authority cannot be used or written; the text says why and names the fix."""


class CertificateAuthority:
    """Issues server certificates. Made with `at`."""

    def __init__(self, directory: Path, key: ec.EllipticCurvePrivateKey, certificate: Certificate) -> None:
        self._directory = directory
        self._key = key
        self._issuer = certificate
        self.certificate = directory / "authority.pem"
        """What clients are to trust."""

    @classmethod
    def at(cls, directory: Path, vault: Vault, *, now: datetime) -> Self:
        """Open the authority kept in a directory, or make it there. CertificateError."""
        try:
            directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            key = _sealed_key(directory / "authority.key.sealed", vault)
            file = directory / "authority.pem"
            certificate = _certificate(file)
            if certificate is None or certificate.public_key() != key.public_key() or not _outlasts(certificate, now):
                certificate = x509.authority_certificate(key, now=now)
                _write(file, certificate.public_bytes(Encoding.PEM), mode=0o644)
        except OSError as error:
            raise _unwritable(directory, error) from error
        return cls(directory, key, certificate)

    def server_certificate(self, names: Sequence[str], *, now: datetime) -> tuple[Path, Path]:
        """Paths of a certificate for these host names, patterns (`*.web…`) and addresses, and of its key.

        The same names give the same paths. Renewed when fewer than sixty days are left, so ask again now and then, and
        load the files anew when they changed. Raises ValueError for names that cannot be certified, CertificateError.
        """
        wanted = sorted({name.lower() for name in names})
        stem = hashlib.sha256("\n".join(wanted).encode()).hexdigest()[:16]
        certificate_file, key_file = (self._directory / f"{stem}.{suffix}" for suffix in ("pem", "key"))
        try:
            key = _plain_key(key_file)
            existing = _certificate(certificate_file)
            if existing is None or not x509.still_serves(existing, key, wanted, authority=self._issuer, now=now):
                issued = x509.server_certificate(key, wanted, authority=self._issuer, authority_key=self._key, now=now)
                _write(certificate_file, issued.public_bytes(Encoding.PEM), mode=0o644)
        except OSError as error:
            raise _unwritable(self._directory, error) from error
        return certificate_file, key_file


def _outlasts(certificate: Certificate, now: datetime) -> bool:
    """An authority must live longer than what it issues."""
    return certificate.not_valid_before_utc <= now < certificate.not_valid_after_utc - x509.SERVER_LIFETIME


def _sealed_key(file: Path, vault: Vault) -> ec.EllipticCurvePrivateKey:
    try:
        sealed = file.read_bytes()
    except FileNotFoundError:
        key = x509.new_key()
        _write(file, vault.seal(x509.key_to_pem(key).decode(), _PURPOSE), mode=0o600)
        return key
    try:
        return x509.key_from_pem(vault.open(sealed, _PURPOSE).encode())
    except (VaultError, ValueError) as error:
        raise CertificateError(
            f"The certificate authority's key {file} cannot be opened: {error} Restore it together with the master "
            f"key, or delete {file.parent} to start with a new authority, which clients must then be told to trust."
        ) from error


def _plain_key(file: Path) -> ec.EllipticCurvePrivateKey:
    try:
        return x509.key_from_pem(file.read_bytes())
    except (FileNotFoundError, ValueError):
        key = x509.new_key()
        _write(file, x509.key_to_pem(key), mode=0o600)
        return key


def _certificate(file: Path) -> Certificate | None:
    try:
        return load_pem_x509_certificate(file.read_bytes())
    except (FileNotFoundError, ValueError):
        return None


def _write(file: Path, content: bytes, *, mode: int) -> None:
    """Whole or not at all, on the disk when it returns."""
    unfinished = file.with_name(f".{file.name}.new")
    unfinished.unlink(missing_ok=True)
    descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
    with os.fdopen(descriptor, "wb") as stream:
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())
    unfinished.replace(file)


def _unwritable(directory: Path, error: OSError) -> CertificateError:
    return CertificateError(
        f"The certificates in {directory} cannot be read or written: {error.strerror}. Check that the directory "
        "belongs to the user who runs Millpond and that its disk is not full."
    )
