"""The holder of an ordinary user's networks: a program of its own, in the standard library alone, that outlives us.

    python -I -S holder.py DIRECTORY new | here | join PID

`new` makes a user namespace in which this user is root, with a mount namespace whose /run/netns is free for names;
`join` enters those of a process, `here` stays in those that it was started in. They last as long as anybody lives in
them. The lock of the directory says that a holder lives, `holder.json` which process it is, and `holder.sock` takes the
doors: addresses of the machine's loopback at which programs of the machine reach caches, through the leg of a VPC.
"""

import asyncio
import contextlib
import ctypes
import errno
import fcntl
import json
import os
import signal
import socket
import sys
import threading
from pathlib import Path
from typing import Any

CLONE_NEWNS, CLONE_NEWUSER, CLONE_NEWNET = 0x00020000, 0x10000000, 0x40000000
_MS_NOSUID, _MS_NODEV, _MS_BIND, _MS_MOVE, _MS_REC = 0x2, 0x4, 0x1000, 0x2000, 0x4000
_RUN = Path("/run")
_NAMES = _RUN / "netns"
_CONNECTIONS = 4096
_DIAL_SECONDS = 30.0
_SENT_AHEAD = 1 << 20
_LIBC = ctypes.CDLL(None, use_errno=True)

Door = tuple[str, int]


def called(what: str, result: int) -> None:
    """Raise the OSError of a C call that failed."""
    if result:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")


def become_root_of_our_own() -> None:
    """A user namespace where this user is root and nobody else exists (user_namespaces(7)), and mounts of our own."""
    user, group = os.geteuid(), os.getegid()
    called("a user namespace cannot be made", _LIBC.unshare(CLONE_NEWUSER | CLONE_NEWNS))
    for name, content in (("setgroups", "deny"), ("uid_map", f"0 {user} 1"), ("gid_map", f"0 {group} 1")):
        Path("/proc/self", name).write_text(content, encoding="ascii")


def lay_run(scratch: Path) -> None:
    """A /run of our own with everything of the machine's in it, so that `ip netns` has a place for its names.

    `scratch` is an empty directory. What the machine adds to the top of its /run later does not show.
    """
    _mount("tmpfs", scratch, "tmpfs", _MS_NOSUID | _MS_NODEV, "mode=755")
    for entry in _RUN.iterdir():
        here = scratch / entry.name
        if entry == _NAMES:
            continue
        if entry.is_symlink():
            here.symlink_to(entry.readlink())
            continue
        if entry.is_dir():
            here.mkdir()
        else:
            here.touch()
        with contextlib.suppress(OSError):  # it went meanwhile
            _mount(entry, here, None, _MS_BIND | _MS_REC, None)
    (scratch / _NAMES.name).mkdir()
    _mount(scratch, _RUN, None, _MS_MOVE, None)


def enter(pid: int) -> None:
    """Enter the user and mount namespaces of a process of this user; only while we are a single thread (setns(2))."""
    descriptor = os.pidfd_open(pid)
    before = Path.cwd()
    try:
        called("its namespaces cannot be entered", _LIBC.setns(descriptor, CLONE_NEWUSER | CLONE_NEWNS))
    finally:
        os.close(descriptor)
    os.chdir(before)


def _mount(source: Path | str, target: Path, kind: str | None, flags: int, options: str | None) -> None:
    encoded = (None if each is None else os.fsencode(each) for each in (source, target, kind))
    data = None if options is None else options.encode()
    called(f"{target} cannot be mounted", _LIBC.mount(*encoded, ctypes.c_ulong(flags), data))


class Pump(asyncio.Protocol):
    """One end of a connection through a door: what it hears, the other end says."""

    def __init__(self, lives: "set[Pump]") -> None:
        self._lives = lives
        self.other: Pump | None = None
        self.transport: asyncio.Transport | None = None
        self.is_done = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        transport.set_write_buffer_limits(_SENT_AHEAD)
        self._lives.add(self)

    def data_received(self, data: bytes) -> None:
        if self.other is not None and self.other.transport is not None:
            self.other.transport.write(data)

    def eof_received(self) -> bool:
        """Whether this end stays open, to hear what the other one still says."""
        self.is_done = True
        if self.other is None or self.other.transport is None:
            return False
        if self.other.transport.can_write_eof():
            self.other.transport.write_eof()
        if self.other.is_done:
            self.other.transport.close()
        return not self.other.is_done

    def pause_writing(self) -> None:
        if self.other is not None and self.other.transport is not None:
            self.other.transport.pause_reading()

    def resume_writing(self) -> None:
        if self.other is not None and self.other.transport is not None:
            self.other.transport.resume_reading()

    def connection_lost(self, error: Exception | None) -> None:
        self._lives.discard(self)
        if self.other is not None and self.other.transport is not None:
            if error is None:
                self.other.transport.close()
            else:
                self.other.transport.abort()


