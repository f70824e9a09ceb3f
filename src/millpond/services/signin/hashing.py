"""Passwords, checked two at a time: hashing costs 19 MiB and 60 ms on purpose, and nobody may make us pay more."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from millpond.visit import Refused

LONGEST_PASSWORD = 128
"""Characters; AWS's limit for IAM users."""

_AT_ONCE = 2
_WAITING = 16
_PATIENCE = 10.0


class PasswordChecks:
    """Hashes and verifies, two at once; who would wait too long is told to come back.

    Never call it inside a transaction: the writer would wait for it.
    """

    def __init__(self, *, hash_password: Callable[[str], str], verify: Callable[[str, str], bool]) -> None:
        self._hash = hash_password
        self._verify = verify
        self._slots = threading.BoundedSemaphore(_AT_ONCE)
        self._places = threading.BoundedSemaphore(_WAITING)
        self._nobodys = hash_password("the password of nobody")

    def hash(self, password: str) -> str:
        with self._slot():
            return self._hash(password)

    def verify(self, password: str, hashed: str) -> bool:
        """Whether it is the password; takes as long where there is none (`hashed` is empty), and is then False."""
        with self._slot():
            is_right = self._verify(password[:LONGEST_PASSWORD], hashed or self._nobodys)
        return is_right and bool(hashed) and len(password) <= LONGEST_PASSWORD

    @contextmanager
    def _slot(self) -> Iterator[None]:
        if not self._places.acquire(blocking=False):
            raise _busy()
        try:
            if not self._slots.acquire(timeout=_PATIENCE):
                raise _busy()
            try:
                yield
            finally:
                self._slots.release()
        finally:
            self._places.release()


def _busy() -> Refused:
    return Refused("The server is busy. Try again in a moment.", status=503, retry_after=5)
