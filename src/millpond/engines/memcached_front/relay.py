"""Moving bytes between clients and memcached: one thread, epoll, one shared buffer.

What arrives is written on at once from the buffer it arrived in; only what the other side does not take is copied, and
then nothing more is read from this side until it is gone.
"""

import os
import select
import socket
from collections import deque
from collections.abc import Callable
from time import monotonic
from typing import NamedTuple

from millpond.engines.memcached_front.protocol import Own, Requests, Rules, answer_start

_BUFFER = 256 * 1024
_ACCEPTED_AT_ONCE = 64
_IN, _OUT = select.EPOLLIN, select.EPOLLOUT
_TOO_MANY = b"ERROR Too many open connections\r\n"


class Limits(NamedTuple):
    """What a node allows its clients."""

    connections: int
    refuse_at_once: bool
    """Say so when there are too many (`maxconns_fast`), instead of letting them wait."""
    idle_seconds: int
    """0: for ever."""


class Link:
    """One client and its connection to memcached."""

    __slots__ = (
        *("client", "client_done", "client_mask", "expected", "heard", "held", "open"),
        *("requests", "server", "server_mask", "tail", "to_client", "to_server"),
    )

    def __init__(self, client: socket.socket, server: socket.socket, rules: Rules) -> None:
        self.client = client
        self.server = server
        self.requests = Requests(rules)
        self.held = b""
        """The beginning of a request of which more must come."""
        self.expected: deque[Own] = deque()
        self.tail = b""
        """The end of the answers so far, in which a token may have begun."""
        self.to_server = bytearray()
        self.to_client = bytearray()
        self.client_done = False
        self.client_mask = self.server_mask = _IN
        self.heard = 0.0
        self.open = True


class Relay:
    """Every connection of a node."""

    def __init__(self, listener: socket.socket, *, upstream: str, rules: Rules, limits: Limits) -> None:
        self._listener = listener
        self._upstream = upstream
        self._rules = rules
        self._limits = limits
        self._epoll = select.epoll()
        self._links: dict[int, Link] = {}
        """By descriptor of either side."""
        self._buffer = bytearray(_BUFFER)
        self._view = memoryview(self._buffer)
        self._accepting = True
        self._now = monotonic()
        self._swept = self._now

    def run(self, *, until: int, ended: Callable[[], None]) -> None:
        """Serve for ever; call `ended` when descriptor `until` becomes readable."""
        self._epoll.register(self._listener, _IN)
        self._epoll.register(until, _IN)
        listener = self._listener.fileno()
        wait = 1.0 if self._limits.idle_seconds else None
        while True:
            events = self._epoll.poll(wait)
            if wait:
                self._now = monotonic()
                self._sweep()
            for descriptor, event in events:
                link = self._links.get(descriptor)
                if link is not None:
                    self._serve(link, descriptor, event)
                elif descriptor == listener:
                    self._accept()
                elif descriptor == until:
                    ended()

    def _serve(self, link: Link, descriptor: int, event: int) -> None:
        try:
            if descriptor == link.client.fileno():
                if event & _OUT:
                    self._flush(link, link.to_client, link.client)
                if event & ~_OUT and link.open:
                    self._from_client(link)
            else:
                if event & _OUT:
                    self._flush(link, link.to_server, link.server)
                if event & ~_OUT and link.open:
                    self._from_server(link)
        except BlockingIOError:
            return
        except OSError:
            self._close(link)

    def _from_client(self, link: Link) -> None:
        if link.to_server:
            # Hung up while memcached takes no more: nobody is left to answer.
            self._close(link)
            return
        size = link.client.recv_into(self._buffer)
        if not size:
            self._client_finished(link)
            return
        link.heard = self._now
        data: bytearray | bytes = self._buffer
        if link.held:
            data = link.held + self._view[:size]
            size = len(data)
        settled, own = link.requests.read(data, size)
        if settled != size or link.held:
            link.held = bytes(data[settled:size])
        view = self._view if data is self._buffer else memoryview(data)
        at = 0
        for start, stop, instead in own:
            link.expected.append(instead)
            self._send(link, link.to_server, link.server, view[at:start])
            self._send(link, link.to_server, link.server, instead.asked)
            at = stop
        if at < settled:
            self._send(link, link.to_server, link.server, view[at:settled])

    def _client_finished(self, link: Link) -> None:
        # Answers to what was asked before are still owed (`printf … | nc`).
        link.client_done = True
        link.server.shutdown(socket.SHUT_WR)
        self._watch(link)

    def _from_server(self, link: Link) -> None:
        if link.to_client:
            self._close(link)
            return
        size = link.server.recv_into(self._buffer)
        if not size:
            self._send(link, link.to_client, link.client, link.tail)
            self._close(link)
        elif link.expected:
            self._send(link, link.to_client, link.client, self._answers(link, link.tail + self._view[:size]))
        else:
            self._send(link, link.to_client, link.client, self._view[:size])

    def _answers(self, link: Link, answers: bytes) -> bytes:
        """Put our answers where their tokens stand; keep back what may be the beginning of the next token."""
        ready: list[bytes] = []
        while link.expected:
            own = link.expected[0]
            found = answers.find(own.token)
            if found < 0:
                # Eight more for the words before a token.
                keep = max(len(answers) - len(own.token) - 8, 0)
                ready.append(answers[:keep])
                link.tail = answers[keep:]
                return b"".join(ready)
            start = found if own.token[0] == 0x81 else answer_start(answers, found)
            ready += (answers[:start], own.reply)
            answers = answers[found + len(own.token) :]
            link.expected.popleft()
        link.tail = b""
        ready.append(answers)
        return b"".join(ready)

    def _send(self, link: Link, waiting: bytearray, to: socket.socket, data: memoryview | bytes) -> None:
        if not waiting:
            try:
                sent = to.send(data)
            except BlockingIOError:
                sent = 0
            if sent == len(data):
                return
            data = data[sent:]
        waiting += data
        self._watch(link)

    def _flush(self, link: Link, waiting: bytearray, to: socket.socket) -> None:
        del waiting[: to.send(waiting)]
        if not waiting:
            self._watch(link)

    def _watch(self, link: Link) -> None:
        client = (0 if link.to_server or link.client_done else _IN) | (_OUT if link.to_client else 0)
        server = (0 if link.to_client else _IN) | (_OUT if link.to_server else 0)
        if client != link.client_mask:
            link.client_mask = client
            self._epoll.modify(link.client, client)
        if server != link.server_mask:
            link.server_mask = server
            self._epoll.modify(link.server, server)

    def _accept(self) -> None:
        for _ in range(_ACCEPTED_AT_ONCE):
            full = len(self._links) // 2 >= self._limits.connections
            if full and not self._limits.refuse_at_once:
                self._pause_accepting()
                return
            try:
                client, _ = self._listener.accept()
            except BlockingIOError:
                return
            except OSError:
                # Out of descriptors: those who wait get in when somebody leaves.
                self._pause_accepting()
                return
            if full:
                _refuse(client)
            else:
                self._welcome(client)

    def _welcome(self, client: socket.socket) -> None:
        server = socket.socket(socket.AF_UNIX)
        try:
            client.setblocking(False)
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            client.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            server.connect(self._upstream)
            server.setblocking(False)
            self._epoll.register(client, _IN)
            self._epoll.register(server, _IN)
        except OSError:
            client.close()
            server.close()
            return
        link = Link(client, server, self._rules)
        link.heard = self._now
        self._links[client.fileno()] = self._links[server.fileno()] = link

    def _pause_accepting(self) -> None:
        if self._accepting and self._links:
            self._accepting = False
            self._epoll.unregister(self._listener)

    def _close(self, link: Link) -> None:
        if not link.open:
            return
        link.open = False
        for side in (link.client, link.server):
            # Closing takes a descriptor out of epoll too.
            del self._links[side.fileno()]
            side.close()
        if not self._accepting:
            self._accepting = True
            self._epoll.register(self._listener, _IN)

    def _sweep(self) -> None:
        if self._now - self._swept < 1.0:
            return
        self._swept = self._now
        oldest = self._now - self._limits.idle_seconds
        for link in {id(link): link for link in self._links.values() if link.heard < oldest}.values():
            self._close(link)


def token_source() -> Callable[[], bytes]:
    """Words that nobody can guess or has used: a random beginning and a number that grows."""
    beginning = os.urandom(10).hex()
    numbers = iter(range(2**62))
    return lambda: b"%b%x" % (beginning.encode(), next(numbers))


def _refuse(client: socket.socket) -> None:
    try:
        client.setblocking(False)
        client.send(_TOO_MANY)
    except OSError:
        pass
    client.close()
