"""Fetching from hosts of someone else's choosing, over real TLS on loopback."""

import datetime as dt
import hashlib
import http.server
import ssl
import threading
from collections.abc import Iterator
from ipaddress import ip_address
from pathlib import Path

import msgspec
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from millpond.services.iam import HttpsFetch


class Answers(http.server.BaseHTTPRequestHandler):
    """A small file, a redirect, and a file that is too large."""

    def do_GET(self):
        match self.path:
            case "/moved":
                self.send_response(302)
                self.send_header("Location", "/small")
                self.end_headers()
            case "/large":
                self._send(b"x" * 300_000)
            case _:
                self._send(b'{"a": 1}')

    def _send(self, content):
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_):
        pass


class Host(msgspec.Struct):
    port: int
    thumbprint: str

    def url(self, path="/small", name="localhost"):
        return f"https://{name}:{self.port}{path}"


@pytest.fixture(scope="module")
def host(tmp_path_factory) -> Iterator[Host]:
    directory: Path = tmp_path_factory.mktemp("tls")
    certificate = _certificate(directory)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answers)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(directory / "both.pem")
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield Host(port=server.server_address[1], thumbprint=hashlib.sha1(certificate).hexdigest())
    server.shutdown()
    thread.join()
    server.server_close()


def _certificate(directory: Path) -> bytes:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = dt.datetime.now(dt.UTC)
    names = x509.SubjectAlternativeName([x509.DNSName("localhost"), x509.IPAddress(ip_address("127.0.0.1"))])
    certificate = (
        x509
        .CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(names, critical=False)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (directory / "both.pem").write_bytes(private + certificate.public_bytes(Encoding.PEM))
    return certificate.public_bytes(Encoding.DER)


def test_a_pinned_host_that_the_operator_trusts_is_read(host):
    assert HttpsFetch(["localhost"])(host.url(), [host.thumbprint]) == b'{"a": 1}'


def test_a_certificate_that_nobody_vouches_for_is_refused(host):
    for thumbprints in ([], ["0" * 40]):
        with pytest.raises(OSError, match="CERTIFICATE_VERIFY_FAILED"):
            HttpsFetch(["localhost"])(host.url(), thumbprints)


def test_inner_addresses_are_refused_unless_trusted_by_name(host):
    for name in ("localhost", "127.0.0.1"):
        with pytest.raises(ValueError, match="has an inner address"):
            HttpsFetch()(host.url(name=name), [host.thumbprint])


@pytest.mark.parametrize("url", ["http://localhost/", "file:///etc/passwd", "https://a@localhost/", "https://"])
def test_only_plain_https_urls_are_read(url):
    with pytest.raises(ValueError, match="is not an https URL"):
        HttpsFetch(["localhost"])(url, [])


def test_redirects_are_not_followed(host):
    with pytest.raises(ValueError, match="answered 302"):
        HttpsFetch(["localhost"])(host.url("/moved"), [host.thumbprint])


def test_large_answers_are_refused(host):
    with pytest.raises(ValueError, match="more than"):
        HttpsFetch(["localhost"])(host.url("/large"), [host.thumbprint])
