"""A browser's request, read; and what it is answered."""

from collections.abc import Mapping

import msgspec

from millpond.visit import Session, Visitor


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """One request of a browser. Of repeated fields the first counts."""

    method: str
    path: str
    """Decoded, without the query."""
    target: str
    """Path and query as they were sent, to come back to."""
    query: Mapping[str, str]
    form: Mapping[str, str]
    headers: Mapping[str, str]
    """Names in lower case."""
    cookies: Mapping[str, str]
    visitor: Visitor
    secure: bool
    """Whether it came over TLS."""
    token: str = ""
    """The cookie of the page's realm: a session's, a journey's, or one that only ties forms to this browser."""
    csrf: str = ""
    """What forms on the answer carry."""
    session: Session | None = None

    @property
    def signed_in(self) -> Session:
        """The session, on pages that are shown to those signed in only."""
        assert self.session is not None, "the route asks for a session"
        return self.session

    def field(self, name: str) -> str:
        """A field of the form, trimmed; empty when it was not sent."""
        return self.form.get(name, "").strip()


class Response(msgspec.Struct, frozen=True, kw_only=True):
    """One answer. `token` is the realm's cookie from now on: a new one, or nothing (empty) to forget it."""

    status: int = 200
    body: bytes = b""
    content_type: str = "text/html; charset=utf-8"
    location: str = ""
    token: str | None = None
    retry_after: int = 0
    form_targets: tuple[str, ...] = ()
    """Further origins that the page's forms may lead to."""
    cacheable: bool = False


def see_other(location: str, *, token: str | None = None) -> Response:
    """Answer a form: go and look there."""
    return Response(status=303, location=location, token=token)
