"""Reading the requests of one client just well enough to find the few that the front answers itself. No I/O.

Everything else passes unread, data blocks above all: a value that looks like a command is never taken for one. The
rules are memcached's own (doc/protocol.txt, proto_text.c, protocol_binary.h).

A request that the front answers is replaced by one that memcached answers with a token of our choice (a delete, or in
the binary protocol a get, of a key that nobody has). Where the token comes back among the answers, ours belongs: so
answers stay in order under pipelining without anybody counting them.
"""

import struct
from collections.abc import Callable, Container
from typing import NamedTuple

DISCOVERY_KEY = b"AmazonElastiCache:cluster"
"""What clients of engines before 1.4.14 get."""

_LINE_LIMIT = 2048
"""Longer lines are no commands that concern the front (memcached itself refuses them but for long gets)."""
_KEY_LIMIT = 250
_INT_MAX = 2**31 - 1

_HEADER = struct.Struct(">BBHBBHIIQ")
_REQUEST, _RESPONSE = 0x80, 0x81
_GETK, _CONFIG_GET = 0x0C, 0x60
_NOT_FOUND = 1

_NL = b"\n"
_INTERESTING = frozenset(b"gcsarpml")
_STORAGE = {b"set": 5, b"add": 5, b"replace": 5, b"append": 5, b"prepend": 5, b"cas": 6}


class Own(NamedTuple):
    """A request that the front answers itself."""

    asked: bytes
    """What memcached is asked in its place."""
    token: bytes
    """What comes back then, uniquely."""
    reply: bytes


class Rules(NamedTuple):
    """What the front knows of its node."""

    payload: Callable[[], bytes]
    """Returns what auto discovery tells at this moment: `12\\nhost|ip|port host|ip|port\\n`."""
    token: Callable[[], bytes]
    """Returns a word of letters and digits that was never used before."""
    refused: Container[bytes] = ()
    """Commands that are answered with ERROR."""
    ascii_only: bool = False


