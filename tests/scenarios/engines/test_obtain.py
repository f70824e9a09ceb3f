"""Getting real engines from this machine's own package sources: whole or not at all, without root."""

import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from millpond.engines.obtain import Obtainer
from millpond.engines.obtain.mirror import debian_mirror
from millpond.engines.spec import EngineError
from millpond.kernel.clock import SystemClock

pytestmark = [
    pytest.mark.scenario,
    pytest.mark.timeout(300),
    pytest.mark.skipif(debian_mirror() is None, reason="this machine's package sources name no Debian mirror"),
]

SOURCES = Path(__file__).parents[3] / "src"

_INSTALL = """
import os, signal, sys
from pathlib import Path
from millpond.engines.obtain import Obtainer
from millpond.engines.spec import EngineError
from millpond.kernel.clock import SystemClock

def progress(words):
    print(words, flush=True)
    if sys.argv[2] and words.startswith(sys.argv[2]):
        os.kill(os.getpid(), signal.SIGKILL)

try:
    build = Obtainer(Path(sys.argv[1]), clock=SystemClock()).install("redis", "7.0", progress=progress)
except EngineError as error:
    sys.exit(str(error))
print(build.server)
"""


def installing(engines: Path, *, die_at: str = "", before: Sequence[str] = ()) -> subprocess.Popen[str]:
    """Install in a process of its own, which kills itself when it comes to a certain step."""
    return subprocess.Popen(
        [*before, sys.executable, "-c", _INSTALL, str(engines), die_at],
        env={**os.environ, "PYTHONPATH": str(SOURCES)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def small_disk(at: Path, *, megabytes: int, then: str = "") -> list[str]:
    """What to put before a command so that it sees a small disk of its own there; no root needed."""
    script = f"mount -t tmpfs -o size={megabytes}m tmpfs '{at}' && \"$@\"; status=$?; {then} exit $status"
    return ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c", script, "sh"]


def small_disks_are_possible() -> bool:
    command = [*small_disk(Path("/tmp"), megabytes=1), "true"]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


def obtainer(engines: Path) -> Obtainer:
    return Obtainer(engines, clock=SystemClock())


def builds_in(engines: Path) -> list[str]:
    return sorted(each.name for each in engines.glob("redis-*"))


def leftovers(engines: Path) -> list[Path]:
    return [each for each in engines.glob(".partial*") if each.exists()]


def test_a_crash_at_any_step_leaves_nothing_half_installed(tmp_path: Path):
    for step in ("looking up", "downloading", "unpacking", "joining"):
        with installing(tmp_path, die_at=step) as process:
            process.communicate(timeout=120)
            assert process.returncode == -signal.SIGKILL, step
        assert obtainer(tmp_path).installed("redis", "7.0") is None
        assert builds_in(tmp_path) == []
    build = obtainer(tmp_path).install("redis", "7.0")
    assert subprocess.run([build.server, "--version"], capture_output=True, text=True, check=True).stdout.startswith(
        f"Redis server v={build.upstream}"
    )
    assert leftovers(tmp_path) == []


def test_an_apt_that_outlived_its_killed_parent_is_waited_for(tmp_path: Path):
    with installing(tmp_path) as process:
        assert process.stdout is not None
        assert process.stdout.readline().startswith("looking up")
        process.kill()
    assert obtainer(tmp_path).install("redis", "7.0").upstream.startswith("7.0.")


def test_two_processes_that_install_the_same_end_with_one_build(tmp_path: Path):
    with installing(tmp_path) as one, installing(tmp_path) as other:
        said = [each.communicate(timeout=100)[0].splitlines()[-1] for each in (one, other)]
    assert (one.returncode, other.returncode) == (0, 0)
    assert said[0] == said[1]
    assert len(builds_in(tmp_path)) == 1


def test_installing_again_is_immediate_and_silent(tmp_path: Path):
    first = obtainer(tmp_path).install("redis", "7.0")
    steps: list[str] = []
    assert obtainer(tmp_path).install("redis", "7.0", progress=steps.append) == first
    assert steps == []


@pytest.mark.skipif(not small_disks_are_possible(), reason="this machine allows no user namespaces with mounts")
@pytest.mark.parametrize("megabytes", [1, 24])
def test_a_full_disk_is_named_and_nothing_is_left(tmp_path: Path, megabytes: int):
    before = small_disk(tmp_path, megabytes=megabytes, then=f"ls -A '{tmp_path}' >&2;")
    with installing(tmp_path, before=before) as process:
        _, complaint = process.communicate(timeout=100)
    assert process.returncode == 1, complaint
    assert f"the disk that holds {tmp_path}" in complaint
    assert "is full; free some space there" in complaint
    left = complaint.splitlines()[1:]
    assert not [each for each in left if each.startswith(("redis", ".partial"))]


def test_without_a_network_it_says_so_and_offers_nothing(tmp_path: Path):
    apt = tmp_path / "etc"
    apt.mkdir()
    (apt / "sources.list").write_text("deb file:///nonexistent/debian bookworm main\n")
    away = Obtainer(tmp_path / "engines", clock=SystemClock(), apt=apt, search="/nonexistent")
    with pytest.raises(EngineError, match=r"debian bookworm: apt-get failed: .*does not have a Release file"):
        away.install("redis", "7.0")
    (offer,) = [each for each in away.availability() if (each.engine, each.version) == ("redis", "7.0")]
    assert not offer.obtainable
    assert "apt-get failed" in offer.reason
    assert builds_in(tmp_path / "engines") == []


def test_a_look_up_finds_what_an_installation_then_gets(tmp_path: Path):
    one = obtainer(tmp_path)
    one.refresh()
    offers = {(each.engine, each.version): each for each in one.availability()}
    promised = offers["memcached", "1.6.12"]
    assert promised.obtainable, promised.reason
    build = one.install("memcached", "1.6.12")
    assert (build.upstream, build.tls) == (promised.upstream, promised.tls)
    assert one.refreshed_at() is not None
