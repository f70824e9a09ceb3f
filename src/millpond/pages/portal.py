"""The access portal of Identity Center: invitation, sign-in, accounts and roles, short-term keys, approvals."""

from typing import Any
from urllib.parse import urlsplit

import msgspec

from millpond.pages.drawing import page, qr_code
from millpond.pages.forms import again, entered, same_twice, wanted_page
from millpond.pages.http import Request, Response, see_other
from millpond.pages.spec import Site
from millpond.visit import Refused

_HOME = "/start"


def vanity(site: Site, _request: Request) -> Response:
    """HEAD: where AWS's tools learn which instance and region this is. They never fetch what they are told."""
    facts = site.portal.facts()
    return Response(status=404) if facts is None else Response(status=302, location=facts.vanity_url)


def show(site: Site, request: Request) -> Response:
    facts = site.portal.facts()
    if facts is None:
        return page(request, "portal_none", status=404)
    if request.session is None:
        return see_other("/start/signin")
    return page(
        request,
        "portal",
        accounts=site.portal.accounts(request.session),
        facts=facts,
        has_device=bool(site.portal.authenticators(request.session)),
    )


def sign_in_form(_site: Site, request: Request) -> Response:
    return page(request, "portal_sign_in", user=request.query.get("user", ""), next=wanted_page(request, _HOME))


def sign_in(site: Site, request: Request) -> Response:
    user, wanted = request.field("user"), wanted_page(request, _HOME)
    try:
        answer = site.sign_in.portal(request.visitor, user, request.form.get("password", ""))
    except Refused as refused:
        return again(request, "portal_sign_in", refused, user=user, next=wanted)
    return entered(answer, code_page="/start/mfa", wanted=wanted)


def code_form(site: Site, request: Request) -> Response:
    if not site.sign_in.expects_code(request.token):
        return see_other("/start/signin")
    return page(request, "code", action="/start/mfa", next=wanted_page(request, _HOME))


def code(site: Site, request: Request) -> Response:
    wanted = wanted_page(request, _HOME)
    try:
        answer = site.sign_in.code(request.visitor, request.token, request.field("code"))
    except Refused as refused:
        if not site.sign_in.expects_code(request.token):
            raise
        return again(request, "code", refused, action="/start/mfa", next=wanted)
    return entered(answer, code_page="", wanted=wanted)


def sign_out_form(_site: Site, request: Request) -> Response:
    return page(request, "sign_out", action="/start/signout")


def sign_out(site: Site, request: Request) -> Response:
    if request.session is not None:
        site.sign_in.sign_out(request.session)
    return see_other("/start/signin", token="")


def forgot_form(_site: Site, request: Request) -> Response:
    return page(request, "portal_forgot", sent=False)


def forgot(site: Site, request: Request) -> Response:
    """The same answer for every name."""
    try:
        site.portal.ask_reset(request.visitor, request.field("user")[:128])
    except Refused as refused:
        return again(request, "portal_forgot", refused, sent=False)
    return page(request, "portal_forgot", sent=True)


def keys(site: Site, request: Request) -> Response:
    """Short-term keys, made anew each time and shown in the forms that shells and files take."""
    account, role = request.field("account"), request.field("role")
    found = site.portal.keys(request.visitor, request.signed_in, account, role)
    facts = site.portal.facts()
    return page(request, "portal_keys", keys=found, account=account, role=role, facts=facts, region=site.region)


def security(site: Site, request: Request) -> Response:
    notice = "Your password was changed." if "changed" in request.query else ""
    return page(request, "portal_security", notice=notice, devices=site.portal.authenticators(request.signed_in))


def password_form(_site: Site, request: Request) -> Response:
    return page(request, "new_password", action=request.path, must=False)


def password(site: Site, request: Request) -> Response:
    try:
        answer = site.sign_in.change_password(
            request.visitor, request.signed_in, request.form.get("former", ""), same_twice(request)
        )
    except Refused as refused:
        return again(request, "new_password", refused, action=request.path, must=False)
    return see_other("/start/security?changed", token=answer.token)


