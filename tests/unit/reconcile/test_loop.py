"""The loop: one pass a key at a time, wake-ups without data, back-off per key, a sentence for every pass."""

import asyncio
import itertools
from collections.abc import Callable, Iterable
from datetime import UTC, datetime

import pytest

from millpond.kernel.clock import SettableClock
from millpond.operation import NotYet
from millpond.reconcile.loop import Loop, Outcome

pytestmark = pytest.mark.looptime


class Recorder:
    """A controller that answers from a script and notes when each pass began."""

    name = "pond"

    def __init__(self, answer: Callable[[str, int], Outcome], keys: Iterable[str] = ()) -> None:
        self.passes: list[tuple[str, float]] = []
        self.running: set[str] = set()
        self._answer = answer
        self._keys = list(keys)
        self.duration = 0.0

    def keys(self) -> Iterable[str]:
        return self._keys

    async def reconcile(self, key: str) -> Outcome:
        assert key not in self.running, "two passes for one key at once"
        self.running.add(key)
        self.passes.append((key, asyncio.get_running_loop().time()))
        await asyncio.sleep(self.duration)
        self.running.discard(key)
        return self._answer(key, sum(each == key for each, _ in self.passes))

    def count(self, key: str) -> int:
        return sum(each == key for each, _ in self.passes)


def make(recorder: Recorder, *, resync_seconds: float = 1000) -> Loop:
    return Loop([recorder], SettableClock(datetime(2026, 11, 22, tzinfo=UTC)), resync_seconds=resync_seconds)


async def run_for(loop: Loop, seconds: float) -> None:
    task = asyncio.create_task(loop.run())
    await asyncio.sleep(seconds)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_every_key_is_looked_at_when_the_loop_starts_and_at_every_resync():
    recorder = Recorder(lambda _key, _n: Outcome(why="quiet"), ["a", "b"])
    await run_for(make(recorder, resync_seconds=10), 25)
    assert recorder.count("a") == recorder.count("b") == 3


async def test_a_decision_is_followed_by_another_pass_at_once():
    recorder = Recorder(lambda _key, n: Outcome(why="decided", again=n < 4), ["a"])
    await run_for(make(recorder), 1)
    assert recorder.count("a") == 4


async def test_wakes_during_a_pass_lead_to_one_more_pass_not_to_two_at_once():
    recorder = Recorder(lambda _key, _n: Outcome(why="quiet"), ["a"])
    recorder.duration = 5
    loop = make(recorder)
    task = asyncio.create_task(loop.run())
    await asyncio.sleep(1)
    for _ in range(10):
        loop.wake("pond", "a")
    await asyncio.sleep(20)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert recorder.count("a") == 2


async def test_settle_looks_again_after_its_time():
    recorder = Recorder(lambda _key, _n: Outcome(why="waiting", settle=3), ["a"])
    await run_for(make(recorder), 10)
    assert [at for _, at in recorder.passes] == pytest.approx([0, 3, 6, 9], abs=0.1)


async def test_a_failing_key_backs_off_alone_and_recovers():
    def answer(key: str, n: int) -> Outcome:
        if key == "bad" and n < 6:
            raise RuntimeError("boom")
        return Outcome(why="fine", settle=1)

    recorder = Recorder(answer, ["bad", "good"])
    loop = make(recorder)
    await run_for(loop, 30)
    gaps = [at for key, at in recorder.passes if key == "bad"]
    waits = [later - earlier for earlier, later in itertools.pairwise(gaps)]
    assert waits[:5] == pytest.approx([0.25, 0.5, 1, 2, 4], abs=0.1)
    assert waits[5:] == pytest.approx([1] * len(waits[5:]), abs=0.1)
    assert recorder.count("good") in {30, 31}


async def test_given_a_key_in_trouble_then_what_happens_on_the_machine_does_not_shorten_its_back_off():
    def answer(_key: str, n: int) -> Outcome:
        loop.notice("pond", "a")
        return Outcome(why="it ended again", trouble=True) if n < 5 else Outcome(why="quiet")

    recorder = Recorder(answer, ["a"])
    recorder.duration = 0.01
    loop = make(recorder)
    task = asyncio.create_task(run_for(loop, 6))
    for _ in range(300):
        await asyncio.sleep(0.01)
        loop.notice("pond", "a")
    await task
    passes = [at for _, at in recorder.passes]
    assert passes[:5] == pytest.approx([0, 0.26, 0.77, 1.78, 3.79], abs=0.1)


async def test_given_a_quiet_key_then_what_happens_on_the_machine_is_looked_at_at_once():
    recorder = Recorder(lambda _key, _n: Outcome(why="quiet"), ["a"])
    recorder.duration = 0.5
    loop = make(recorder)
    task = asyncio.create_task(run_for(loop, 5))
    await asyncio.sleep(0.2)
    loop.notice("pond", "a")
    await asyncio.sleep(1.3)
    loop.notice("pond", "a")
    await task
    assert [at for _, at in recorder.passes] == pytest.approx([0, 0.5, 1.5], abs=0.1)


async def test_not_yet_is_a_reason_and_not_an_error():
    def answer(_key: str, _n: int) -> Outcome:
        raise NotYet("the disk is full")

    recorder = Recorder(answer, ["a"])
    loop = make(recorder)
    await run_for(loop, 0.1)
    (activation,) = loop.activations()
    assert (activation.why, activation.failures) == ("the disk is full", 1)


async def test_a_key_that_fails_for_days_is_still_looked_at():
    recorder = Recorder(lambda _key, _n: Outcome(why="in trouble", trouble=True), ["a"])
    loop = make(recorder)
    await run_for(loop, 2 * 86_400)
    (activation,) = loop.activations()
    assert activation.failures > 1100
    assert recorder.passes[-1][1] > 1.9 * 86_400


async def test_a_controller_that_cannot_list_its_keys_does_not_end_the_loop():
    class Broken(Recorder):
        def keys(self) -> Iterable[str]:
            raise OSError("no database")

    recorder = Broken(lambda _key, _n: Outcome(why="quiet"))
    loop = make(recorder, resync_seconds=5)
    task = asyncio.create_task(loop.run())
    await asyncio.sleep(12)
    assert not task.done()
    loop.wake("pond", "a")
    await asyncio.sleep(1)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert recorder.count("a") == 1


async def test_waking_before_the_loop_runs_is_harmless():
    recorder = Recorder(lambda _key, _n: Outcome(why="quiet"), ["a"])
    loop = make(recorder)
    loop.wake("pond", "a")
    await run_for(loop, 1)
    assert recorder.count("a") == 1
