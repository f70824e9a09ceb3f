"""Messages through the operator's own program or web hook: mail by `sendmail -t -i`, codes by text message or voice."""

import asyncio
import shlex
import shutil
import ssl
from collections.abc import Sequence
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from urllib.parse import urlsplit

import msgspec

from millpond.mail.records import Letter
from millpond.mail.smtp import mime
from millpond.mail.spec import MailMisconfiguredError, NotSentError

_SECONDS = 30.0


class MailCommand:
    """Implements `Sender`: a program that reads a whole mail from its standard input, recipients in the headers."""

    def __init__(self, command: str, *, sender: str) -> None:
        self._command = _arguments("MILLPOND_MAIL_COMMAND", command)
        self._sender = sender

    async def send(self, letter: Letter) -> None:
        await _run(self._command, mime(letter, sender=self._sender).as_bytes())


class TextCommand:
    """Implements `Sender`: a program that reads `{"to": …, "text": …}` from its standard input."""

    def __init__(self, command: str) -> None:
        self._command = _arguments("MILLPOND_TEXT_COMMAND", command)

    async def send(self, letter: Letter) -> None:
        await _run(self._command, _said(letter))


class TextWebhook:
    """Implements `Sender`: POSTs `{"to": …, "text": …}` to a URL; any 2xx means that it was taken."""

    def __init__(self, url: str) -> None:
        """MailMisconfiguredError unless it is https, or http on this machine."""
        parts = urlsplit(url)
        is_here = parts.hostname in {"127.0.0.1", "localhost", "::1"}
        if not parts.hostname or (parts.scheme != "https" and not (parts.scheme == "http" and is_here)):
            raise MailMisconfiguredError("MILLPOND_TEXT_WEBHOOK takes an https URL (http only on this machine).")
        self._parts = parts

    async def send(self, letter: Letter) -> None:
        await asyncio.to_thread(self._post, _said(letter), letter.id)

    def _post(self, body: bytes, letter_id: str) -> None:
        host, port = self._parts.hostname or "", self._parts.port
        if self._parts.scheme == "https":
            connection: HTTPConnection = HTTPSConnection(
                host, port, timeout=_SECONDS, context=ssl.create_default_context()
            )
        else:
            connection = HTTPConnection(host, port, timeout=_SECONDS)
        target = (self._parts.path or "/") + (f"?{self._parts.query}" if self._parts.query else "")
        headers = {"Content-Type": "application/json", "Idempotency-Key": letter_id}
        try:
            connection.request("POST", target, body=body, headers=headers)
            status = connection.getresponse().status
        except (OSError, HTTPException) as error:
            raise NotSentError(f"{host} could not be reached: {type(error).__name__}") from error
        finally:
            connection.close()
        if not 200 <= status < 300:
            raise NotSentError(f"{host} answered {status}")


async def _run(command: Sequence[str], said: bytes) -> None:
    process = await asyncio.create_subprocess_exec(
        *command,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        async with asyncio.timeout(_SECONDS):
            await process.communicate(said)
    except TimeoutError as error:
        raise NotSentError(f"{command[0]} did not end within {_SECONDS:.0f} s") from error
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode:
        raise NotSentError(f"{command[0]} ended with {process.returncode}")


def _arguments(setting: str, command: str) -> Sequence[str]:
    try:
        arguments = shlex.split(command)
    except ValueError as error:
        raise MailMisconfiguredError(f"{setting} cannot be read: {error}") from error
    if not arguments or shutil.which(arguments[0]) is None:
        raise MailMisconfiguredError(f"{setting} names no program that can be run.")
    return arguments


def _said(letter: Letter) -> bytes:
    return msgspec.json.encode({"to": letter.recipient, "text": letter.body})
