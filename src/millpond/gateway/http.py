"""What the gateway reads and answers: a request and a response of HTTP, as they were on the wire.

Nothing here is decoded: the path and the query stay the bytes that the client signed.
"""

import msgspec


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """One HTTP request, read to its end."""

    method: str
    raw_path: bytes
    """The path as sent, percent-encoding kept, without the query."""
    raw_query: bytes
    """What follows the question mark, as sent."""
    headers: tuple[tuple[str, str], ...]
    """Names lower-cased, values as sent; order and duplicates kept."""
    body: bytes
    source_ip: str = "127.0.0.1"
    secure: bool = False
    """Whether it came over TLS."""
    vpc: str = ""
    """The VPC that it came from, when it came from inside one: `source_ip` is an address of its then."""

    def header(self, name: str) -> str | None:
        """Return the first value of a header, None when it was not sent. `name` is lower case."""
        for each, value in self.headers:
            if each == name:
                return value
        return None

    def headers_named(self, name: str) -> list[str]:
        """Return every value of a header, in the order sent. `name` is lower case."""
        return [value for each, value in self.headers if each == name]


def headers_by_name(request: Request) -> dict[str, str]:
    """Return the headers by name; one that came several times is a list, as HTTP says (RFC 9110, section 5.3)."""
    found: dict[str, str] = {}
    for name, value in request.headers:
        found[name] = f"{found[name]}, {value}" if name in found else value
    return found


class Response(msgspec.Struct, frozen=True, kw_only=True):
    """One HTTP response, whole."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes
