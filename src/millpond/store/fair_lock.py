"""A lock that is given out in the order in which it was asked for."""

import threading
from collections import deque
from types import TracebackType


class FairLock:
    """First come, first served; not reentrant.

    `threading.Lock` may hand itself back to the thread that just let go, and SQLite's busy-wait sleeps at random:
    with either, one writer of many can starve.
    """

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._waiting: deque[threading.Lock] = deque()
        self._held = False

    def __enter__(self) -> None:
        with self._guard:
            if not self._held:
                self._held = True
                return
            ticket = threading.Lock()
            ticket.acquire()
            self._waiting.append(ticket)
        try:
            ticket.acquire()
        except BaseException:
            self._give_up(ticket)
            raise

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        with self._guard:
            if self._waiting:
                self._waiting.popleft().release()
            else:
                self._held = False

    def _give_up(self, ticket: threading.Lock) -> None:
        """An interrupted wait (Ctrl-C) must not keep a place in the queue, or the lock itself."""
        with self._guard:
            if ticket in self._waiting:
                self._waiting.remove(ticket)
                return
        self.__exit__(None, None, None)
