"""Certificates as TLS clients see them."""

import asyncio
import ssl
import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from millpond.certificates import CertificateAuthority, CertificateError, server_names
from millpond.store import Vault

# The ssl module asks the machine's clock, so tests of handshakes begin today.
NOW = datetime.now(UTC)
ONE = b"1" * 32
OTHER = b"2" * 32


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    return tmp_path / "certificates"


def authority(directory: Path, *, key: bytes = ONE, now: datetime = NOW) -> CertificateAuthority:
    return CertificateAuthority.at(directory, Vault(key), now=now)


async def handshake(files: tuple[Path, Path], trusted: Path, host: str) -> None:
    """Connect to 127.0.0.1 expecting `host`, as a client that trusts `trusted` alone."""
    serving = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    serving.load_cert_chain(*files)

    async def serve(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=serving)
    try:
        client = ssl.create_default_context(cafile=str(trusted))
        client.verify_flags |= ssl.VERIFY_X509_STRICT
        _, writer = await asyncio.open_connection(
            "127.0.0.1", server.sockets[0].getsockname()[1], ssl=client, server_hostname=host
        )
        writer.close()
        await writer.wait_closed()
    finally:
        server.close()
        await server.wait_closed()


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "a.web.a1b2c3.use1.cache.millpond.test"])
async def test_given_a_client_that_trusts_the_authority_then_each_name_is_accepted(directory: Path, host: str):
    made = authority(directory)
    files = made.server_certificate(["localhost", "127.0.0.1", "*.web.a1b2c3.use1.cache.millpond.test"], now=NOW)
    await handshake(files, made.certificate, host)


@pytest.mark.parametrize("host", ["example.com", "127.0.0.2", "a.b.web.millpond.test"])
async def test_given_another_name_then_the_client_refuses_the_server(directory: Path, host: str):
    made = authority(directory)
    files = made.server_certificate(["localhost", "127.0.0.1", "*.web.millpond.test"], now=NOW)
    with pytest.raises(ssl.SSLCertVerificationError):
        await handshake(files, made.certificate, host)


async def test_given_a_client_that_trusts_another_authority_then_it_refuses_the_server(directory: Path, tmp_path: Path):
    files = authority(directory).server_certificate(["localhost"], now=NOW)
    with pytest.raises(ssl.SSLCertVerificationError):
        await handshake(files, authority(tmp_path / "other").certificate, "localhost")


def test_given_a_restart_then_the_same_authority_and_certificate_are_used(directory: Path):
    first = authority(directory)
    files = first.server_certificate(["localhost", "127.0.0.1"], now=NOW)
    before = {each: each.read_bytes() for each in directory.iterdir()}
    again = authority(directory)
    assert again.server_certificate(["127.0.0.1", "LOCALHOST", "localhost"], now=NOW) == files
    assert {each: each.read_bytes() for each in directory.iterdir()} == before


def test_given_the_directory_then_keys_are_private_and_the_authoritys_is_sealed(directory: Path):
    made = authority(directory)
    certificate, key = made.server_certificate(["localhost"], now=NOW)
    assert stat.S_IMODE(directory.stat().st_mode) == 0o700
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    sealed = directory / "authority.key.sealed"
    assert stat.S_IMODE(sealed.stat().st_mode) == 0o600
    assert b"PRIVATE" not in sealed.read_bytes()
    assert b"PRIVATE" not in certificate.read_bytes() + made.certificate.read_bytes()


async def test_given_a_certificate_near_its_end_then_it_is_renewed_for_the_same_key(directory: Path):
    long_ago = NOW - timedelta(days=340)
    old = authority(directory, now=long_ago)
    certificate, key = old.server_certificate(["localhost"], now=long_ago)
    before, key_before = certificate.read_bytes(), key.read_bytes()
    renewed = authority(directory)
    assert renewed.server_certificate(["localhost"], now=NOW) == (certificate, key)
    assert certificate.read_bytes() != before
    assert key.read_bytes() == key_before
    await handshake((certificate, key), renewed.certificate, "localhost")


async def test_given_an_authority_near_its_end_then_it_is_renewed_and_old_certificates_stay_valid(directory: Path):
    long_ago = NOW - timedelta(days=3650 - 300)
    before = authority(directory, now=long_ago).certificate.read_bytes()
    recent = NOW - timedelta(days=250)
    old = CertificateAuthority.at(directory, Vault(ONE), now=recent)
    files = old.server_certificate(["localhost"], now=recent)
    renewed = authority(directory)
    assert renewed.certificate.read_bytes() != before
    await handshake(files, renewed.certificate, "localhost")


@pytest.mark.parametrize("lost", ["authority.pem", "server.pem", "server.key"])
@pytest.mark.parametrize("how", ["gone", "garbage"])
async def test_given_a_crash_between_two_files_then_the_next_start_has_a_pair_that_fits(
    directory: Path, lost: str, how: str
):
    certificate, key = authority(directory).server_certificate(["localhost"], now=NOW)
    file = {"authority.pem": directory / "authority.pem", "server.pem": certificate, "server.key": key}[lost]
    if how == "gone":
        file.unlink()
    else:
        file.write_bytes(b"garbage")
    again = authority(directory)
    await handshake(again.server_certificate(["localhost"], now=NOW), again.certificate, "localhost")


def test_given_another_master_key_then_the_error_names_the_fix(directory: Path):
    authority(directory)
    with pytest.raises(CertificateError, match="Restore it together with the master key"):
        authority(directory, key=OTHER)


def test_given_a_place_that_cannot_be_written_then_the_error_names_it(tmp_path: Path):
    (tmp_path / "certificates").touch()
    with pytest.raises(CertificateError, match="cannot be read or written"):
        authority(tmp_path / "certificates")


@pytest.mark.parametrize("names", [[], ["a b"], ["a", "*b.c"], ["*.*.c"], ["-a"], ["a..b"], ["*"], [""], ["x" * 64]])
def test_given_what_is_no_name_then_it_is_not_certified(directory: Path, names: list[str]):
    made = authority(directory)
    with pytest.raises(ValueError, match=r"neither an address nor a DNS name|at least one name"):
        made.server_certificate(names, now=NOW)


def test_given_an_address_to_listen_on_then_its_names_are_it_and_loopback():
    assert server_names("10.1.2.3") == ("10.1.2.3", "127.0.0.1", "::1", "localhost")
    assert "cache.example.com" in server_names("Cache.example.com")


async def test_given_every_address_of_the_machine_then_its_names_can_be_certified(directory: Path):
    made = authority(directory)
    names = server_names("0.0.0.0")
    assert {"localhost", "127.0.0.1"} <= set(names)
    assert "0.0.0.0" not in names
    await handshake(made.server_certificate(names, now=NOW), made.certificate, "127.0.0.1")


@pytest.mark.parametrize("foreign", ["rsa", "self-signed"])
def test_given_files_that_somebody_else_put_there_then_others_are_issued(directory: Path, foreign: str):
    made = authority(directory)
    certificate, key = made.server_certificate(["localhost"], now=NOW)
    if foreign == "rsa":
        other = rsa.generate_private_key(65537, 2048)
        key.write_bytes(
            other.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
        )
    else:
        certificate.write_bytes(made.certificate.read_bytes())
    before = certificate.read_bytes()
    assert made.server_certificate(["localhost"], now=NOW) == (certificate, key)
    assert certificate.read_bytes() != before
    ssl.create_default_context(ssl.Purpose.CLIENT_AUTH).load_cert_chain(certificate, key)
