"""Editing a system file that others read at any moment and other installations edit too.

Readers see the old text or the new, also after a crash. Usually the new text is renamed into place. Where the file is a
mount of its own (`/etc/hosts` in containers) that fails with EBUSY: then it is written over, and a journal beside it
holds both texts until that is done, so that whoever edits next finishes what a crash left half-way.
"""

import errno
import fcntl
import os
import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import msgspec

_LOCK_TRIES = 500
_LOCK_PAUSE = 0.01
_NOT_REPLACEABLE = frozenset({errno.EBUSY, errno.EXDEV})


class _Journal(msgspec.Struct, frozen=True, kw_only=True):
    old: bytes
    new: bytes


def edit(path: Path, change: Callable[[bytes], bytes]) -> bool:
    """Replace the file's text by `change` of it; False when that is what it says already.

    Durable when it returns. Keeps mode, owner and extended attributes. Raises OSError and leaves the text as it was.
    """
    path = path.resolve(strict=True)
    with _locked(path):
        _finish(path)
        old = path.read_bytes()
        new = change(old)
        if new == old:
            return False
        unfinished = _written(path, new, suffix="new")
        try:
            unfinished.replace(path)
        except OSError as error:
            unfinished.unlink(missing_ok=True)
            if error.errno not in _NOT_REPLACEABLE:
                raise
            _overwrite_with_journal(path, _Journal(old=old, new=new))
        _sync_directory(path)
        return True


def journal_of(path: Path) -> Path:
    """Where an edit that was cut off left its journal."""
    return path.with_name(f".{path.name}.millpond-journal")


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """One editor at a time, on the machine."""
    descriptor = _lock(path)
    try:
        yield
    finally:
        os.close(descriptor)


def _lock(path: Path) -> int:
    """Wait a few seconds, not for ever: any user can hold a lock on a file that he can read."""
    pause = threading.Event()
    for _ in range(_LOCK_TRIES):
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            # Somebody may have renamed another file into place between opening and locking.
            if os.path.samestat(os.fstat(descriptor), path.stat()):
                return descriptor
        except BlockingIOError:
            pass
        except BaseException:
            os.close(descriptor)
            raise
        os.close(descriptor)
        pause.wait(_LOCK_PAUSE)
    raise BlockingIOError(errno.EAGAIN, f"another program keeps it locked (find it with: fuser {path})", str(path))


def _written(path: Path, text: bytes, *, suffix: str) -> Path:
    """Write a sibling of the file, as readable as the file itself, and return once it is on the disk."""
    sibling = path.with_name(f".{path.name}.millpond-{suffix}")
    sibling.unlink(missing_ok=True)
    descriptor = os.open(sibling, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(text)
            file.flush()
            status = path.stat()
            with suppress(PermissionError):
                os.fchown(descriptor, status.st_uid, status.st_gid)
            shutil.copystat(path, sibling)
            os.utime(sibling)
            os.fsync(descriptor)
    except BaseException:
        sibling.unlink(missing_ok=True)
        raise
    return sibling


def _overwrite_with_journal(path: Path, journal: _Journal) -> None:
    _written(path, msgspec.json.encode(journal), suffix="draft").replace(journal_of(path))
    _sync_directory(path)
    try:
        _overwrite(path, journal.new)
    except OSError:
        _overwrite(path, journal.old)
        journal_of(path).unlink()
        raise
    journal_of(path).unlink()


def _overwrite(path: Path, text: bytes) -> None:
    """From the front, then cut: at every moment the file is a beginning of the new text and the old text's rest."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
    try:
        done = 0
        while done < len(text):
            done += os.pwrite(descriptor, text[done:], done)
        os.ftruncate(descriptor, len(text))
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _finish(path: Path) -> None:
    """Complete an overwriting that a crash cut off, unless somebody has changed the file since."""
    try:
        journal = msgspec.json.decode(journal_of(path).read_bytes(), type=_Journal)
    except FileNotFoundError:
        return
    except msgspec.DecodeError:
        journal_of(path).unlink()  # not a journal of ours: those appear complete
        return
    text = path.read_bytes()
    common = next((at for at, pair in enumerate(zip(text, journal.new, strict=False)) if pair[0] != pair[1]), None)
    common = min(len(text), len(journal.new)) if common is None else common
    if text not in {journal.old, journal.new} and text[common:] == journal.old[common:]:
        _overwrite(path, journal.new)
    journal_of(path).unlink()


def _sync_directory(path: Path) -> None:
    descriptor = os.open(path.parent, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
