"""Two passwords are hashed at once, never more; whoever would wait too long is sent away."""

from concurrent.futures import ThreadPoolExecutor
from threading import Event, Lock

from millpond.services.signin import PasswordChecks
from millpond.visit import Refused
from tests.support.waiting import eventually


class Slow:
    """Verifies when told to, and counts how many are at it."""

    def __init__(self) -> None:
        self.go = Event()
        self.now = self.most = 0
        self._lock = Lock()

    def verify(self, password: str, hashed: str) -> bool:
        with self._lock:
            self.now += 1
            self.most = max(self.most, self.now)
        self.go.wait(10)
        with self._lock:
            self.now -= 1
        return hashed == password


def checks(slow: Slow) -> PasswordChecks:
    return PasswordChecks(hash_password=lambda password: password, verify=slow.verify)


def test_two_at_once_and_the_seventeenth_is_sent_away():
    slow = Slow()
    guarded = checks(slow)
    with ThreadPoolExecutor(20) as people:
        waiting = [people.submit(guarded.verify, "x", "x") for _ in range(20)]
        try:
            eventually(lambda: sum(each.done() for each in waiting) == 4, "four are sent away")
        finally:
            slow.go.set()
        outcomes = [each.exception() for each in waiting]
    refused = [each for each in outcomes if isinstance(each, Refused)]
    assert [each.status for each in refused] == [503] * 4
    assert outcomes.count(None) == 16
    assert slow.most == 2


def test_nobody_costs_as_much_as_somebody_and_is_never_right():
    slow = Slow()
    slow.go.set()
    guarded = checks(slow)
    assert not guarded.verify("the password of nobody", "")
    assert slow.most == 1


def test_an_endless_password_is_wrong_even_when_its_beginning_is_right():
    slow = Slow()
    slow.go.set()
    assert not checks(slow).verify("x" * 129, "x" * 128)
