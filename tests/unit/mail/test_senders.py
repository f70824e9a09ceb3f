"""Ways out: a real SMTP server with and without STARTTLS, programs, a web hook; and settings that mean nothing."""

import asyncio
import ssl
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from email import message_from_bytes
from email.policy import default
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import msgspec
import pytest
from aiosmtpd.smtp import SMTP, Envelope

from millpond.certificates import CertificateAuthority, server_names
from millpond.config import Config
from millpond.mail import Letter, MailMisconfiguredError, NotSentError, configured_senders
from millpond.mail.smtp import SmtpSender, mime, smtp_server
from millpond.store import Vault

NOW = datetime.now(UTC)
LETTER = Letter(
    id="abc", recipient="ann@example.com", subject="Your code", body="123456\n.\nÄ last line\n", written_at=NOW
)


class Box:
    """What a test server was handed."""

    def __init__(self) -> None:
        self.envelopes: list[Envelope] = []
        self.refuses = False

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Envelope) -> str:  # noqa: N802 - the library's
        if self.refuses:
            return "451 Try again later"
        self.envelopes.append(envelope)
        return "250 OK"


@asynccontextmanager
async def smtp(box: Box, **options: Any) -> AsyncIterator[int]:
    server = await asyncio.get_running_loop().create_server(
        lambda: SMTP(box, hostname="here", **options), "127.0.0.1", 0
    )
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        await server.wait_closed()


async def test_a_letter_arrives_at_a_real_server():
    box = Box()
    async with smtp(box) as port:
        await SmtpSender(smtp_server(f"smtp://127.0.0.1:{port}"), sender="millpond@example.com").send(LETTER)
    (envelope,) = box.envelopes
    assert envelope.mail_from == "millpond@example.com"
    assert envelope.rcpt_tos == ["ann@example.com"]
    assert isinstance(envelope.content, bytes)
    arrived = message_from_bytes(envelope.content, policy=default)
    assert arrived["Subject"] == "Your code"
    assert arrived["To"] == "ann@example.com"
    assert arrived["Message-ID"] == "<abc@example.com>"
    assert arrived["Auto-Submitted"] == "auto-generated"
    assert arrived.get_content().replace("\r\n", "\n") == LETTER.body


async def test_a_server_that_says_no_is_told_of():
    box = Box()
    box.refuses = True
    async with smtp(box) as port:
        with pytest.raises(NotSentError, match="did not take it"):
            await SmtpSender(smtp_server(f"smtp://127.0.0.1:{port}"), sender="m@example.com").send(LETTER)
    with pytest.raises(NotSentError):
        await SmtpSender(smtp_server(f"smtp://127.0.0.1:{port}"), sender="m@example.com").send(LETTER)


async def test_starttls_is_insisted_on_and_the_certificate_checked(tmp_path: Path):
    authority = CertificateAuthority.at(tmp_path, Vault(bytes(32)), now=NOW)
    chain, key = authority.server_certificate(server_names("127.0.0.1"), now=NOW)
    offered = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    offered.load_cert_chain(chain, key)
    trusting = ssl.create_default_context(cafile=authority.certificate)
    box = Box()
    async with smtp(box, tls_context=offered) as port:
        server = smtp_server(f"smtp://127.0.0.1:{port}?tls=starttls")
        await SmtpSender(server, sender="m@example.com", tls=trusting).send(LETTER)
        with pytest.raises(NotSentError):
            await SmtpSender(server, sender="m@example.com").send(LETTER)
    async with smtp(box) as port:
        plain = smtp_server(f"smtp://127.0.0.1:{port}?tls=starttls")
        with pytest.raises(NotSentError):
            await SmtpSender(plain, sender="m@example.com", tls=trusting).send(LETTER)
    assert len(box.envelopes) == 1


@pytest.mark.parametrize("changed", [{"recipient": "a@b.c\r\nBcc: d@e.f"}, {"subject": "x\r\nBcc: d@e.f"}])
def test_no_header_can_be_smuggled_in(changed: dict[str, str]):
    with pytest.raises(ValueError, match=r"."):
        mime(msgspec.structs.replace(LETTER, **changed), sender="m@example.com")


