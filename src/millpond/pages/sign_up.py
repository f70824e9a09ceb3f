"""Making an account: the form, then a code by mail (and one by text message where the operator has a way for it)."""

from millpond.pages.drawing import page
from millpond.pages.forms import again, same_twice
from millpond.pages.http import Request, Response, see_other
from millpond.pages.spec import Site
from millpond.visit import Refused


def form(site: Site, request: Request) -> Response:
    return page(
        request,
        "sign_up",
        open=site.sign_ups.is_open(),
        asks_phone=site.sign_ups.asks_phone,
        email="",
        name="",
        phone="",
    )


def begin(site: Site, request: Request) -> Response:
    email, name, phone = request.field("email"), request.field("name"), request.field("phone")
    try:
        token = site.sign_ups.begin(request.visitor, email=email, name=name, password=same_twice(request), phone=phone)
    except Refused as refused:
        return again(
            request,
            "sign_up",
            refused,
            open=site.sign_ups.is_open(),
            asks_phone=site.sign_ups.asks_phone,
            email=email,
            name=name,
            phone=phone,
        )
    return see_other("/signup/verify", token=token)


def code_form(site: Site, request: Request) -> Response:
    waiting = site.sign_ups.waits_for(request.token)
    if waiting is None:
        return see_other("/signup")
    notice = "A new code is on its way." if "sent" in request.query else ""
    return page(request, "sign_up_code", step=waiting[0], recipient=waiting[1], notice=notice)


def verify(site: Site, request: Request) -> Response:
    waiting = site.sign_ups.waits_for(request.token)
    if waiting is None:
        return see_other("/signup")
    try:
        if request.field("step") == "resend":
            site.sign_ups.resend(request.visitor, request.token)
            return see_other("/signup/verify?sent")
        made = site.sign_ups.verify(request.visitor, request.token, request.field("code"))
    except Refused as refused:
        return again(request, "sign_up_code", refused, step=waiting[0], recipient=waiting[1])
    return see_other("/signup/verify") if made is None else see_other("/signin?welcome", token="")
