"""One coroutine a key, never two for the same key: woken by commits, host events, timers and a periodic resync.

A wake-up carries no data: what to do is found out anew at every pass, so a lost, doubled or late wake-up changes
nothing but the time. An exception is a `why` too: logged with its chain, back-off grows for that key alone.
"""

import asyncio
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Protocol

import msgspec

from millpond.kernel import log
from millpond.kernel.clock import Clock
from millpond.operation import NotYet

_LOG = log.get("reconcile")
_FIRST_BACKOFF = 0.25
_LONGEST_BACKOFF = 60.0


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What one pass came to."""

    why: str
    """One sentence for people: what was done, or what is waited for."""
    again: bool = False
    """Something was decided: look again at once."""
    settle: float | None = None
    """Seconds after which to look again, when nobody wakes the key before."""
    gone: bool = False
    """There is nothing of this key left to keep: forget it."""
    trouble: bool = False
    """The pass could not do its work: look again after the key's growing back-off."""


class Activation(msgspec.Struct, frozen=True, kw_only=True):
    """The last pass of a key, as `millpond explain` shows it."""

    controller: str
    key: str
    started_at: datetime
    seconds: float
    why: str
    passes: int
    """Since the control plane started."""
    failures: int
    """In a row, the last one included."""


class Controller(Protocol):
    """Keeps one kind of promise. `reconcile` takes only the key and may be called at any time, any number of times."""

    name: str

    def keys(self) -> Iterable[str]:
        """Every key there is now, for the resync."""
        ...

    async def reconcile(self, key: str) -> Outcome: ...


class _Key:
    """The loop's memory of one key; losing it costs time only."""

    def __init__(self) -> None:
        self.dirty = False
        self.noticed = False
        self.task: asyncio.Task[None] | None = None
        self.timer: asyncio.TimerHandle | None = None
        self.passes = 0
        self.failures = 0


class Loop:
    """Runs controllers until cancelled. `wake` may be called from any thread."""

    def __init__(
        self, controllers: Sequence[Controller], clock: Clock, *, resync_seconds: float, at_once: int = 16
    ) -> None:
        self._controllers = {each.name: each for each in controllers}
        self._clock = clock
        self._resync_seconds = resync_seconds
        self._slots = asyncio.Semaphore(at_once)
        self._keys: dict[tuple[str, str], _Key] = {}
        self._activations: dict[tuple[str, str], Activation] = {}
        self._asyncio: asyncio.AbstractEventLoop | None = None

    def keep(self, *controllers: Controller) -> None:
        """Run these too; before `run`, by whoever joins parts that need the loop to be woken."""
        self._controllers |= {each.name: each for each in controllers}

    def wake(self, controller: str, key: str) -> None:
        """Have `key` looked at soon. Before `run`, nothing happens: the first resync looks at everything."""
        if self._asyncio is not None and not self._asyncio.is_closed():
            self._asyncio.call_soon_threadsafe(self._wake, controller, key)

    def notice(self, controller: str, key: str) -> None:
        """Have `key` looked at because something happened on the machine; a key in trouble keeps to its back-off.

        What cannot live ends again as soon as it is started: were its end a wake-up, there would be no back-off.
        """
        if self._asyncio is not None and not self._asyncio.is_closed():
            self._asyncio.call_soon_threadsafe(self._notice, controller, key)

    def deliver(self, wakes: Iterable[tuple[str, str]]) -> None:
        """Wake many: what a transaction asked for, once it is committed."""
        for controller, key in wakes:
            self.wake(controller, key)

    def activations(self) -> Sequence[Activation]:
        """The last pass of every key."""
        return tuple(self._activations.values())

    async def run(self) -> None:
        """Resync for ever; on cancellation let every running pass be cancelled too."""
        self._asyncio = asyncio.get_running_loop()
        try:
            while True:
                await self.resync()
                await asyncio.sleep(self._resync_seconds)
        finally:
            running = [each.task for each in self._keys.values() if each.task is not None]
            for each in self._keys.values():
                if each.timer is not None:
                    each.timer.cancel()
            for task in running:
                task.cancel()
            await asyncio.gather(*running, return_exceptions=True)

    async def resync(self) -> None:
        """Wake every key of every controller."""
        for name, controller in self._controllers.items():
            try:
                keys = list(await asyncio.to_thread(controller.keys))
            except Exception:  # noqa: BLE001 - the loop's edge: one controller must not end the others
                _LOG.exception("resync.failed", controller=name)
                continue
            for key in keys:
                self._wake(name, key)

    def _wake(self, controller: str, key: str) -> None:
        if controller not in self._controllers:
            return
        state = self._keys.setdefault((controller, key), _Key())
        state.dirty = True
        if state.timer is not None:
            state.timer.cancel()
            state.timer = None
        if state.task is None:
            state.task = asyncio.get_running_loop().create_task(self._work(controller, key, state))

    def _notice(self, controller: str, key: str) -> None:
        state = self._keys.get((controller, key))
        if state is None or (state.task is None and not state.failures):
            self._wake(controller, key)
        elif state.task is not None:
            state.noticed = True

    async def _work(self, controller: str, key: str, state: _Key) -> None:
        try:
            while state.dirty:
                state.dirty = state.noticed = False
                async with self._slots:
                    outcome = await self._pass(self._controllers[controller], key, state)
                state.dirty |= state.noticed and not outcome.trouble
                delay = _backoff(state.failures) if outcome.trouble else outcome.settle
                if outcome.gone and not state.dirty:
                    self._keys.pop((controller, key), None)
                    self._activations.pop((controller, key), None)
                elif outcome.again:
                    state.dirty = True
                elif delay is not None and not state.dirty:
                    state.timer = asyncio.get_running_loop().call_later(delay, self._wake, controller, key)
        finally:
            state.task = None

    async def _pass(self, controller: Controller, key: str, state: _Key) -> Outcome:
        started_at, started = self._clock.now(), asyncio.get_running_loop().time()
        try:
            outcome = await controller.reconcile(key)
        except NotYet as reason:
            outcome = Outcome(why=str(reason), trouble=True)
        except Exception as error:  # noqa: BLE001 - the loop's edge: one key must not end the others
            _LOG.exception("reconcile.failed", controller=controller.name, key=key)
            outcome = Outcome(why=f"the last pass failed: {error or type(error).__name__}", trouble=True)
        state.passes += 1
        state.failures = state.failures + 1 if outcome.trouble else 0
        self._activations[controller.name, key] = Activation(
            controller=controller.name,
            key=key,
            started_at=started_at,
            seconds=asyncio.get_running_loop().time() - started,
            why=outcome.why,
            passes=state.passes,
            failures=state.failures,
        )
        return outcome


def _backoff(failures: int) -> float:
    # Failures may be many in the end, and a power of them more than a float holds.
    return min(_FIRST_BACKOFF * 2.0 ** min(failures - 1, 30), _LONGEST_BACKOFF)
