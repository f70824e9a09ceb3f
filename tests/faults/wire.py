"""One connection to an engine, as thin as can be: it never connects again by itself, so an answer is of one process."""

import contextlib
import socket
from typing import Any


class Refused(Exception):  # noqa: N818 - an answer, not a failure
    """The engine answered with an error."""


class Wire:
    """Speaks RESP2. Raises OSError when the connection is lost or silent for too long; then it is of no more use."""

    def __init__(self, address: str, port: int, *, seconds: float) -> None:
        self._socket = socket.create_connection((address, port), timeout=seconds)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._file = self._socket.makefile("rb")

    def ask(self, *words: str) -> Any:
        return self.ask_all([words])[0]

    def ask_all(self, commands: list[tuple[str, ...]]) -> list[Any]:
        """Several at once; Refused for the first that was refused, when all answers were read."""
        self._socket.sendall(b"".join(_encoded(each) for each in commands))
        answers = [self._answer() for _ in commands]
        for each in answers:
            if isinstance(each, Refused):
                raise each
        return answers

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._file.close()
            self._socket.close()

    def _answer(self) -> Any:
        line = self._file.readline()
        if not line.endswith(b"\r\n"):
            raise ConnectionResetError("the engine closed the connection")
        kind, rest = line[:1], line[1:-2].decode()
        match kind:
            case b"+":
                return rest
            case b"-":
                return Refused(rest)
            case b":":
                return int(rest)
            case b"$":
                return None if rest == "-1" else self._file.read(int(rest) + 2)[:-2].decode()
            case b"*":
                return [self._answer() for _ in range(int(rest))]
            case _:
                raise ConnectionResetError(f"not an answer: {line!r}")


def _encoded(words: tuple[str, ...]) -> bytes:
    parts = [f"*{len(words)}\r\n".encode()]
    for word in words:
        octets = word.encode()
        parts.append(b"$%d\r\n%s\r\n" % (len(octets), octets))
    return b"".join(parts)


def fields(text: str) -> dict[str, str]:
    """What INFO says."""
    return dict(line.split(":", 1) for line in text.splitlines() if ":" in line)
