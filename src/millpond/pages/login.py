"""`aws login`: a console user lets a program on this or another machine have short-term keys."""

import base64
from urllib.parse import urlencode, urlsplit

import msgspec

from millpond.pages.drawing import page
from millpond.pages.http import Request, Response, see_other
from millpond.pages.spec import Site
from millpond.visit import Refused


def form(site: Site, request: Request) -> Response:
    """Who asks, and for whom: nothing happens without a click."""
    asking = site.logins.asking(request.query)
    response = page(
        request, "login", remote=asking.remote, parameters=dict(request.query), redirect_uri=asking.redirect_uri
    )
    return msgspec.structs.replace(response, form_targets=_targets(asking.redirect_uri, remote=asking.remote))


def allow(site: Site, request: Request) -> Response:
    """Hand out the code, or say no to the waiting program."""
    parameters = {name: value for name, value in request.form.items() if name not in {"form_token", "step"}}
    asking = site.logins.asking(parameters)
    state = parameters.get("state", "")
    if request.field("step") != "allow":
        if asking.remote:
            return see_other("/account")
        return _to(asking.redirect_uri, {"error": "access_denied", "state": state}, remote=False)
    code = site.logins.issue(request.visitor, request.signed_in, parameters)
    if asking.remote:
        return see_other("/v1/sessions/confirmation?" + urlencode({"code": code, "state": state}))
    return _to(asking.redirect_uri, {"code": code, "state": state}, remote=False)


def confirmation(_site: Site, request: Request) -> Response:
    """What to paste on the other machine."""
    code, state = request.query.get("code", ""), request.query.get("state", "")
    if not code or not state:
        raise Refused("There is nothing to paste. Start again with: aws login --remote", status=400)
    pasted = base64.b64encode(urlencode({"state": state, "code": code}).encode()).decode()
    return page(request, "login_code", pasted=pasted)


def _to(redirect_uri: str, answer: dict[str, str], *, remote: bool) -> Response:
    response = see_other(f"{redirect_uri}?{urlencode(answer)}")
    return msgspec.structs.replace(response, form_targets=_targets(redirect_uri, remote=remote))


def _targets(redirect_uri: str, *, remote: bool) -> tuple[str, ...]:
    """Browsers hold a form's redirects to the page's policy as well."""
    parts = urlsplit(redirect_uri)
    return () if remote else (f"{parts.scheme}://{parts.netloc}",)
