"""The account page, and what only root changes: name, e-mail address, whether the account goes on."""

from millpond.pages.drawing import page
from millpond.pages.forms import again
from millpond.pages.http import Request, Response, see_other
from millpond.pages.spec import Site
from millpond.visit import Refused


def show(site: Site, request: Request) -> Response:
    return page(
        request,
        "account",
        facts=site.accounts.facts(request.signed_in),
        activity=site.accounts.activity(request.signed_in),
    )


def rename(site: Site, request: Request) -> Response:
    try:
        site.accounts.rename(request.visitor, request.signed_in, request.field("name"))
    except Refused as refused:
        facts, activity = site.accounts.facts(request.signed_in), site.accounts.activity(request.signed_in)
        return again(request, "account", refused, facts=facts, activity=activity)
    return see_other("/account")


def email_form(site: Site, request: Request) -> Response:
    site.accounts.must_be_fresh(request.signed_in)
    return page(request, "email", journey="", email="")


def email(site: Site, request: Request) -> Response:
    """First the address, then the code that was sent to it."""
    address, journey = request.field("email"), request.field("journey")
    try:
        if not journey:
            journey = site.accounts.ask_new_email(request.visitor, request.signed_in, address)
            return page(request, "email", journey=journey, email=address)
        site.accounts.set_new_email(request.visitor, request.signed_in, journey, request.field("code"))
    except Refused as refused:
        return again(request, "email", refused, journey=journey, email=address)
    return see_other("/account")


def close_form(site: Site, request: Request) -> Response:
    site.accounts.must_be_fresh(request.signed_in)
    return page(request, "close", facts=site.accounts.facts(request.signed_in))


def close(site: Site, request: Request) -> Response:
    try:
        site.accounts.close(request.visitor, request.signed_in, request.field("typed"))
    except Refused as refused:
        return again(request, "close", refused, facts=site.accounts.facts(request.signed_in))
    return page(request, "closed", token="", session=None)
