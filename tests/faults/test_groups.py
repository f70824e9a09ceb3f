"""Groups of real engines under load are tormented at random, then left alone: every promise must have been kept.

`make faults SEED=7 MINUTES=10` repeats one or goes on for longer. Times are those of real processes, so the same seed
gives the same faults and not the very same moments.
"""

import asyncio
import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from millpond.host.linux import LinuxFabric
from tests.faults.checks import inexplicable, is_converged, lost, same_everywhere
from tests.faults.group import Group, Shape
from tests.faults.sampling import Overlap, Sampler, overlaps
from tests.faults.schedule import DISASTER, GENTLE, schedule
from tests.faults.torment import Torment
from tests.faults.writers import Load, Write
from tests.support.engines import build
from tests.support.started import Started, started
from tests.support.waiting import eventually

pytestmark = [pytest.mark.crash, pytest.mark.timeout(0)]

_ROUND = 15.0
"""Seconds of faults, before everything must come to rest and is checked."""

_PATIENCE = 60.0
_GOSSIP = 1.0
"""Seconds for which a primary that was paused may not have heard yet whom the engines of a cluster chose meanwhile."""

_YOUNG = 3
"""How many groups are made and struck: the moment that matters is there half of the time."""

_needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="networks need root")
SHAPES = [
    pytest.param(Shape(shards=1, replicas=2), id="disabled"),
    pytest.param(Shape(shards=3, replicas=1), id="enabled"),
    pytest.param(Shape(shards=1, replicas=2, driver="linux"), id="disabled-linux", marks=_needs_root),
]


@contextmanager
def running(home: Path, shape: Shape) -> Iterator[Started]:
    build("valkey", "9.1")
    try:
        with started(home, driver=shape.driver) as millpond:
            yield millpond
    finally:
        if shape.driver == "linux":
            asyncio.run(LinuxFabric(home, (home / "installation").read_text().strip()).cleanup())


@pytest.mark.parametrize("shape", SHAPES)
def test_a_tormented_group_keeps_its_promises(shape: Shape, seed: int, minutes: float, tmp_path: Path):
    with running(tmp_path / "home", shape) as millpond:
        group = Group(millpond, shape)
        kept: dict[str, list[Write]] = {each: [] for each in group.shards}
        spent, number = 0.0, 0
        while spent < minutes * 60:
            number += 1
            begun = time.monotonic()
            one_round(group, kept, number, seed=f"{seed}/{shape}/{number}", mercy=number % 3 != 0)
            spent += time.monotonic() - begun


@pytest.mark.parametrize("shape", SHAPES[:2])
def test_a_primary_that_dies_as_soon_as_its_group_is_available_takes_next_to_nothing_with_it(
    shape: Shape, tmp_path: Path
):
    """No writer waits: WAIT has replicas speak, and what matters is that they had been heard before."""
    with running(tmp_path / "home", shape) as millpond:
        for number in range(_YOUNG):
            group = Group(millpond, shape, name=f"young{number}")
            load = Load(group, number, waits=(False,))
            load.start()
            try:
                struck = time.monotonic()
                for shard in group.shards:
                    primary = group.primary(shard)
                    assert primary is not None
                    assert group.signal(primary, signal.SIGKILL)
                eventually(lambda g=group: not is_converged(g), "the group is whole again", seconds=_PATIENCE)
                load.is_taken()
            finally:
                load.end()
            ledgers = {each: load.ledger(each) for each in group.shards}
            gone = [write for each in group.shards for write in lost(group, each, ledgers[each]).plain]
            before = sum(write.sent < struck for ledger in ledgers.values() for write in ledger)
            print(f"{shape}: {len(gone)} of {before} writes lost")
            assert len(gone) <= before / 4
            group.delete()


