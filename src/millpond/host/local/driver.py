"""LocalHost: the contract of `host/spec.py` over real processes of this machine."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from ipaddress import IPv4Network
from pathlib import Path
from typing import Any

import msgspec

from millpond.host.check import check_name, check_spec
from millpond.host.local import addresses, ending, locks, proc, record
from millpond.host.local.exits import Exits
from millpond.host.local.files import Trash, tail, told
from millpond.host.local.launch import launch
from millpond.host.local.listeners import check_ports
from millpond.host.local.places import Places
from millpond.host.local.proc import Identity
from millpond.host.spec import Enforcement, HostError, Place, ProcessSpec, ProcessState

_LARGEST_LOG = 8 * 1024 * 1024
"""Octets; a longer log is put aside, as `log.1`, when its process starts again."""

Surround = Callable[[ProcessSpec, Callable[[ProcessSpec], Identity]], Identity]
"""Called on a thread with what is to be started and what starts it: may go elsewhere first, or change the command."""


class LocalHost:
    """The machine on which Millpond runs, as the user who runs it."""

    kind = "local"
    enforcement: Enforcement = "none"

    def __init__(
        self,
        home: Path,
        installation: str,
        *,
        claims: Path = addresses.SHARED,
        runtime: Path | None = None,
        grace_seconds: float = 10.0,
        surround: Surround | None = None,
    ) -> None:
        """Claim this installation's addresses and make its directories.

        `claims` is shared by all installations of the machine. `runtime` (default /tmp/millpond-UID) holds unix
        sockets when the home's path is too long for them. `surround` does each start in other surroundings than ours.
        Raise HostError when this machine will not do.
        """
        _check_platform()
        home = home.resolve()
        self._places = Places(home, runtime or Path(f"/tmp/millpond-{proc.user()}"))  # noqa: S108 - owner is checked
        with told(f"prepare {home}"):
            self._places.prepare()
        self.network: IPv4Network = addresses.Claims(claims).claim(home, installation)
        self._trash = Trash(self._places.trash)
        self._trash.empty()
        self._grace = grace_seconds
        self._surround = surround or (lambda spec, start: start(spec))
        self._exits = Exits()
        self._turns: dict[str, asyncio.Lock] = {}
        self._unfinished: set[asyncio.Task[None]] = set()

    @staticmethod
    def running(home: Path) -> Iterator[Identity]:
        """What was started in a home and runs, told without claiming anything."""
        nodes = home / "nodes"
        for directory in nodes.iterdir() if nodes.is_dir() else ():
            run = record.read_run(directory)
            if run is not None and proc.is_alive(run.identity):
                yield run.identity

    def place(self, name: str) -> Place:
        return self._places.place(name)

    async def observe(self, names: Sequence[str]) -> Mapping[str, ProcessState]:
        with told("look at processes"):
            seen = await asyncio.to_thread(lambda: [self._seen(name) for name in names])
        states = {}
        for found in seen:
            if found is not None:
                state, identity = found
                if state.running and self._exits.follow(state.name, identity) is None:
                    state = msgspec.structs.replace(state, running=False, pid=0)  # it ended just now
                if not state.running:
                    how = self._exits.how(state.name, identity)
                    state = msgspec.structs.replace(state, exit=f"{how}; {state.exit}" if state.exit else how)
                states[state.name] = state
        return states

    async def names(self) -> frozenset[str]:
        def found() -> frozenset[str]:
            return frozenset(self._directories()) | ending.strays(self._places.nodes).keys()

        with told("list processes"):
            return await asyncio.to_thread(found)

    async def ensure_process(self, spec: ProcessSpec) -> None:
        check_spec(spec)
        await self._finished(self._ensure(spec))

    async def rewrite_files(self, spec: ProcessSpec) -> None:
        check_spec(spec)
        await self._finished(self._rewrite(spec))

    async def stop_process(self, name: str) -> None:
        check_name(name)
        await self._finished(self._stop(name))

    async def remove_process(self, name: str) -> None:
        check_name(name)
        await self._finished(self._remove(name))

    def watch(self, on_exit: Callable[[str], None]) -> None:
        self._exits.listen(on_exit)
        with told("look for running processes"):
            for name in self._directories():
                run = record.read_run(self._places.directory(name))
                if run is not None and proc.is_alive(run.identity):
                    self._exits.follow(name, run.identity)

    async def close(self) -> None:
        await asyncio.gather(*self._unfinished, return_exceptions=True)
        self._exits.close()

    async def _ensure(self, spec: ProcessSpec) -> None:
        directory = self._places.directory(spec.name)
        with told(f"start {spec.name}"):
            async with self._turn(spec.name):
                await asyncio.to_thread(directory.mkdir, mode=0o700, exist_ok=True)
                async with self._held(spec.name) as lock:
                    if lock is None:
                        raise HostError(f"{directory} was removed meanwhile.")
                    run = record.read_run(directory)
                    if run is not None and run.incarnation == spec.incarnation and proc.is_alive(run.identity):
                        await asyncio.to_thread(record.write_files, directory, spec)
                        identity = run.identity
                    else:
                        _check_program(spec)
                        await self._end(spec.name, run, grace=self._grace)
                        held = lock
                        identity = await asyncio.to_thread(
                            self._surround, spec, lambda surrounded: self._start(surrounded, held)
                        )
                    self._exits.follow(spec.name, identity)

    async def _rewrite(self, spec: ProcessSpec) -> None:
        directory = self._places.directory(spec.name)
        with told(f"rewrite the files of {spec.name}"):
            async with self._turn(spec.name), self._held(spec.name) as lock:
                run = record.read_run(directory) if lock is not None else None
                if run is not None and run.incarnation == spec.incarnation and proc.is_alive(run.identity):
                    await asyncio.to_thread(record.write_files, directory, spec)

    async def _stop(self, name: str) -> None:
        with told(f"stop {name}"):
            async with self._turn(name), self._held(name):
                await self._end(name, record.read_run(self._places.directory(name)), grace=self._grace)

    async def _remove(self, name: str) -> None:
        directory = self._places.directory(name)
        with told(f"remove {name}"):
            async with self._turn(name), self._held(name):
                await self._end(name, record.read_run(directory), grace=0)
                await asyncio.to_thread(self._trash.discard, directory)
                self._exits.forget(name)

    def _start(self, spec: ProcessSpec, lock: int) -> Identity:
        """Lay everything out, and start. Nothing of this name runs, and the lock is held."""
        check_ports(spec.address, spec.ports)
        place = self.place(spec.name)
        for volume in record.volumes(place.directory, spec):
            if volume.name != spec.volume:
                self._trash.discard(volume)
        (place.directory / spec.volume).mkdir(mode=0o700, exist_ok=True)
        record.write_files(place.directory, spec)
        record.shorten_run(place.directory)
        size = place.log.stat().st_size if place.log.exists() else 0
        if size > _LARGEST_LOG:
            place.log.replace(place.directory / "log.1")
            size = 0
        record.write_setup(
            place.directory, record.Setup(files=tuple(sorted(file.path for file in spec.files)), log_start=size)
        )
        place.socket.unlink(missing_ok=True)
        return launch(spec, place.directory, lock=lock, log=place.log)

    async def _end(self, name: str, run: record.Run | None, *, grace: float) -> None:
        """End everything of this name: the started process first and in peace, if there is a grace, then the rest."""
        identity = run.identity if run is not None else None
        followed = self._exits.follow(name, identity) if identity is not None else None
        if followed is not None and grace:
            followed.terminate()
            await followed.until_ended(grace)
        await asyncio.to_thread(ending.kill_all, self._places.directory(name), identity)
        if identity is not None:
            self._exits.how(name, identity)
        self.place(name).socket.unlink(missing_ok=True)

    def _seen(self, name: str) -> tuple[ProcessState, Identity] | None:
        directory = self._places.directory(name)
        run = record.read_run(directory)
        if run is None:
            return None
        setup = record.read_setup(directory)
        running = proc.is_alive(run.identity)
        last_words = "" if running else tail(directory / "log", since=setup.log_start)
        state = ProcessState(
            name=name,
            incarnation=run.incarnation,
            running=running,
            pid=run.identity.pid if running else 0,
            files_digest=record.digest_on_disk(directory, setup.files),
            volume=run.volume,
            exit=f"its log ends: {last_words}" if last_words else "",
        )
        return state, run.identity

    def _directories(self) -> Sequence[str]:
        with os.scandir(self._places.nodes) as entries:
            return [entry.name for entry in entries if entry.is_dir(follow_symlinks=False)]

    def _turn(self, name: str) -> asyncio.Lock:
        """Changes of one name come one after the other."""
        return self._turns.setdefault(name, asyncio.Lock())

    @asynccontextmanager
    async def _held(self, name: str) -> AsyncIterator[int | None]:
        """Hold the lock of a process's directory; None when there is no directory."""
        descriptor = await asyncio.to_thread(locks.acquire, self._places.directory(name))
        try:
            yield descriptor
        finally:
            if descriptor is not None:
                os.close(descriptor)

    async def _finished(self, work: Coroutine[Any, Any, None]) -> None:
        """Wait for a change, which goes on to its end even if the caller is cancelled: half a start helps nobody."""
        task = asyncio.create_task(work)
        self._unfinished.add(task)
        task.add_done_callback(self._unfinished.discard)
        await asyncio.shield(task)


def _check_platform() -> None:
    if sys.platform != "linux" or not hasattr(os, "pidfd_open"):
        raise HostError(f"The local driver needs Linux 5.4 or later, and this is {sys.platform}: use a Linux machine.")
    try:
        os.close(os.pidfd_open(os.getpid()))
    except OSError as error:
        raise HostError(f"The kernel does not let us follow processes (pidfd_open: {error.strerror}).") from error
    if not Path("/proc/self/stat").exists():
        raise HostError("The local driver finds its processes in /proc, which is not mounted.")


def _check_program(spec: ProcessSpec) -> None:
    program = Path(spec.argv[0])
    if not program.is_file() or not os.access(program, os.X_OK):
        raise HostError(f"{program} is not a program that can be run: install the engine again.")
