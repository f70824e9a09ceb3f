"""Every page there is: path, whose session it is shown to, and the function for each method."""

from collections.abc import Callable, Mapping

import msgspec

from millpond.pages import account, devices, home, keys, login, portal, sign_in, sign_up
from millpond.pages.http import Request, Response
from millpond.pages.spec import Site
from millpond.visit import Realm

Page = Callable[[Site, Request], Response]


class Route(msgspec.Struct, frozen=True, kw_only=True):
    """One path."""

    methods: Mapping[str, Page]
    realm: Realm = "console"
    signed_in: bool = False
    """Whether it is shown to those signed in only; others are led to sign in first, and back."""


def _open(*, get: Page | None = None, post: Page | None = None, head: Page | None = None, realm: Realm) -> Route:
    return Route(methods=_methods(get, post, head), realm=realm)


def _closed(*, get: Page | None = None, post: Page | None = None, realm: Realm = "console") -> Route:
    return Route(methods=_methods(get, post, None), realm=realm, signed_in=True)


def _methods(get: Page | None, post: Page | None, head: Page | None) -> Mapping[str, Page]:
    given = {"GET": get, "HEAD": head or get, "POST": post}
    return {method: page for method, page in given.items() if page is not None}


ROUTES: Mapping[str, Route] = {
    "/": _open(get=home.front, realm="console"),
    "/console": _closed(get=home.console),
    "/mailbox": _closed(get=home.mailbox),
    "/signup": _open(get=sign_up.form, post=sign_up.begin, realm="console"),
    "/signup/verify": _open(get=sign_up.code_form, post=sign_up.verify, realm="console"),
    "/signin": _open(get=sign_in.form, post=sign_in.enter, realm="console"),
    "/signin/mfa": _open(get=sign_in.code_form, post=sign_in.code, realm="console"),
    "/signin/confirm": _closed(get=sign_in.confirm_form, post=sign_in.confirm),
    "/signin/new-password": _closed(get=sign_in.new_password_form, post=sign_in.new_password),
    "/signout": _open(get=sign_in.sign_out_form, post=sign_in.sign_out, realm="console"),
    "/forgot": _open(get=sign_in.forgot_form, post=sign_in.forgot, realm="console"),
    "/forgot/reset": _open(get=sign_in.reset_form, post=sign_in.reset, realm="console"),
    "/account": _closed(get=account.show, post=account.rename),
    "/account/email": _closed(get=account.email_form, post=account.email),
    "/account/close": _closed(get=account.close_form, post=account.close),
    "/account/security": _closed(get=devices.show),
    "/account/security/password": _closed(get=sign_in.new_password_form, post=sign_in.new_password),
    "/account/security/devices": _closed(get=devices.name_form, post=devices.create),
    "/account/security/devices/enable": _closed(post=devices.enable),
    "/account/security/devices/resync": _closed(get=devices.resync_form, post=devices.resync),
    "/account/security/devices/remove": _closed(get=devices.remove_form, post=devices.remove),
    "/account/security/keys": _closed(get=keys.form, post=keys.create),
    "/account/security/keys/change": _closed(post=keys.change),
    "/v1/authorize": _closed(get=login.form, post=login.allow),
    "/v1/sessions/confirmation": _closed(get=login.confirmation),
    "/start": Route(
        methods={"GET": portal.show, "HEAD": portal.vanity},
        realm="portal",
    ),
    "/start/signin": _open(get=portal.sign_in_form, post=portal.sign_in, realm="portal"),
    "/start/mfa": _open(get=portal.code_form, post=portal.code, realm="portal"),
    "/start/forgot": _open(get=portal.forgot_form, post=portal.forgot, realm="portal"),
    "/start/signout": _open(get=portal.sign_out_form, post=portal.sign_out, realm="portal"),
    "/start/confirm": _closed(get=sign_in.confirm_form, post=sign_in.confirm, realm="portal"),
    "/start/keys": _closed(post=portal.keys, realm="portal"),
    "/start/security": _closed(get=portal.security, realm="portal"),
    "/start/security/password": _closed(get=portal.password_form, post=portal.password, realm="portal"),
    "/start/security/devices": _closed(get=portal.device_form, post=portal.register, realm="portal"),
    "/start/security/devices/remove": _closed(post=portal.remove, realm="portal"),
    "/start/device": _closed(get=portal.approval_form, post=portal.approve, realm="portal"),
    "/authorize": _closed(get=portal.authorize_form, post=portal.authorize, realm="portal"),
    "/invitation": _open(get=portal.invitation_form, post=portal.accept, realm="portal"),
}
