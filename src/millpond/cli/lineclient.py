"""A small interactive client for engines whose build brings none: a line out, a reply back.

Valkey and Redis OSS take a plain line as a command (RESP, "Inline commands") and answer in RESP2; Memcached's text
protocol is lines both ways.
"""

import socket
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Protocol

import click

from millpond.operator import home

_SECONDS = 30.0

_LAST = (b"END", b"STORED", b"NOT_STORED", b"EXISTS", b"NOT_FOUND", b"DELETED", b"TOUCHED", b"OK", b"ERROR", b"RESET")
_LAST_WITH_MORE = (b"CLIENT_ERROR", b"SERVER_ERROR", b"VERSION")


class Reply(Protocol):
    """What a reply is read from."""

    def readline(self) -> bytes: ...

    def read(self, size: int, /) -> bytes: ...


Reader = Callable[[Reply], Iterator[str]]


def converse(host: str, port: int, *, engine: str, way: str = "") -> None:
    """Send every line of standard input and print its reply, until it ends or `quit`. OSError when nobody answers.

    `way`: a unix socket to use instead of host and port.
    """
    reader = read_memcached if engine == "memcached" else read_resp
    with _connected(host, port, way) as connection, connection.makefile("rwb") as stream:
        for line in _lines(f"{host}:{port}> "):
            if line in {"quit", "exit"}:
                return
            stream.write(line.encode() + b"\r\n")
            if engine == "memcached" and (length := payload_length(line)) is not None:
                stream.write(next(_lines(f"({length} bytes) "), "").encode()[:length].ljust(length) + b"\r\n")
            stream.flush()
            for said in reader(stream):
                click.echo(said)


def _connected(host: str, port: int, way: str) -> socket.socket:
    if way:
        return home.connect(Path(way), seconds=_SECONDS)
    return socket.create_connection((host, port), timeout=_SECONDS)


def payload_length(line: str) -> int | None:
    """The octets that must follow a Memcached storage command; None for every other command."""
    words = line.split()
    if len(words) >= 5 and words[0] in {"set", "add", "replace", "append", "prepend", "cas"} and words[4].isdecimal():
        return int(words[4])
    return None


def read_memcached(stream: Reply) -> Iterator[str]:
    """One reply of the text protocol. ConnectionError when the server closed."""
    while True:
        line = _line(stream)
        yield line.decode("utf-8", "replace")
        if line in _LAST or line.startswith(_LAST_WITH_MORE) or line.isdigit():
            return
        if line.startswith((b"VALUE ", b"CONFIG ")):
            data = stream.read(int(line.split()[3]) + 2)
            yield data[:-2].decode("utf-8", "replace")


def read_resp(stream: Reply) -> Iterator[str]:
    """One RESP2 reply, as valkey-cli prints it. ConnectionError when the server closed."""
    line = _line(stream)
    kind, rest = line[:1], line[1:].decode("utf-8", "replace")
    match kind:
        case b"+":
            yield rest
        case b"-":
            yield f"(error) {rest}"
        case b":":
            yield f"(integer) {rest}"
        case b"$" if rest == "-1":
            yield "(nil)"
        case b"$":
            data = stream.read(int(rest) + 2)[:-2]
            yield '"' + data.decode("utf-8", "backslashreplace") + '"'
        case b"*" if int(rest) <= 0:
            yield "(empty array)"
        case b"*":
            for number in range(1, int(rest) + 1):
                for at, said in enumerate(read_resp(stream)):
                    yield f"{number}) {said}" if at == 0 else f"   {said}"
        case _:
            yield line.decode("utf-8", "replace")


def _line(stream: Reply) -> bytes:
    line = stream.readline()
    if not line.endswith(b"\r\n"):
        raise ConnectionError("the engine closed the connection")
    return line[:-2]


def _lines(prompt: str) -> Iterator[str]:
    """Lines of standard input, asked for with a prompt when a person types them."""
    while True:
        if sys.stdin.isatty():
            click.echo(prompt, nl=False)
        line = sys.stdin.readline()
        if not line:
            return
        if line.strip():
            yield line.strip()
