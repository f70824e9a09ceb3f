"""Mail by SMTP (RFC 5321): to a server that the operator names, encrypted unless it is on this machine."""

import ssl
from email.message import EmailMessage
from email.policy import SMTP
from ipaddress import ip_address
from typing import Literal
from urllib.parse import parse_qs, unquote, urlsplit

import aiosmtplib
import msgspec

from millpond.mail.addresses import is_mail_address
from millpond.mail.records import Letter
from millpond.mail.spec import MailMisconfiguredError, NotSentError

_SECONDS = 30.0
_FORM = "MILLPOND_SMTP_URL takes smtp://[user:password@]host[:port][?tls=starttls|none] or smtps://…"


class SmtpServer(msgspec.Struct, frozen=True, kw_only=True):
    """Where mail goes."""

    host: str
    port: int
    tls: Literal["implicit", "starttls", "none"]
    user: str = ""
    password: str = ""


def smtp_server(url: str) -> SmtpServer:
    """Read the URL: `smtps` is TLS from the start, `smtp` is STARTTLS except to this machine.

    MailMisconfiguredError when it is none, or would send a password in the clear to another machine.
    """
    parts = urlsplit(url)
    options = parse_qs(parts.query, keep_blank_values=True)
    try:
        port = parts.port
    except ValueError as error:
        raise MailMisconfiguredError(_FORM) from error
    if parts.scheme not in {"smtp", "smtps"} or not parts.hostname or set(options) - {"tls"}:
        raise MailMisconfiguredError(_FORM)
    tls: Literal["implicit", "starttls", "none"]
    match (parts.scheme, options.get("tls", [""])[0]):
        case ("smtps", ""):
            tls = "implicit"
        case ("smtp", "starttls"):
            tls = "starttls"
        case ("smtp", "none"):
            tls = "none"
        case ("smtp", ""):
            tls = "none" if _is_here(parts.hostname) else "starttls"
        case _:
            raise MailMisconfiguredError(_FORM)
    if tls == "none" and parts.password and not _is_here(parts.hostname):
        raise MailMisconfiguredError("MILLPOND_SMTP_URL: a password is not sent unencrypted to another machine.")
    return SmtpServer(
        host=parts.hostname,
        port=port or {"implicit": 465, "starttls": 587, "none": 25}[tls],
        tls=tls,
        user=unquote(parts.username or ""),
        password=unquote(parts.password or ""),
    )


class SmtpSender:
    """Implements `Sender`."""

    def __init__(self, server: SmtpServer, *, sender: str, tls: ssl.SSLContext | None = None) -> None:
        """`sender` is the From address; `tls` is the system's trust unless given. MailMisconfiguredError."""
        if not is_mail_address(sender):
            raise MailMisconfiguredError("MILLPOND_MAIL_FROM takes a mail address: millpond@example.com")
        self._server = server
        self._sender = sender
        self._tls = tls

    async def send(self, letter: Letter) -> None:
        server = self._server
        try:
            await aiosmtplib.send(
                mime(letter, sender=self._sender),
                sender=self._sender,
                recipients=[letter.recipient],
                hostname=server.host,
                port=server.port,
                use_tls=server.tls == "implicit",
                start_tls=server.tls == "starttls",
                tls_context=None if server.tls == "none" else self._tls or ssl.create_default_context(),
                username=server.user or None,
                password=server.password or None,
                timeout=_SECONDS,
            )
        except (aiosmtplib.SMTPException, OSError) as error:
            raise NotSentError(f"{server.host}:{server.port} did not take it: {_said(error)}") from error


def mime(letter: Letter, *, sender: str) -> EmailMessage:
    """A letter as a mail: plain text, a Message-ID that stays the same however often it is sent."""
    message = EmailMessage(policy=SMTP)
    message["From"] = sender
    message["To"] = letter.recipient
    message["Subject"] = letter.subject
    message["Date"] = letter.written_at
    message["Message-ID"] = f"<{letter.id}@{sender.rpartition('@')[2]}>"
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(letter.body)
    return message


def _said(error: Exception) -> str:
    return " ".join(str(error).split())[:200] or type(error).__name__


def _is_here(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
