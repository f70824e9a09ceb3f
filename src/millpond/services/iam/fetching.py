"""Reading a small https document of someone else's choosing: no other scheme, no redirect, no inner address.

The address is looked up once and checked, and the connection goes to that very address, so that a name cannot change
between check and use. Inner addresses are allowed for hosts that the operator trusts by name.
"""

import hashlib
import http.client
import socket
import ssl
from collections.abc import Collection
from ipaddress import ip_address
from urllib.parse import urlsplit

_TIMEOUT_SECONDS = 5.0
_LARGEST = 262_144


class _PinnedConnection(http.client.HTTPSConnection):
    """Connects to a given address, and verifies the certificate for the host's name."""

    def __init__(self, host: str, port: int, *, address: str, context: ssl.SSLContext) -> None:
        super().__init__(host, port, timeout=_TIMEOUT_SECONDS, context=context)
        self._address = address
        self._verifying = context

    def connect(self) -> None:
        plain = socket.create_connection((self._address, self.port), timeout=_TIMEOUT_SECONDS)
        try:
            self.sock = self._verifying.wrap_socket(plain, server_hostname=self.host)
        except BaseException:
            plain.close()
            raise


class HttpsFetch:
    """Implements `issuers.Fetch`."""

    def __init__(self, trusted_hosts: Collection[str] = ()) -> None:
        self._trusted_hosts = frozenset(trusted_hosts)

    def __call__(self, url: str, thumbprints: Collection[str]) -> bytes:
        """Read up to 256 KiB. OSError when the host cannot be reached or believed, ValueError when it may not be."""
        parts = urlsplit(url)
        if parts.scheme != "https" or not parts.hostname or "@" in parts.netloc:
            raise ValueError(f"{url} is not an https URL")
        host, port = parts.hostname, parts.port or 443
        address = self._checked_address(host, port)
        context = _context(host, port, address=address, thumbprints=thumbprints)
        connection = _PinnedConnection(host, port, address=address, context=context)
        try:
            connection.request("GET", parts.path or "/", headers={"Accept": "application/json"})
            answer = connection.getresponse()
            if answer.status != 200:
                raise ValueError(f"{host} answered {answer.status}")
            content = answer.read(_LARGEST + 1)
        except http.client.HTTPException as error:
            raise OSError(f"{host} does not speak HTTP") from error
        finally:
            connection.close()
        if len(content) > _LARGEST:
            raise ValueError(f"{host} sent more than {_LARGEST} bytes")
        return content

    def _checked_address(self, host: str, port: int) -> str:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        address = str(found[0][4][0])
        if not ip_address(address.partition("%")[0]).is_global and host not in self._trusted_hosts:
            raise ValueError(f"{host} has an inner address and is not a trusted host")
        return address


def _context(host: str, port: int, *, address: str, thumbprints: Collection[str]) -> ssl.SSLContext:
    """Verification by the system's authorities, or by the host's own certificate where its thumbprint was pinned."""
    context = ssl.create_default_context()
    if thumbprints:
        shown = _shown_certificate(host, port, address=address)
        if hashlib.sha1(shown, usedforsecurity=False).hexdigest() in thumbprints:
            context.load_verify_locations(cadata=shown)
            context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    return context


def _shown_certificate(host: str, port: int, *, address: str) -> bytes:
    """The certificate that a host shows, believed in nothing yet."""
    curious = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    curious.check_hostname = False
    curious.verify_mode = ssl.CERT_NONE
    with (
        socket.create_connection((address, port), timeout=_TIMEOUT_SECONDS) as plain,
        curious.wrap_socket(plain, server_hostname=host) as secured,
    ):
        return secured.getpeercert(binary_form=True) or b""
