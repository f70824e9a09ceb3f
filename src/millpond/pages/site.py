"""The ASGI application: finds the page, passes it through the guard, answers; never shows a traceback."""

from collections.abc import Callable
from urllib.parse import quote, urlsplit

import msgspec

from millpond.kernel import ids, log
from millpond.operation import Fault
from millpond.pages import asgi, drawing, guard
from millpond.pages.asgi import Receive, Scope, Send, Unreadable
from millpond.pages.http import Request, Response, see_other
from millpond.pages.routes import ROUTES, Route
from millpond.pages.spec import Site
from millpond.visit import MustConfirm, Realm, Refused

_LOG = log.get("pages")
_CONFIRMATION = {"console": ("/signin/confirm", "/account/security"), "portal": ("/start/confirm", "/start/security")}
"""Where password and code are shown once more, and where a form that needed it is found again."""
_ALLOWED_WHILE_CHANGING = frozenset({"/signin/new-password", "/signout"})


class Pages:
    """Every page of one installation."""

    def __init__(self, site: Site, *, key: bytes, is_own_name: Callable[[str], bool], public_url: str = "") -> None:
        """`key` ties forms to browsers; `is_own_name` tells whether a Host header names this server.

        Under `public_url`, where TLS may end before it comes here, requests are taken for what its scheme says.
        """
        parts = urlsplit(public_url)
        self._secure_host = parts.netloc.lower() if parts.scheme == "https" else ""
        self._site = site
        self._key = key
        self._is_own_name = is_own_name
        self._workers = asgi.Workers()

    @staticmethod
    def owns(path: str) -> bool:
        """Whether a path is a page's: listed ones only, so that nothing of the API is ever taken for one."""
        return path in ROUTES or path == drawing.style_path()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        secure = self._is_secure(scope)
        route = ROUTES.get(scope["path"])
        realm: Realm = route.realm if route is not None else "console"
        request: Request | None = None
        try:
            request = await asgi.read(scope, receive, secure=secure)
            response = await self._workers.run(self.answer, request)
        except Unreadable as unreadable:
            retry_after = 5 if unreadable.status == 503 else 0
            body = f"This request cannot be answered ({unreadable.status}).\n".encode()
            response = Response(
                status=unreadable.status, body=body, content_type="text/plain; charset=utf-8", retry_after=retry_after
            )
            request = None
        await asgi.write(send, request, response, realm=realm, secure=secure)

    def answer(self, request: Request) -> Response:
        """Answer one request. Blocking; never raises."""
        if request.path == drawing.style_path():
            return Response(body=drawing.style(), content_type="text/css; charset=utf-8", cacheable=True)
        route = ROUTES.get(request.path)
        try:
            guard.check_host(request, self._is_own_name)
            if route is None:
                raise Refused("There is no such page.", status=404)  # noqa: TRY301 - answered as every refusal
            return self._shown(route, self._known(route, request))
        except Refused as refused:
            return _refusal(request, refused)
        except Exception:  # noqa: BLE001 - the edge: a bug is told as one, its chain is kept in the log
            _LOG.exception("page.failed", path=request.path)
            return _refusal(request, Refused("Something went wrong here. The log of Millpond says what.", status=500))

    def _is_secure(self, scope: Scope) -> bool:
        if scope.get("scheme") == "https":
            return True
        host = dict(scope["headers"]).get(b"host", b"").decode("latin-1").lower()
        return bool(self._secure_host) and host == self._secure_host

    def close(self) -> None:
        """Wait for the pages under way and let the threads go."""
        self._workers.close()

    def _known(self, route: Route, request: Request) -> Request:
        """The request with who sent it: the cookie's token, the session, and what forms carry."""
        token = request.cookies.get(guard.cookie_name(route.realm, secure=request.secure), "")
        session = self._site.sign_in.session(route.realm, token) if token else None
        return msgspec.structs.replace(
            request, token=token, session=session, csrf=guard.form_token(self._key, token) if token else ""
        )

    def _shown(self, route: Route, request: Request) -> Response:
        page = route.methods.get(request.method)
        if page is None:
            raise Refused("This page is not asked in this way.", status=405)
        if request.method == "POST":
            guard.check_form(request, self._key)
        fresh_token: str | None = None
        if not request.token:
            # Ties the forms of this page to this browser; a sign-in replaces it.
            fresh_token = ids.token(32)
            request = msgspec.structs.replace(request, token=fresh_token, csrf=guard.form_token(self._key, fresh_token))
        response = self._led(route, request) or self._page(page, request)
        if fresh_token is not None and response.token is None:
            response = msgspec.structs.replace(response, token=fresh_token)
        return response

    def _led(self, route: Route, request: Request) -> Response | None:
        """Where a visitor is to go first, if anywhere."""
        if route.signed_in and request.session is None:
            here = request.target if request.method in {"GET", "HEAD"} else ""
            target = "/start/signin" if route.realm == "portal" else "/signin"
            return see_other(target + (f"?next={quote(here, safe='')}" if here else ""))
        if (
            route.signed_in
            and request.session is not None
            and request.session.must_change_password
            and request.path not in _ALLOWED_WHILE_CHANGING
        ):
            return see_other("/signin/new-password")
        return None

    def _page(self, page: Callable[[Site, Request], Response], request: Request) -> Response:
        try:
            return page(self._site, request)
        except MustConfirm:
            is_portal = request.session is not None and request.session.kind == "Directory"
            confirming, back = _CONFIRMATION["portal" if is_portal else "console"]
            here = request.target if request.method == "GET" else back
            return see_other(f"{confirming}?next={quote(here, safe='')}")
        except Fault as fault:
            raise Refused(fault.message, status=fault.status) from fault


def _refusal(request: Request, refused: Refused) -> Response:
    return drawing.page(
        request,
        "refused",
        status=refused.status,
        retry_after=refused.retry_after,
        message=refused.message,
        session=None,
    )
