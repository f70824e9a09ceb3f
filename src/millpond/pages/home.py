"""The front page, the console's place, and the operator's outbox."""

from millpond.pages.drawing import page
from millpond.pages.http import Request, Response, see_other
from millpond.pages.spec import Site


def front(_site: Site, request: Request) -> Response:
    return see_other("/account" if request.session is not None else "/signin")


def console(site: Site, request: Request) -> Response:
    """Until there is a console: what works now."""
    return page(request, "console", region=site.region)


def mailbox(site: Site, request: Request) -> Response:
    return page(request, "mailbox", messages=site.accounts.outbox(request.signed_in))
