"""Templates into HTML. Every value is escaped; the style sheet's address changes with its contents."""

import base64
import hashlib
import io
from datetime import datetime
from functools import cache
from importlib.resources import files
from typing import Any

import segno
from jinja2 import Environment, PackageLoader, StrictUndefined

from millpond.pages.http import Request, Response


@cache
def style() -> bytes:
    return files("millpond.pages").joinpath("style.css").read_bytes()


@cache
def style_path() -> str:
    return f"/pages/style-{hashlib.sha256(style()).hexdigest()[:12]}.css"


@cache
def _templates() -> Environment:
    templates = Environment(
        loader=PackageLoader("millpond.pages"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    templates.filters["moment"] = spoken
    return templates


def page(
    request: Request, name: str, /, *, status: int = 200, token: str | None = None, retry_after: int = 0, **values: Any
) -> Response:
    """Draw the template `name`.html. `values` are the template's; those of `base.html` have defaults here."""
    drawn = (
        _templates()
        .get_template(f"{name}.html")
        .render(
            {
                "style": style_path(),
                "session": request.session,
                "form_token": request.csrf,
                "realm": "portal" if request.session is not None and request.session.kind == "Directory" else "console",
                "error": "",
                "notice": "",
                "refresh": "",
            }
            | values
        )
    )
    return Response(status=status, body=drawn.encode(), token=token, retry_after=retry_after)


def qr_code(text: str) -> str:
    """A QR code as a `data:` URL, large enough for a phone to read and quiet around."""
    picture = io.BytesIO()
    segno.make(text, error="m").save(picture, kind="png", scale=5, border=3)
    return png(picture.getvalue())


def png(picture: bytes) -> str:
    return "data:image/png;base64," + base64.b64encode(picture).decode()


def spoken(moment: datetime) -> str:
    """A moment for people: `22 Nov 2026, 10:00 UTC`."""
    return f"{moment.day} {moment:%b %Y, %H:%M} UTC"