@pytest.mark.parametrize(
    ("url", "host", "port", "tls"),
    [
        ("smtp://mail.example.com", "mail.example.com", 587, "starttls"),
        ("smtps://u:p%40ss@mail.example.com", "mail.example.com", 465, "implicit"),
        ("smtp://localhost", "localhost", 25, "none"),
        ("smtp://mail.example.com:2525?tls=none", "mail.example.com", 2525, "none"),
    ],
)
def test_urls_say_how_mail_travels(url: str, host: str, port: int, tls: str):
    server = smtp_server(url)
    assert (server.host, server.port, server.tls) == (host, port, tls)
    assert server.password in {"", "p@ss"}


@pytest.mark.parametrize(
    "changed",
    [
        {"smtp_url": "http://mail.example.com"},
        {"smtp_url": "smtp://"},
        {"smtp_url": "smtp://a:b@mail.example.com?tls=none"},
        {"smtp_url": "smtps://mail.example.com?tls=none"},
        {"smtp_url": "smtp://mail.example.com:port"},
        {"smtp_url": "smtp://mail.example.com", "mail_command": "true"},
        {"smtp_url": "smtp://mail.example.com", "mail_from": "Millpond <m@example.com>"},
        {"mail_command": "no-such-program-anywhere"},
        {"mail_command": "'"},
        {"text_webhook": "http://sms.example.com/"},
        {"text_webhook": "https://sms.example.com/", "text_command": "true"},
    ],
)
def test_settings_that_mean_nothing_are_refused_by_name(tmp_path: Path, changed: dict[str, str]):
    with pytest.raises(MailMisconfiguredError, match="MILLPOND_"):
        configured_senders(Config(home=tmp_path, engines=tmp_path, **changed))


def test_without_settings_there_is_no_way_out(tmp_path: Path):
    assert not configured_senders(Config(home=tmp_path, engines=tmp_path)).channels


async def test_programs_read_what_they_are_to_send(tmp_path: Path):
    mail, text = tmp_path / "mail", tmp_path / "text"
    copy = f"{sys.executable} -c 'import sys; open(sys.argv[1], \"wb\").write(sys.stdin.buffer.read())'"
    senders = configured_senders(
        Config(home=tmp_path, engines=tmp_path, mail_command=f"{copy} {mail}", text_command=f"{copy} {text}")
    )
    assert senders.mail is not None
    assert senders.text is not None
    await senders.mail.send(LETTER)
    await senders.text.send(LETTER)
    assert message_from_bytes(mail.read_bytes(), policy=default)["To"] == "ann@example.com"
    assert msgspec.json.decode(text.read_bytes()) == {"to": "ann@example.com", "text": LETTER.body}


async def test_a_program_that_fails_is_told_of(tmp_path: Path):
    senders = configured_senders(Config(home=tmp_path, engines=tmp_path, text_command="false"))
    assert senders.text is not None
    with pytest.raises(NotSentError, match="ended with 1"):
        await senders.text.send(LETTER)


@pytest.mark.parametrize(("status", "is_taken"), [(204, True), (500, False), (302, False)])
async def test_a_web_hook_takes_a_text_or_says_no(tmp_path: Path, status: int, is_taken: bool):
    posted: list[tuple[str | None, Any]] = []

    class Hook(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            posted.append((self.headers["idempotency-key"], msgspec.json.decode(body)))
            self.send_response(status)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Hook) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        hook = f"http://127.0.0.1:{server.server_address[1]}/send?key=1"
        senders = configured_senders(Config(home=tmp_path, engines=tmp_path, text_webhook=hook))
        assert senders.text is not None
        try:
            if is_taken:
                await senders.text.send(LETTER)
            else:
                with pytest.raises(NotSentError, match=str(status)):
                    await senders.text.send(LETTER)
        finally:
            server.shutdown()
            thread.join()
    assert posted == [("abc", {"to": "ann@example.com", "text": LETTER.body})]
