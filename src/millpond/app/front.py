"""One origin for people and programs: the paths of pages go to the pages, everything else to the AWS API."""

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from millpond.pages.site import Pages

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]


class Front:
    """The ASGI application of the listener."""

    def __init__(self, *, pages: Pages, api: Application) -> None:
        self._pages = pages
        self._api = api

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and self._is_for_people(scope):
            await self._pages(scope, receive, send)
        else:
            await self._api(scope, receive, send)

    def _is_for_people(self, scope: Scope) -> bool:
        """`/` is the API's too: there a browser is known by what it accepts, and by bringing no query."""
        if scope["path"] != "/":
            return self._pages.owns(scope["path"])
        if scope["method"] not in {"GET", "HEAD"} or scope["query_string"]:
            return False
        headers = dict(scope["headers"])
        return b"text/html" in headers.get(b"accept", b"") and b"authorization" not in headers
