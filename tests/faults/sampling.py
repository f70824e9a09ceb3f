"""Who took writes when: every member is asked again and again, and nobody may take them while another does."""

import contextlib
import threading
import time
from collections.abc import Iterable, Sequence

import msgspec

from tests.faults.group import PORT, Group, Member
from tests.faults.wire import Refused, Wire, fields

_EVERY = 0.03


class Tenure(msgspec.Struct, kw_only=True):
    """A time in which one process said that it takes writes, whenever it was asked.

    Each answer was true at some moment between its question and its arrival.
    """

    member: str
    shard: str
    run: str
    answers: list[tuple[float, float]]
    """(asked, told), in order."""


class Overlap(msgspec.Struct, frozen=True, kw_only=True):
    """Two who took writes of a shard at the same time, for sure."""

    shard: str
    first: str
    second: str
    seconds: float
    """From when the second was seen between two answers of the first, to the last answer of the first."""


class Sampler:
    """A thread a member."""

    def __init__(self, group: Group) -> None:
        self._group = group
        self._ended = threading.Event()
        self._tenures: dict[str, list[Tenure]] = {each: [] for each in group.members}
        self._threads = [
            threading.Thread(target=self._watch, args=(each,), name=f"sampler-{each.id}", daemon=True)
            for each in group.members.values()
        ]

    def start(self) -> None:
        for each in self._threads:
            each.start()

    def end(self) -> Sequence[Tenure]:
        self._ended.set()
        for each in self._threads:
            each.join(10)
            assert not each.is_alive(), "the sampler ends"
        return [tenure for each in self._tenures.values() for tenure in each]

    def _watch(self, member: Member) -> None:
        while not self._ended.is_set():
            with contextlib.suppress(OSError, Refused):
                # Patient: a paused process answers when it goes on, and that is the answer that matters.
                wire = Wire(member.address, PORT, seconds=2)
                try:
                    self._ask(member, wire)
                finally:
                    wire.close()
            self._ended.wait(_EVERY)

    def _ask(self, member: Member, wire: Wire) -> None:
        run = fields(wire.ask("INFO", "server"))["run_id"]
        while not self._ended.is_set():
            asked = time.monotonic()
            self._note(member, run, writable=self._takes_writes(wire), asked=asked, told=time.monotonic())
            self._ended.wait(_EVERY)

    def _takes_writes(self, wire: Wire) -> bool:
        if not self._group.shape.clustered:
            return fields(wire.ask("INFO", "replication"))["role"] == "master"
        [me] = [each.split() for each in wire.ask("CLUSTER", "NODES").splitlines() if "myself" in each]
        return "master" in me[2] and len(me) > 8

    def _note(self, member: Member, run: str, *, writable: bool, asked: float, told: float) -> None:
        found = self._tenures[member.id]
        if not writable:
            found.append(Tenure(member=member.id, shard=member.shard, run=run, answers=[]))
            return
        if not found or found[-1].run != run or not found[-1].answers:
            found.append(Tenure(member=member.id, shard=member.shard, run=run, answers=[]))
        found[-1].answers.append((asked, told))


def overlaps(tenures: Iterable[Tenure]) -> list[Overlap]:
    """Every pair of which the second answered in the midst of the first's time."""
    held = [each for each in tenures if each.answers]
    found = []
    for first in held:
        begun, last = first.answers[0][1], first.answers[-1][0]
        for second in held:
            if second is first or second.shard != first.shard:
                continue
            within = [told for asked, told in second.answers if asked > begun and told < last]
            if within:
                found.append(
                    Overlap(
                        shard=first.shard, first=f"{first.member} ({first.run[:6]})",
                        second=f"{second.member} ({second.run[:6]})", seconds=last - within[0],
                    )
                )  # fmt: skip
    return found