class Requests:
    """The requests of one connection."""

    __slots__ = ("_binary", "_long", "_rules", "_skip", "_started")

    def __init__(self, rules: Rules) -> None:
        self._rules = rules
        self._started = False
        self._binary = False
        self._skip = 0
        self._long = False

    def read(self, data: bytearray | bytes, end: int) -> tuple[int, list[tuple[int, int, Own]]]:
        """Read `data[:end]`, which follows what was read before.

        Returns how much of it is settled; the rest must be given again with more behind it. And where in the settled
        part requests of the front's own stand: (start, stop, what to do instead).
        """
        if not self._started and end:
            self._started = True
            self._binary = data[0] == _REQUEST and not self._rules.ascii_only
        return self._read_binary(data, end) if self._binary else self._read_text(data, end)

    def _read_text(self, data: bytearray | bytes, end: int) -> tuple[int, list[tuple[int, int, Own]]]:
        own: list[tuple[int, int, Own]] = []
        at = min(self._skip, end)
        self._skip -= at
        while at < end:
            stop = data.find(_NL, at, end)
            if stop < 0:
                if self._long or end - at > _LINE_LIMIT:
                    self._long = True
                    at = end
                break
            stop += 1
            if self._long:
                self._long = False
            elif data[at] in _INTERESTING:
                line = bytes(data[at : min(stop, at + _LINE_LIMIT)])
                answer = self._text_answer(line)
                if answer is not None:
                    own.append((at, stop, answer))
                else:
                    block = data_block(line)
                    stop, self._skip = min(stop + block, end), max(stop + block - end, 0)
            at = stop
        return at, own

    def _text_answer(self, line: bytes) -> Own | None:
        first = line[0]
        if first == 0x67:  # g: nearly every request; only one key concerns us
            if line[4:29] != DISCOVERY_KEY or line.split() != [b"get", DISCOVERY_KEY]:
                return None
            payload = self._rules.payload()
            reply = b"VALUE %b 0 %d\r\n%b\r\nEND\r\n" % (DISCOVERY_KEY, len(payload), payload)
        elif first in b"cls":
            words = line.split(maxsplit=3)
            if words[0] in self._rules.refused:
                reply = b"ERROR\r\n"
            elif words[:2] != [b"config", b"get"] or len(words) != 3:
                return None
            elif words[2] == b"cluster":
                payload = self._rules.payload()
                reply = b"CONFIG cluster 0 %d\r\n%b\r\nEND\r\n" % (len(payload), payload)
            else:
                reply = b"END\r\n"
        else:
            return None
        token = self._rules.token()
        return Own(asked=b"md millpond:%b O%b\r\n" % (token, token), token=b"O%b\r\n" % token, reply=reply)

    def _read_binary(self, data: bytearray | bytes, end: int) -> tuple[int, list[tuple[int, int, Own]]]:
        own: list[tuple[int, int, Own]] = []
        at = min(self._skip, end)
        self._skip -= at
        while end - at >= _HEADER.size:
            _, opcode, key_size, extras, _, _, body, opaque, _ = _HEADER.unpack_from(data, at)
            stop = at + _HEADER.size + body
            if opcode == _CONFIG_GET and body <= _LINE_LIMIT:
                if stop > end:
                    break
                start = at + _HEADER.size + extras
                own.append((at, stop, self._binary_answer(bytes(data[start : start + key_size]), opaque)))
            self._skip = max(stop - end, 0)
            at = min(stop, end)
        return at, own

    def _binary_answer(self, key: bytes, opaque: int) -> Own:
        if key == b"cluster":
            body = b"\0\0\0\0" + self._rules.payload()
            reply = _HEADER.pack(_RESPONSE, _CONFIG_GET, 0, 4, 0, 0, len(body), opaque, 0) + body
        else:
            reply = _HEADER.pack(_RESPONSE, _CONFIG_GET, 0, 0, 0, _NOT_FOUND, 0, opaque, 0)
        name = b"millpond:" + self._rules.token()
        size = len(name)
        return Own(
            asked=_HEADER.pack(_REQUEST, _GETK, size, 0, 0, 0, size, 0, 0) + name,
            token=_HEADER.pack(_RESPONSE, _GETK, size, 0, 0, _NOT_FOUND, size, 0, 0) + name,
            reply=reply,
        )


def data_block(line: bytes) -> int:
    """How many octets of data follow a command line, its CRLF included; none after a line that memcached refuses."""
    words = line.removesuffix(b"\n").removesuffix(b"\r").split(b" ")
    if b"" in words:
        words = [word for word in words if word]
    if not words:
        return 0
    if words[0] == b"ms":
        return _meta_block(words)
    size = _STORAGE.get(words[0])
    if size is None or len(words) not in {size, size + 1} or len(words[1]) > _KEY_LIMIT:
        return 0
    if not (_is_number(words[2]) and _is_number(words[3].removeprefix(b"-"))):
        return 0
    return _block(words[4])


def answer_start(answers: bytes, found: int) -> int:
    """Where memcached's answer to a replaced text request begins, whose token was found at `found`."""
    # `NF Otoken`; 1.6.9 writes two spaces.
    return answers.rfind(b"NF", max(found - 4, 0), found)


def _meta_block(words: list[bytes]) -> int:
    if len(words) < 3 or len(words[1]) > _KEY_LIMIT:
        return 0
    if _is_number(words[2]):
        return _block(words[2])
    # The first releases of the 1.6 line gave the size as a flag.
    return next((_block(word[1:]) for word in words[2:] if word[:1] == b"S"), 0)


def _block(word: bytes) -> int:
    return int(word) + 2 if _is_number(word) and int(word) <= _INT_MAX - 2 else 0


def _is_number(word: bytes) -> bool:
    return word.isdigit() and len(word) <= 20
