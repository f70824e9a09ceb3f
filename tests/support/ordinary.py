"""An ordinary user of this machine, for tests that run as root: programs run as `nobody`, who may use what we use.

What lies below directories that only root may enter (the interpreter of a root's own pyenv, say) is shown to them at the
same path in a mount namespace of their own; the machine's stays as it is.
"""

import os
import shlex
import stat
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

USER = 65534
_TOP = Path(__file__).parents[2]


def skip_reason() -> str:
    """Why there can be no ordinary user with namespaces here; empty when there can."""
    if os.geteuid() != 0:
        return ""
    run = subprocess.run(
        ["setpriv", f"--reuid={USER}", f"--regid={USER}", "--clear-groups", "unshare", "-Urnm", "true"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    return f"an ordinary user may not make user namespaces here: {run.stderr.strip()}" if run.returncode else ""


needs_user_namespaces = pytest.mark.skipif(bool(skip_reason()), reason=skip_reason() or "-")


def command(argv: Sequence[str], *, home: Path, shown: Sequence[Path] = ()) -> list[str]:
    """How to run `argv` as an ordinary user whose home is `home`, which becomes theirs. `shown` they may read."""
    if os.geteuid() != 0:
        return list(argv)
    for each in (home, *home.parents):
        if each.stat().st_uid == 0 and not each.stat().st_mode & stat.S_IXOTH:
            each.chmod(each.stat().st_mode | stat.S_IXOTH)  # pytest's own directories
    for path in (home, *home.rglob("*")):
        os.chown(path, USER, USER, follow_symlinks=False)
    script = ["set -e; stash=$(mktemp -d); mount -t tmpfs none $stash"]
    wanted = [Path(sys.base_prefix), Path(sys.prefix).resolve(), _TOP, *(each.resolve() for each in shown)]
    hidden = {each: under for each in wanted for under in _shut(each)}
    script += [
        f"mkdir $stash/{at}; mount --rbind {shlex.quote(str(each))} $stash/{at}" for at, each in enumerate(hidden)
    ]
    script += [f"mount -t tmpfs -o mode=755 none {shlex.quote(str(under))}" for under in sorted(set(hidden.values()))]
    for at, each in enumerate(hidden):
        script.append(f"mkdir -p {shlex.quote(str(each))}; mount --rbind $stash/{at} {shlex.quote(str(each))}")
    drop = f"setpriv --reuid={USER} --regid={USER} --clear-groups --inh-caps=-all --bounding-set=-all"
    script.append(f'exec {drop} "$@"')
    return ["unshare", "--mount", "sh", "-c", "\n".join(script), "ordinary", *argv]


def environment(home: Path, **more: str) -> dict[str, str]:
    return {
        "HOME": str(home), "PATH": "/usr/local/bin:/usr/bin:/bin", "PYTHONPATH": f"{_TOP / 'src'}:{_TOP}", "LANG": "C.UTF-8",
        "PYTHONDONTWRITEBYTECODE": "1", "TMPDIR": "/tmp", **more,
    }  # fmt: skip


def _shut(path: Path) -> Iterator[Path]:
    """The outermost directory above a path that others may not enter."""
    for each in reversed(path.parents):
        if not each.stat().st_mode & stat.S_IXOTH:
            yield each
            return