@_needs_root
def test_a_primary_that_is_cut_off_is_succeeded_before_it_is_back(tmp_path: Path):
    shape = Shape(shards=1, replicas=2, driver="linux")
    with running(tmp_path / "home", shape) as millpond:
        group = Group(millpond, shape)
        [shard] = group.shards
        eventually(lambda: not is_converged(group), "the group is whole", seconds=_PATIENCE)
        load = Load(group, 1)
        load.start()
        try:
            load.is_taken()
            old = group.primary(shard)
            assert old is not None
            cut = time.monotonic()
            group.cut(old)
            eventually(lambda: group.primary(shard) not in {None, old}, "another takes over", seconds=_PATIENCE)
            print(f"cut off to another primary: {time.monotonic() - cut:.2f} s")
            group.mend(old)
            eventually(lambda: not is_converged(group), "the group is whole again", seconds=_PATIENCE)
            load.is_taken()
        finally:
            load.end()
        assert not lost(group, shard, load.ledger(shard)).copied


def one_round(group: Group, kept: dict[str, list[Write]], number: int, *, seed: str, mercy: bool) -> None:
    """Faults, rest, checks. `kept` are the writes that were there after the round before."""
    faults = schedule(seed, group.shape, GENTLE if mercy else DISASTER, seconds=_ROUND)
    load, sampler, torment = Load(group, number), Sampler(group), Torment(group, mercy=mercy)
    load.start()
    sampler.start()
    try:
        try:
            torment.run(faults)
        finally:
            torment.relent()
        rested = time.monotonic()
        eventually(lambda: not is_converged(group), "the group is whole again and all agree", seconds=_PATIENCE)
        rested = time.monotonic() - rested
        load.is_taken()
        load.end()
        twice = overlaps(sampler.end())
        eventually(lambda: all(same_everywhere(group, each) for each in group.shards), "replicas have it all")
        said = [f"{len(torment.diary)} faults and ends, whole again after {rested:.1f} s"]
        failures = [f"two took writes: {each}" for each in twice if each.seconds > allowed(group, each)]
        for shard in group.shards:
            failures += told(group, shard, load.ledger(shard), kept, torment, said, mercy=mercy)
        print(torment.told())
        print(f"{seed}: {'; '.join(said)}; overlaps {[f'{each.seconds:.3f} s' for each in twice]}")
        assert not failures, "\n".join(failures)
    except BaseException as error:
        error.add_note(f"seed {seed}, lacking: {is_converged(group)}\n{torment.told()}\n{group.logs()}")
        raise
    finally:
        load.end()
        sampler.end()


def allowed(group: Group, _overlap: Overlap) -> float:
    """Fences leave no time at all; a cluster that had to choose by itself is as good as its gossip."""
    return _GOSSIP if group.shape.clustered else 0.0


def told(
    group: Group,
    shard: str,
    ledger: list[Write],
    kept: dict[str, list[Write]],
    torment: Torment,
    said: list[str],
    *,
    mercy: bool,
) -> list[str]:
    """What is wrong with a shard's data. Says what was lost, and remembers what was not."""
    now, before = lost(group, shard, ledger), lost(group, shard, kept[shard])
    old = len(before.plain) + len(before.copied)
    copied = sum(each.copied for each in ledger)
    said.append(
        f"{shard}: of {len(ledger) - copied} writes {len(now.plain)} lost, of {copied} with WAIT {len(now.copied)}"
        + (f", of {len(kept[shard])} older ones {old}" if old else "")
    )
    gone = {each.key for each in (*now.plain, *now.copied, *before.plain, *before.copied)}
    kept[shard] = [each for each in (*kept[shard], *ledger) if each.key not in gone]
    if not mercy:
        return []
    failures = [f"{shard}: a replica had it and it is lost: {each}" for each in now.copied[:3]]
    strange = inexplicable(now, torment.diary, shard)
    failures += [f"{shard}: {len(strange)} lost although nothing was struck then: {each}" for each in strange[:1]]
    if old:
        failures.append(f"{shard}: {old} writes are lost that every member had")
    return failures
