"""Load: numbers written one after another, each under a name of its own, and a ledger of what was acknowledged."""

import contextlib
import threading
import time

import msgspec

from tests.faults.group import PORT, Group, Member
from tests.faults.wire import Refused, Wire
from tests.support.waiting import eventually

_PATIENCE = 1.0
_PAUSE = 0.004


class Write(msgspec.Struct, frozen=True, kw_only=True):
    """One acknowledged write."""

    key: str
    member: str
    sent: float
    acknowledged: float
    """Both in seconds of the monotonic clock."""
    copied: bool
    """WAIT told that a replica has it."""


class Writer(threading.Thread):
    """Writes to one shard, wherever it is accepted. With WAIT on the very connection of the write, or without."""

    def __init__(self, group: Group, shard: str, name: str, *, waits: bool) -> None:
        super().__init__(name=name, daemon=True)
        self._members = group.of(shard)
        self._tag = tag_in(group.slots[shard]) if group.shape.clustered else ""
        self._waits = waits
        self._ended = threading.Event()
        self.shard = shard
        self.ledger: list[Write] = []
        self.attempts = 0

    def run(self) -> None:
        at = 0
        while not self._ended.is_set():
            member = self._members[at % len(self._members)]
            with contextlib.suppress(OSError, Refused):
                self._write_to(member)
            at += 1
            self._ended.wait(0.01)

    def _write_to(self, member: Member) -> None:
        """Until it refuses, breaks or falls silent."""
        wire = Wire(member.address, PORT, seconds=_PATIENCE)
        try:
            while not self._ended.is_set():
                self.attempts += 1
                key = f"{{{self._tag or self.shard}}}:{self.name}:{self.attempts}"
                words: list[tuple[str, ...]] = [("SET", key, str(self.attempts))]
                if self._waits:
                    words.append(("WAIT", "1", "300"))
                sent = time.monotonic()
                answers = wire.ask_all(words)
                self.ledger.append(
                    Write(
                        key=key,
                        member=member.id,
                        sent=sent,
                        acknowledged=time.monotonic(),
                        copied=self._waits and answers[1] >= 1,
                    )
                )
                self._ended.wait(_PAUSE)
        finally:
            wire.close()

    def end(self) -> None:
        self._ended.set()
        self.join(10)
        assert not self.is_alive(), "the writer ends"


class Load:
    """Two writers a shard, one without WAIT and one with: unless its question would have replicas hurry."""

    def __init__(self, group: Group, round_: int, *, waits: tuple[bool, ...] = (False, True)) -> None:
        self._writers = [
            Writer(group, shard, f"r{round_}-{'wait' if each else 'plain'}", waits=each)
            for shard in group.shards
            for each in waits
        ]

    def start(self) -> None:
        for each in self._writers:
            each.start()
        self.is_taken()

    def is_taken(self) -> None:
        """Wait until each of them has written again."""
        far = [len(each.ledger) + 5 for each in self._writers]
        eventually(
            lambda: all(len(each.ledger) > most for each, most in zip(self._writers, far, strict=True)),
            "writes to every shard are taken",
        )

    def end(self) -> None:
        for each in self._writers:
            each.end()

    def ledger(self, shard: str) -> list[Write]:
        return [write for each in self._writers if each.shard == shard for write in each.ledger]


def tag_in(slots: str) -> str:
    """A hash tag whose keys fall into these slots ("0-5460,6000")."""
    ranges = [(int(start), int(end or start)) for start, _, end in (each.partition("-") for each in slots.split(","))]
    return next(tag for tag in map(str, range(100_000)) if any(start <= slot_of(tag) <= end for start, end in ranges))


def slot_of(key: str) -> int:
    """CRC16 of the key, modulo 16384 (Redis cluster specification, "Key distribution model")."""
    crc = 0
    for octet in key.encode():
        crc ^= octet << 8
        for _ in range(8):
            crc = ((crc << 1) ^ 0x1021 if crc & 0x8000 else crc << 1) & 0xFFFF
    return crc % 16384
