"""The recorder that the edges hold: changes are recorded at once, everything else a moment later, many in one commit.

So that nothing acknowledged is lost, a change and its record are one transaction. Readers and refusals must not wait
for the disk: one thread writes them down in groups. Its memory is bounded: callers who are known wait for room, the
refused requests of nobody in particular are counted instead of kept when they come too fast.
"""

import threading
from collections import deque
from datetime import datetime

from sqlalchemy import Connection

from millpond.kernel import log
from millpond.operation import Attempt
from millpond.services.cloudtrail import record
from millpond.services.cloudtrail.chain import append
from millpond.services.cloudtrail.record import Body, OperatorAct, SignIn
from millpond.services.cloudtrail.recording import bodies_of_call, record_call
from millpond.store import Store, StoreError, Vault

GATHERING = 0.05
"""Seconds for which more is gathered before it is written."""
_AGAIN = 1.0
"""Seconds until writing is tried again after it failed."""
_PATIENCE = 2.0
"""Seconds that a caller waits for room."""
_MOST_NOTES = 4096
_MOST_OCTETS = 32 * 1024 * 1024
_OF_NOBODY_A_SECOND = 50
"""Refused requests of nobody in particular that are kept one by one, each second."""

Note = Attempt | SignIn | OperatorAct


class Trail:
    """Implements `operation.Recorder`. Close it before the store."""

    def __init__(self, store: Store, vault: Vault) -> None:
        """Start the writing thread."""
        self._store = store
        self._vault = vault
        self._log = log.get("audit")
        self._changed = threading.Condition()
        self._notes: deque[Note] = deque()
        self._octets = 0
        self._writing = 0
        """Notes taken out that are not committed yet."""
        self._closing = False
        self._second: datetime | None = None
        self._of_nobody = 0
        self._suppressed = 0
        self._thread = threading.Thread(target=self._write_all, name="audit", daemon=True)
        self._thread.start()

    def record(self, transaction: Connection, attempt: Attempt) -> None:
        """Record a change in the transaction that makes it. Raises StoreError when that cannot be done."""
        record_call(transaction, self._vault, attempt)

    def note(self, attempt: Attempt) -> None:
        """Record a call that changed nothing, within a tenth of a second. Never raises."""
        is_of_nobody = attempt.caller.kind == "Anonymous" and bool(attempt.error_code)
        self._note(attempt, at=attempt.at, size=attempt.size, is_of_nobody=is_of_nobody)

    def note_sign_in(self, sign_in: SignIn) -> None:
        """Record a refused sign-in, or another that opens no session. Never raises."""
        self._note(sign_in, at=sign_in.at, size=0, is_of_nobody=not sign_in.succeeded)

    def note_operator_act(self, act: OperatorAct) -> None:
        """Record what the operator did that changed nothing in the database. Never raises."""
        self._note(act, at=act.at, size=0, is_of_nobody=False)

    def flush(self, *, seconds: float = 10.0) -> bool:
        """Wait until everything noted so far is written; whether it was, in time."""
        with self._changed:
            self._changed.notify_all()
            return self._changed.wait_for(lambda: not self._notes and not self._writing, timeout=seconds)

    def close(self, *, seconds: float = 10.0) -> None:
        """Write what is left and stop."""
        with self._changed:
            self._closing = True
            self._changed.notify_all()
        self._thread.join(seconds)
        if self._notes or self._writing:
            self._log.error("audit.lost", records=len(self._notes) + self._writing)

    def _note(self, note: Note, *, at: datetime, size: int, is_of_nobody: bool) -> None:
        with self._changed:
            if is_of_nobody:
                if self._is_too_fast(at) or not self._has_room():
                    self._suppressed += 1
                    return
            elif not self._changed.wait_for(self._has_room, timeout=_PATIENCE):
                self._log.error("audit.lost", records=1)
                return
            self._notes.append(note)
            self._octets += size
            self._changed.notify_all()

    def _has_room(self) -> bool:
        return len(self._notes) < _MOST_NOTES and self._octets < _MOST_OCTETS

    def _is_too_fast(self, at: datetime) -> bool:
        second = at.replace(microsecond=0)
        if second != self._second:
            self._second, self._of_nobody = second, 0
        self._of_nobody += 1
        return self._of_nobody > _OF_NOBODY_A_SECOND

    def _write_all(self) -> None:
        pause = 0.0
        while True:
            with self._changed:
                if pause:
                    self._changed.wait_for(lambda: self._closing, timeout=pause)
                self._changed.wait_for(lambda: self._notes or self._closing)
                if not self._closing:
                    self._changed.wait_for(lambda: self._closing, timeout=GATHERING)
                notes, suppressed = self._taken()
            if not notes and not suppressed:
                return
            pause = 0.0 if self._written(notes, suppressed) else _AGAIN
            with self._changed:
                if pause and not self._closing:
                    self._put_back(notes, suppressed)
                    self._writing = 0
                elif not pause:
                    self._writing = 0
                self._changed.notify_all()
                if pause and self._closing:
                    return

    def _taken(self) -> tuple[list[Note], int]:
        notes, suppressed = list(self._notes), self._suppressed
        self._notes.clear()
        self._octets, self._suppressed, self._writing = 0, 0, len(notes)
        self._changed.notify_all()
        return notes, suppressed

    def _put_back(self, notes: list[Note], suppressed: int) -> None:
        self._notes.extendleft(reversed(notes))
        self._octets = sum(each.size for each in self._notes if isinstance(each, Attempt))
        self._suppressed += suppressed

    def _written(self, notes: list[Note], suppressed: int) -> bool:
        try:
            with self._store.begin() as transaction:
                bodies = [body for each in notes for body in _bodies(transaction, each)]
                if suppressed and self._second is not None:
                    bodies.append(record.of_suppression(suppressed, self._second))
                append(transaction, self._vault, bodies)
        except StoreError as error:
            self._log.error("audit.failed", records=len(notes), why=str(error))
            return False
        except Exception:  # noqa: BLE001 - the thread's edge: a bug here must not end the recording of all else
            self._log.exception("audit.failed", records=len(notes))
            return self._written_apart(notes)
        return True

    def _written_apart(self, notes: list[Note]) -> bool:
        """One of them cannot be written: write the others, and say which is lost."""
        if len(notes) <= 1:
            self._log.error("audit.lost", records=len(notes))
            return True
        written = [self._written([each], 0) for each in notes]
        return all(written)


def _bodies(transaction: Connection, note: Note) -> list[Body]:
    match note:
        case Attempt():
            return bodies_of_call(transaction, note)
        case SignIn():
            return [record.of_sign_in(note)]
        case OperatorAct():
            return [record.of_operator_act(note)]
