"""Starting a process so that no crash of ours can lose it, and so that it inherits nothing of ours.

A small shell comes first, in the new session, holding the lock of the process's directory as its standard input. It
writes who it is into `process.run` and then becomes the engine; letting go of the lock and becoming the engine are one
command. Whatever happens to the control plane meanwhile, whoever gets the lock next finds the process recorded, or
knows that it never was.
"""

import os
import resource
import subprocess
from pathlib import Path

from millpond.host.local.proc import Identity, boot_id
from millpond.host.local.record import RUN, read_run
from millpond.host.spec import HostError, ProcessSpec

# The fields of /proc/PID/stat after the program's name start with the third, so the start time is the twentieth.
# Variables for the dynamic linker are meant for the engine and could break the shell: they are set at the last moment.
_SCRIPT = r"""
boot=$1 incarnation=$2 volume=$3 files=$4
shift 4
started() { start=${20}; }
read -r stat </proc/$$/stat || exit 125
set -f
started ${stat##*) }
ulimit -n "$files" 2>/dev/null
printf '%s %s %s %s %s\n' "$$" "$start" "$boot" "$incarnation" "$volume" >>process.run || exit 125
while [ "$1" != -- ]; do export "$1"; shift; done
shift
exec "$@" </dev/null >&2
"""
_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_MOST_FILES = 1 << 20
"""Containers may set no limit at all, and programs that walk through every possible descriptor would take minutes."""


def launch(spec: ProcessSpec, directory: Path, *, lock: int, log: Path) -> Identity:
    """Start the process; return when it has become the engine (or at least tried).

    Raise OSError or HostError when it could not be started. `lock` is the descriptor of the directory's lock.
    """
    for_linker = [f"{name}={value}" for name, value in spec.environment.items() if name.startswith("LD_")]
    environment = {name: value for name, value in spec.environment.items() if not name.startswith("LD_")}
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    files = _MOST_FILES if limit == resource.RLIM_INFINITY else min(limit, _MOST_FILES)
    arguments = (boot_id(), str(spec.incarnation), spec.volume, str(files), *for_linker, "--", *spec.argv)
    log.touch(mode=0o600)
    reader, writer = os.pipe()
    try:
        with log.open("ab") as output:
            process = subprocess.Popen(  # noqa: S603 - a list of ours, and the shell reads no part of it as code
                ("/bin/sh", "-c", _SCRIPT, "millpond-launch", *arguments),
                stdin=lock,
                stdout=writer,
                stderr=output,
                cwd=directory,
                env={"PATH": _PATH} | environment,
                umask=0o077,
                start_new_session=True,
                close_fds=True,
            )
    finally:
        os.close(writer)
        # Ends when the shell ends or becomes the engine, whose output goes to the log; at once when nothing started.
        os.read(reader, 1)
        os.close(reader)
    run = read_run(directory)
    if run is None or run.identity.pid != process.pid:
        status = process.wait()
        raise HostError(
            f"{spec.name} could not be started: {directory / RUN} could not be written (status {status}). "
            "Is the disk full, or the limit of processes reached?"
        )
    # The process outlives this object and is reaped through its pidfd; without this, Popen would warn that it runs on.
    process.returncode = 0
    return run.identity