class Doors:
    """Listeners in the machine's network, and what goes through them."""

    def __init__(self) -> None:
        self._standing: dict[Door, tuple[asyncio.Server, dict[str, Any]]] = {}
        self._lives: set[Pump] = set()
        self._coming: set[asyncio.Task[None]] = set()

    async def make(self, wanted: list[dict[str, Any]]) -> dict[str, str]:
        """Let exactly these doors stand; why those that could not be opened could not."""
        by_door = {(each["address"], each["port"]): each for each in wanted}
        for door in [door for door, (_, way) in self._standing.items() if by_door.get(door) != way]:
            self._standing.pop(door)[0].close()
        failed = {}
        for door, way in by_door.items():
            if door not in self._standing:
                try:
                    self._standing[door] = (await self._opened(door, way), way)
                except OSError as error:
                    failed[f"{door[0]}:{door[1]}"] = error.strerror or str(error)
        return failed

    async def _opened(self, door: Door, way: dict[str, Any]) -> asyncio.Server:
        def accepted() -> asyncio.Protocol:
            return _Arrival(lambda arrived: self._pass(arrived, way), self._lives)

        return await asyncio.get_running_loop().create_server(accepted, *door, backlog=512)

    def _pass(self, arrived: Pump, way: dict[str, Any]) -> None:
        assert arrived.transport is not None
        if len(self._lives) > 2 * _CONNECTIONS:
            arrived.transport.abort()
            return
        # Later than now: some versions of asyncio begin to read right after they tell of a connection.
        asyncio.get_running_loop().call_soon(arrived.transport.pause_reading)
        task = asyncio.create_task(self._through(arrived, way))
        self._coming.add(task)
        task.add_done_callback(self._coming.discard)

    async def _through(self, arrived: Pump, way: dict[str, Any]) -> None:
        """Call from the leg, so that the groups decide: what they drop, hears nothing here either."""
        assert arrived.transport is not None
        loop = asyncio.get_running_loop()
        try:
            inner = await asyncio.to_thread(_socket_inside, way["through"])
            try:
                async with asyncio.timeout(_DIAL_SECONDS):
                    await loop.sock_connect(inner, (way["to"][0], way["to"][1]))
                _, leaving = await loop.create_connection(lambda: Pump(self._lives), sock=inner)
            except BaseException:
                inner.close()
                raise
        except (OSError, TimeoutError):
            arrived.transport.abort()
            return
        arrived.other, leaving.other = leaving, arrived
        if arrived.transport.is_closing():
            assert leaving.transport is not None
            leaving.transport.abort()
            return
        arrived.transport.resume_reading()


class _Arrival(Pump):
    """The end that came through the door."""

    def __init__(self, arrived: Any, lives: "set[Pump]") -> None:
        super().__init__(lives)
        self._arrived = arrived

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self._arrived(self)


def _socket_inside(namespace: str) -> socket.socket:
    """A TCP socket of a namespace: a thread enters it, and ends with its errand, since there is no way back."""
    made: list[socket.socket] = []
    failed: list[OSError] = []

    def run() -> None:
        try:
            descriptor = os.open(_NAMES / namespace, os.O_RDONLY | os.O_CLOEXEC)
            try:
                called(f"{namespace} cannot be entered", _LIBC.setns(descriptor, CLONE_NEWNET))
            finally:
                os.close(descriptor)
            made.append(socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP))
            made[0].setblocking(False)
        except OSError as error:
            failed.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    if failed:
        raise failed[0]
    return made[0]


async def live() -> None:
    """Be there, with the doors that we are told, until SIGTERM."""
    doors = Doors()
    turn = asyncio.Lock()

    async def told(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, ValueError, asyncio.IncompleteReadError):
            wanted = json.loads(await reader.readuntil(b"\n"))
            async with turn:
                failed = await doors.make(wanted)
            writer.write(json.dumps(failed).encode() + b"\n")
            await writer.drain()
        writer.close()

    server = await asyncio.start_unix_server(told, "holder.sock", limit=1 << 24)
    ended = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, ended.set)
    _write_who_we_are()
    _say("ready")
    async with server:
        await ended.wait()
        os._exit(0)


def _write_who_we_are() -> None:
    stat = Path("/proc/self/stat").read_text(encoding="utf-8", errors="replace")
    who = {
        "pid": os.getpid(),
        "start": int(stat.rpartition(")")[2].split()[19]),
        "boot": Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip(),
    }
    draft = Path("holder.json.new")
    draft.write_text(json.dumps(who), encoding="ascii")
    draft.rename("holder.json")


def _say(what: str) -> None:
    """Once, to whoever started us, who waits for the end of it."""
    os.write(1, what.encode())
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, 1)
    os.close(null)


def main(directory: str, how: str, pid: str = "") -> None:
    """Print `ready`, or why not."""
    os.umask(0o077)
    os.chdir(directory)
    lock = os.open("lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if how == "new":
            Path("run").mkdir(exist_ok=True)
            become_root_of_our_own()
            lay_run(Path(directory, "run"))
            os.chdir(directory)
        elif how == "join":
            enter(int(pid))
    except OSError as error:
        known = {
            errno.EWOULDBLOCK: "held",
            errno.ENOSPC: "the limit of user namespaces is reached (sysctl user.max_user_namespaces)",
        }
        _say(known.get(error.errno or 0, error.strerror or str(error)))
        return
    Path("holder.sock").unlink(missing_ok=True)
    asyncio.run(live())


if __name__ == "__main__":
    main(*sys.argv[1:])
