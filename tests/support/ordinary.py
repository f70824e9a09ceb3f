"""An ordinary user of this machine, for tests that run as root: programs run as `nobody`, who may use what we use.

What lies below directories that only root may enter (the interpreter of a root's own pyenv, say) is shown to them at the
same path in a mount namespace of their own; the machine's stays as it is.
"""

import contextlib
import os
import shlex
import stat
import subprocess
import sys
import tempfile
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


@contextlib.contextmanager
def directory() -> Iterator[Path]:
    """A directory of theirs. Not below pytest's own, which only root may enter."""
    with tempfile.TemporaryDirectory(prefix="millpond-ordinary-", ignore_cleanup_errors=True) as made:
        if os.geteuid() == 0:
            os.chown(made, USER, USER)
        yield Path(made)


def command(argv: Sequence[str], *, shown: Sequence[Path] = ()) -> list[str]:
    """How to run `argv` as an ordinary user, who may read `shown` besides this repository and its interpreter."""
    if os.geteuid() != 0:
        return list(argv)
    wanted = [Path(sys.base_prefix), Path(sys.prefix).resolve(), _TOP, *(each.resolve() for each in shown)]
    hidden = {each: under for each in wanted if (under := _shut(each)) is not None}
    script = ["set -e; stash=$(mktemp -d); mount -t tmpfs none $stash"]
    for at, each in enumerate(hidden):
        script.append(f"mkdir $stash/{at}; mount --rbind {shlex.quote(str(each))} $stash/{at}")
    script += [f"mount -t tmpfs -o mode=755 none {shlex.quote(str(each))}" for each in sorted(set(hidden.values()))]
    for at, each in enumerate(hidden):
        script.append(f"mkdir -p {shlex.quote(str(each))}; mount --rbind $stash/{at} {shlex.quote(str(each))}")
    script.append("umount -l $stash; rmdir $stash")
    drop = f"setpriv --reuid={USER} --regid={USER} --clear-groups --inh-caps=-all --bounding-set=-all"
    script.append(f'exec {drop} "$@"')
    return ["unshare", "--mount", "sh", "-c", "\n".join(script), "ordinary", *argv]


def environment(home: Path, **more: str) -> dict[str, str]:
    return {
        "HOME": str(home), "PATH": "/usr/local/bin:/usr/bin:/bin", "PYTHONPATH": f"{_TOP / 'src'}:{_TOP}", "LANG": "C.UTF-8",
        "PYTHONDONTWRITEBYTECODE": "1", "TMPDIR": "/tmp", **more,
    }  # fmt: skip


def _shut(path: Path) -> Path | None:
    """The outermost directory above a path that others may not enter."""
    return next((each for each in reversed(path.parents) if not each.stat().st_mode & stat.S_IXOTH), None)
