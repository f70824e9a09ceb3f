"""What form pages share: drawing themselves again with what went wrong, and going on after a sign-in."""

from typing import Any
from urllib.parse import quote

from millpond.pages import drawing, guard
from millpond.pages.http import Request, Response, see_other
from millpond.visit import CodeWanted, Refused, SignedIn


def again(request: Request, name: str, refused: Refused, /, **values: Any) -> Response:
    """The form once more, saying why it was refused."""
    return drawing.page(
        request, name, status=refused.status, retry_after=refused.retry_after, error=refused.message, **values
    )


def wanted_page(request: Request, default: str) -> str:
    """Where the visitor wanted to go before signing in."""
    return guard.next_page(request.form.get("next") or request.query.get("next", ""), default)


def entered(answer: SignedIn | CodeWanted, *, code_page: str, wanted: str) -> Response:
    """Go on: to what was wanted, or to the page that asks for a code first; under a new cookie either way."""
    if isinstance(answer, SignedIn):
        return see_other(wanted, token=answer.token)
    return see_other(f"{code_page}?next={quote(wanted, safe='')}", token=answer.token)


def same_twice(request: Request) -> str:
    """A new password, typed twice. Refused when the two differ."""
    password = request.form.get("password", "")
    if not password:
        raise Refused("Enter a new password.")
    if password != request.form.get("password_again", ""):
        raise Refused("The two passwords are not the same.")
    return password
