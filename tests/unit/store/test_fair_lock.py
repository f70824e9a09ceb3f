"""The writers' queue."""

import contextlib
import threading

from millpond.store.fair_lock import FairLock


class Interrupted(BaseException):
    """Stands for Ctrl-C."""


class _Interrupting:
    """A ticket whose wait is interrupted, as a signal would."""

    def __init__(self) -> None:
        self.asked = 0

    def acquire(self) -> None:
        self.asked += 1
        if self.asked == 2:
            raise Interrupted

    def release(self) -> None: ...


def test_given_a_wait_that_is_interrupted_then_its_place_in_the_queue_is_given_up(monkeypatch):
    lock = FairLock()
    with lock:
        monkeypatch.setattr("millpond.store.fair_lock.threading.Lock", _Interrupting)
        try:
            with lock:
                raise AssertionError("the lock was given out twice")
        except Interrupted:
            pass
        monkeypatch.undo()
    taken = threading.Event()

    def take() -> None:
        with lock:
            taken.set()

    thread = threading.Thread(target=take, daemon=True)
    thread.start()
    assert taken.wait(5)
    thread.join(5)


def test_given_a_block_that_raises_then_the_lock_is_free_again():
    lock = FairLock()
    with contextlib.suppress(KeyError), lock:
        raise KeyError
    with lock:
        pass
