"""What is to go wrong, and when. Pure: the same seed gives the same schedule."""

import random
from typing import Literal

import msgspec

from tests.faults.group import Shape

Kind = Literal[
    "kill", "pause", "partition", "kill control plane", "pause control plane", "test failover", "reboot", "kill all"
]
Target = Literal["primary", "replica"]

GENTLE: dict[Kind, int] = {
    "kill": 6, "pause": 6, "partition": 4, "kill control plane": 3, "pause control plane": 2, "test failover": 2,
    "reboot": 1,
}  # fmt: skip
"""How often each happens: at most one node of a shard at a time, and only when the shard was whole."""

DISASTER: dict[Kind, int] = {"kill": 8, "pause": 6, "partition": 4, "kill control plane": 3, "kill all": 1}
"""Without any such mercy: what nobody has any more is lost, and that is all right."""


class Fault(msgspec.Struct, frozen=True, kw_only=True):
    after: float
    """Seconds since the fault before."""
    kind: Kind
    shard: int
    target: Target
    replica: int
    """Which one, where it is a replica."""
    seconds: float
    """How long it lasts, where it ends."""

    def __str__(self) -> str:
        lasting = f" for {self.seconds:.2f} s" if self.kind.startswith(("pause", "partition", "kill control")) else ""
        if self.kind in {"kill control plane", "pause control plane"}:
            return f"{self.kind}{lasting}"
        who = f"replica {self.replica}" if self.target == "replica" else "primary"
        return f"{self.kind} {who} of shard {self.shard}{lasting}"


def schedule(seed: str, shape: Shape, kinds: dict[Kind, int], *, seconds: float) -> list[Fault]:
    """Faults for about so long."""
    chance = random.Random(seed)  # repeatable is what it must be
    # AWS reboots no members of a cluster.
    kinds = {kind: weight for kind, weight in kinds.items() if kind != "reboot" or not shape.clustered}
    found, passed = [], 0.0
    while passed < seconds:
        # Often close upon each other: the next one meets what the last one left.
        after = chance.choice((0.0, 0.02, 0.1, 0.3, 1.0, 2.0)) * chance.uniform(0.5, 1.5)
        kind = chance.choices(list(kinds), weights=list(kinds.values()))[0]
        found.append(
            Fault(
                after=after,
                kind=kind,
                shard=chance.randrange(shape.shards),
                target=chance.choices(("primary", "replica"), weights=(3, 1))[0],
                replica=chance.randrange(shape.replicas),
                seconds=chance.choice((0.1, 0.25, 0.5, 1.0, 2.0, 4.0, 7.0)) * chance.uniform(0.8, 1.2),
            )
        )
        passed += after + 0.5
    return found
