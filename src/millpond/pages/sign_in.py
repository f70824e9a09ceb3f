"""Signing in to an account: root in two pages, users in one, the code, confirming, passwords and their recovery."""

from urllib.parse import urlencode

from millpond.pages.drawing import page
from millpond.pages.forms import again, entered, same_twice, wanted_page
from millpond.pages.http import Request, Response, see_other
from millpond.pages.spec import Site
from millpond.visit import Refused

_HOME = "/account"


def form(site: Site, request: Request) -> Response:
    """As root (the e-mail address first) or, with `?as=user`, as a user of IAM."""
    if request.session is not None and not request.query:
        return see_other(_HOME)
    name = "sign_in_user" if request.query.get("as") == "user" else "sign_in_root"
    notice = "Your account is ready. Sign in as its root user." if "welcome" in request.query else ""
    if "reset" in request.query:
        notice = "Your password was changed. Sign in with the new one."
    return page(
        request,
        name,
        notice=notice,
        next=wanted_page(request, _HOME),
        email="",
        account=request.query.get("account", ""),
        user="",
        sign_up_open=site.sign_ups.is_open(),
    )


def enter(site: Site, request: Request) -> Response:
    """Three forms come here: root's address, root's password, a user's account, name and password."""
    wanted = wanted_page(request, _HOME)
    match request.field("step"):
        case "email":
            return page(request, "sign_in_password", email=request.field("email")[:254], next=wanted)
        case "password":
            email = request.field("email")
            try:
                answer = site.sign_in.root(request.visitor, email, request.form.get("password", ""))
            except Refused as refused:
                return again(request, "sign_in_password", refused, email=email, next=wanted)
        case _:
            account, user = request.field("account"), request.field("user")
            try:
                answer = site.sign_in.user(request.visitor, account, user, request.form.get("password", ""))
            except Refused as refused:
                return again(request, "sign_in_user", refused, account=account, user=user, next=wanted)
    return entered(answer, code_page="/signin/mfa", wanted=wanted)


def code_form(site: Site, request: Request) -> Response:
    if not site.sign_in.expects_code(request.token):
        return see_other("/signin")
    return page(request, "code", action="/signin/mfa", next=wanted_page(request, _HOME))


def code(site: Site, request: Request) -> Response:
    wanted = wanted_page(request, _HOME)
    try:
        answer = site.sign_in.code(request.visitor, request.token, request.field("code"))
    except Refused as refused:
        if not site.sign_in.expects_code(request.token):
            raise
        return again(request, "code", refused, action="/signin/mfa", next=wanted)
    return entered(answer, code_page="", wanted=wanted)


def confirm_form(site: Site, request: Request) -> Response:
    """Password and code once more, before what only root may do."""
    with_code = site.sign_in.needs_code(request.signed_in)
    return page(request, "confirm", action=request.path, next=wanted_page(request, _home(request)), with_code=with_code)


def confirm(site: Site, request: Request) -> Response:
    wanted = wanted_page(request, _home(request))
    try:
        answer = site.sign_in.confirm(
            request.visitor, request.signed_in, request.form.get("password", ""), request.field("code")
        )
    except Refused as refused:
        with_code = site.sign_in.needs_code(request.signed_in)
        return again(request, "confirm", refused, action=request.path, next=wanted, with_code=with_code)
    return see_other(wanted, token=answer.token)


def new_password_form(_site: Site, request: Request) -> Response:
    return page(request, "new_password", action=request.path, must=request.signed_in.must_change_password)


def new_password(site: Site, request: Request) -> Response:
    try:
        answer = site.sign_in.change_password(
            request.visitor, request.signed_in, request.form.get("former", ""), same_twice(request)
        )
    except Refused as refused:
        must = request.signed_in.must_change_password
        return again(request, "new_password", refused, action=request.path, must=must)
    return see_other("/account/security?password-changed", token=answer.token)


def sign_out_form(_site: Site, request: Request) -> Response:
    return page(request, "sign_out", action="/signout")


def sign_out(site: Site, request: Request) -> Response:
    if request.session is not None:
        site.sign_in.sign_out(request.session)
    return see_other("/signin", token="")


def forgot_form(_site: Site, request: Request) -> Response:
    return page(request, "forgot", sent=False)


def forgot(site: Site, request: Request) -> Response:
    """The same answer for every address."""
    try:
        site.recovery.ask(request.visitor, request.field("email")[:254])
    except Refused as refused:
        return again(request, "forgot", refused, sent=False)
    return page(request, "forgot", sent=True)


def reset_form(site: Site, request: Request) -> Response:
    token = request.query.get("token", "")
    if not site.recovery.is_valid(token):
        raise Refused("This link is no longer valid. Ask for a new one.", status=403)
    return page(request, "reset", action="/forgot/reset", link=token, who="the root user of your account")


def reset(site: Site, request: Request) -> Response:
    token = request.field("link")
    try:
        site.recovery.reset(request.visitor, token, same_twice(request))
    except Refused as refused:
        if not site.recovery.is_valid(token):
            raise
        who = "the root user of your account"
        return again(request, "reset", refused, action="/forgot/reset", link=token, who=who)
    return see_other("/signin?" + urlencode({"reset": ""}), token="")


def _home(request: Request) -> str:
    return "/start" if request.signed_in.kind == "Directory" else _HOME