def device_form(site: Site, request: Request) -> Response:
    """An authenticator app: its QR code, and the code that proves it was read."""
    site.accounts.must_be_fresh(request.signed_in)
    made = site.portal.new_authenticator(request.signed_in)
    return page(
        request, "portal_device", **_authenticator(made.id, made.seed, made.uri), next=wanted_page(request, _HOME)
    )


def register(site: Site, request: Request) -> Response:
    site.accounts.must_be_fresh(request.signed_in)
    device_id, wanted = request.field("device"), wanted_page(request, _HOME)
    try:
        site.portal.register(
            request.visitor, request.signed_in, device_id, request.field("name"), request.field("code")
        )
    except Refused as refused:
        made = site.portal.pending_authenticator(request.signed_in, device_id)
        if made is None:
            raise
        return again(request, "portal_device", refused, **_authenticator(made.id, made.seed, made.uri), next=wanted)
    return see_other(wanted)


def remove(site: Site, request: Request) -> Response:
    site.accounts.must_be_fresh(request.signed_in)
    site.portal.remove_authenticator(request.visitor, request.signed_in, request.field("device"))
    return see_other("/start/security")


def approval_form(site: Site, request: Request) -> Response:
    """`aws sso login`: the code to compare, who asks, and two buttons. Without a code, a field to type it."""
    user_code = request.query.get("user_code", "")
    if not user_code:
        return page(request, "device_code", user_code="")
    try:
        asking = site.portal.device(request.signed_in, user_code)
    except Refused as refused:
        return again(request, "device_code", refused, user_code=user_code)
    return page(request, "device_approve", asking=asking)


def approve(site: Site, request: Request) -> Response:
    user_code = request.field("user_code")
    try:
        if request.field("step") == "allow":
            site.portal.approve_device(request.visitor, request.signed_in, user_code)
            return page(request, "device_done", allowed=True)
        site.portal.deny_device(request.visitor, request.signed_in, user_code)
    except Refused as refused:
        return again(request, "device_code", refused, user_code=user_code)
    return page(request, "device_done", allowed=False)


def authorize_form(site: Site, request: Request) -> Response:
    """The same for a program that opened this browser itself (PKCE)."""
    asking = site.portal.client(request.query)
    response = page(request, "authorize", asking=asking, parameters=dict(request.query))
    return msgspec.structs.replace(response, form_targets=(_origin(asking.redirect_uri),))


def authorize(site: Site, request: Request) -> Response:
    parameters = {name: value for name, value in request.form.items() if name not in {"form_token", "step"}}
    asking = site.portal.client(parameters)
    if request.field("step") == "allow":
        response = see_other(site.portal.authorize(request.visitor, request.signed_in, parameters))
    else:
        response = see_other(site.portal.refuse(parameters))
    return msgspec.structs.replace(response, form_targets=(_origin(asking.redirect_uri),))


def invitation_form(site: Site, request: Request) -> Response:
    token = request.query.get("token", "")
    invited = site.portal.invited(token)
    if invited is None:
        raise Refused("This invitation is no longer valid. Ask your administrator for a new one.", status=403)
    return page(request, "invitation", invited=invited, link=token)


def accept(site: Site, request: Request) -> Response:
    """Set the password, sign in with it, and ask for an MFA device at once."""
    token = request.field("link")
    invited = site.portal.invited(token)
    if invited is None:
        raise Refused("This invitation is no longer valid. Ask your administrator for a new one.", status=403)
    try:
        wanted = same_twice(request)
        user = site.portal.accept(request.visitor, token, wanted)
    except Refused as refused:
        return again(request, "invitation", refused, invited=invited, link=token)
    answer = site.sign_in.portal(request.visitor, user, wanted)
    return entered(answer, code_page="/start/mfa", wanted="/start/security/devices")


def _authenticator(device_id: str, seed: str, uri: str) -> dict[str, Any]:
    return {"device": device_id, "seed": seed, "qr": qr_code(uri)}


def _origin(redirect_uri: str) -> str:
    parts = urlsplit(redirect_uri)
    return f"{parts.scheme}://{parts.netloc}"
