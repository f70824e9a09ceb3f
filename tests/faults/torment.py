"""Carries a schedule out, and puts an end to everything that it began."""

import signal
import threading
import time
from collections.abc import Callable

import msgspec
from botocore.exceptions import BotoCoreError, ClientError

from tests.faults.group import Group, Member, strike
from tests.faults.schedule import Fault

_WHOLE_AGAIN = 45.0
"""Seconds after the end of the last fault in which a shard must be whole again."""


class Struck(msgspec.Struct, frozen=True, kw_only=True):
    """What was really done."""

    at: float
    shard: str
    abrupt: bool
    """It may cost writes that were not copied yet."""
    what: str


class Torment:
    """One round. With `mercy`, a node is struck only while its shard is whole."""

    def __init__(self, group: Group, *, mercy: bool) -> None:
        self._group = group
        self._mercy = mercy
        self._begun = time.monotonic()
        self._ends: list[tuple[float, Callable[[], None]]] = []
        self._away = False
        self._sound: set[str] = set()
        """Shards that were whole when the control plane went away, and were not struck since."""
        self._held = threading.Event()
        self._last_end = self._begun
        self.diary: list[Struck] = []

    def run(self, schedule: list[Fault]) -> None:
        for each in schedule:
            self._pass(each.after)
            self._strike(each)

    def relent(self) -> None:
        """Let everything go on, now."""
        for _, end in sorted(self._ends, key=lambda each: each[0]):
            end()
        self._ends.clear()

    def told(self) -> str:
        return "\n".join(f"{each.at - self._begun:8.3f} s  {each.what}" for each in self.diary)

    def _pass(self, seconds: float) -> None:
        """Let time go by, and end what is over."""
        until = time.monotonic() + seconds
        while True:
            now = time.monotonic()
            for due in sorted((each for each in self._ends if each[0] <= now), key=lambda each: each[0]):
                self._ends.remove(due)
                due[1]()
                self._last_end = time.monotonic()
            if now >= until:
                return
            self._held.wait(min(0.02, until - now))

    def _lasts(self, seconds: float, end: Callable[[], None]) -> None:
        self._ends.append((time.monotonic() + seconds, end))

    def _note(self, what: str, shard: str = "", *, abrupt: bool = False) -> None:
        self.diary.append(Struck(at=time.monotonic(), shard=shard, abrupt=abrupt, what=what))

    def _strike(self, fault: Fault) -> None:
        match fault.kind:
            case "kill control plane":
                self._stop_control_plane(fault, signal.SIGKILL, self._group.revive)
            case "pause control plane":
                pid = self._group.millpond.facts["pid"]
                self._stop_control_plane(fault, signal.SIGSTOP, lambda: _go_on(pid))
            case "kill all":
                shard = self._group.shards[fault.shard]
                for each in self._group.of(shard):
                    self._group.signal(each, signal.SIGKILL)
                self._note(f"killed all of {shard}", shard, abrupt=True)
            case "test failover" | "reboot":
                self._ask(fault)
            case "kill" | "pause" | "partition":
                self._strike_node(fault)

    def _stop_control_plane(self, fault: Fault, what: signal.Signals, end: Callable[[], None]) -> None:
        if self._away:
            return
        described = self._group.described()
        self._sound = set(self._group.shards) if described is not None and described["Status"] == "available" else set()
        self._away = True
        self._note(f"{fault} ({what.name})")
        strike(self._group.millpond.facts["pid"], what)

        def over() -> None:
            end()
            self._away = False
            self._note("the control plane goes on")

        self._lasts(fault.seconds, over)

    def _chosen(self, fault: Fault) -> Member | None:
        """Whom it is about; None when nobody can be struck now."""
        shard = self._group.shards[fault.shard]
        if self._mercy:
            self._whole(shard)
        primary = self._group.primary(shard)
        if fault.target == "primary":
            return primary
        replicas = [each for each in self._group.of(shard) if each != primary]
        return replicas[fault.replica % len(replicas)] if replicas else None

    def _whole(self, shard: str) -> None:
        """Wait until it is, however long other faults last; fail when it should be and is not."""
        self._last_end = max(self._last_end, *(each.at for each in self.diary), self._begun)
        while True:
            lacking = self._group.lacks(shard)
            if not lacking and self._away and shard in self._sound:
                return
            if not lacking and not self._away:
                # The API's word is what makes it so that another failover may follow: who is ready is on record.
                described = self._group.described()
                if described is not None and described["Status"] == "available":
                    return
            self._pass(0.05)
            late = time.monotonic() - self._last_end > _WHOLE_AGAIN
            assert self._ends or not late, f"{shard} is not whole within {_WHOLE_AGAIN} s of the last fault: {lacking}"

    def _strike_node(self, fault: Fault) -> None:
        member = self._chosen(fault)
        if member is None:
            return
        self._sound.discard(member.shard)
        primary = self._group.primary(member.shard)
        name = f"{member.id} ({'primary' if member == primary else 'replica'})"
        lasting = f" for {fault.seconds:.2f} s"
        if fault.kind == "kill":
            self._note(f"kill {name}", member.shard, abrupt=True)
            pid = self._group.signal(member, signal.SIGKILL)
        elif fault.kind == "partition" and self._group.shape.driver == "linux":
            self._note(f"partition {name}{lasting}", member.shard, abrupt=True)
            pid = self._group.pid(member)
            self._group.cut(member)
            self._lasts(fault.seconds, lambda: self._back(member, self._group.mend))
        else:
            self._note(f"pause {name}{lasting}", member.shard, abrupt=True)
            pid = self._group.signal(member, signal.SIGSTOP)
            self._lasts(fault.seconds, lambda: self._back(member, lambda _: _go_on(pid)))
        assert pid or not self._mercy, f"{name} of a whole shard has no process"

    def _back(self, member: Member, end: Callable[[Member], None]) -> None:
        end(member)
        self._note(f"{member.id} goes on")

    def _ask(self, fault: Fault) -> None:
        """Through the API, which may refuse: that is an answer too."""
        if self._away:
            return
        if self._mercy:
            self._whole(self._group.shards[fault.shard])
        if self._away:
            return
        shard = self._group.shards[fault.shard]
        client = self._group.millpond.client("elasticache")
        try:
            if fault.kind == "test failover":
                client.test_failover(ReplicationGroupId=self._group.name, NodeGroupId=shard)
            else:
                primary = self._group.primary(shard)
                replica = next(each for each in self._group.of(shard) if each != primary)
                client.reboot_cache_cluster(CacheClusterId=replica.id, CacheNodeIdsToReboot=["0001"])
            self._note(f"{fault.kind} of {shard}")
        except (ClientError, BotoCoreError) as error:
            self._note(f"{fault.kind} of {shard} was refused: {error}")
        finally:
            client.close()


def _go_on(pid: int) -> None:
    if pid:
        strike(pid, signal.SIGCONT)
