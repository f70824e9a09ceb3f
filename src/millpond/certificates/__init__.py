"""A private certificate authority and the server certificates it issues. Knows nothing of who serves with them."""

from millpond.certificates.authority import CertificateAuthority, CertificateError
from millpond.certificates.names import server_names

__all__ = ["CertificateAuthority", "CertificateError", "server_names"]
