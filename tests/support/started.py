"""A Millpond started as a user starts it: `millpond up --detach` in processes of its own, real engines, real sockets."""

import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config as BotoConfig

from millpond.kernel import ids
from tests.support.engines import engines_directory
from tests.support.waiting import eventually

_SRC = Path(__file__).parents[2] / "src"


class Started:
    """A running installation. `environ` is what `eval "$(millpond env)"` leaves a shell with."""

    def __init__(self, home: Path, processes: Mapping[str, str]) -> None:
        self.home = home
        self._processes = dict(processes)
        self.environ: dict[str, str] = {}
        self.facts: dict[str, Any] = {}

    def millpond(self, *arguments: str, environ: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
        """Run `millpond ARGUMENTS` on this installation."""
        return subprocess.run(
            self.command(*arguments), env=self.process_environ | (environ or {}), capture_output=True, text=True,
            check=False, timeout=120, stdin=subprocess.DEVNULL,
        )  # fmt: skip

    def command(self, *arguments: str) -> list[str]:
        return [sys.executable, "-m", "millpond", "--home", str(self.home), *arguments]

    @property
    def process_environ(self) -> dict[str, str]:
        """What Millpond's own processes are given."""
        return dict(self._processes)

    def up(self, *options: str) -> subprocess.CompletedProcess[str]:
        """Start it, again perhaps; read where it answers and who its administrator is."""
        done = self.millpond("up", "--detach", "--listen", "127.0.0.1:0", "--json", *options)
        if done.returncode == 0:
            self.facts = json.loads(done.stdout)
            variables = json.loads(self.millpond("env", "--json").stdout)
            self.environ = clean_environ() | variables
        return done

    @property
    def endpoint(self) -> str:
        return self.environ["AWS_ENDPOINT_URL"]

    def client(self, service: str, *, region: str = "us-east-1") -> Any:
        """A boto3 client of the administrator; it does not retry."""
        return boto3.client(
            service,
            endpoint_url=self.endpoint,
            region_name=region,
            aws_access_key_id=self.environ["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=self.environ["AWS_SECRET_ACCESS_KEY"],
            config=BotoConfig(retries={"max_attempts": 1, "mode": "standard"}, parameter_validation=False),
        )


@contextlib.contextmanager
def started(
    home: Path, *, driver: str = "local", environ: Mapping[str, str] | None = None, options: Sequence[str] = ()
) -> Iterator[Started]:
    """Start one and yield it. When the block ends it is brought down, and no process of it is left.

    Endpoints are addresses here: the hosts file that it is told lies where none can be written.
    """
    home.mkdir(parents=True, exist_ok=True)
    processes = clean_environ() | {
        "PYTHONPATH": str(_SRC),
        "MILLPOND_ENGINES": str(engines_directory()),
        "MILLPOND_HOSTS_FILE": str(home / "no-such-directory" / "hosts"),
        "AWS_CONFIG_FILE": str(home / "aws-config"),
    }
    running = Started(home, processes | dict(environ or {}))
    try:
        done = running.up("--driver", driver, *options)
        assert done.returncode == 0, done.stdout + done.stderr
        yield running
    finally:
        running.millpond("down")
        left = processes_of(home)
        try:
            eventually(lambda: not processes_of(home), "every process of the installation ends")
        finally:
            for pid in left:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)


def clean_environ() -> dict[str, str]:
    """The process's environment without what would lead AWS tools or Millpond elsewhere."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "MILLPOND_"))}
    return kept | {"AWS_EC2_METADATA_DISABLED": "true", "AWS_PAGER": "", "NO_COLOR": "1"}


def processes_of(home: Path) -> list[int]:
    """Processes whose command line names something in this home, zombies not counted."""
    found = []
    for entry in Path("/proc").iterdir():
        with contextlib.suppress(OSError):
            if entry.name.isdigit() and str(home).encode() in (entry / "cmdline").read_bytes():
                found.append(int(entry.name))
    return found


def a_region() -> str:
    """A region that no other test uses: AWS's shape, and a namespace of its own."""
    return f"xx-{''.join(chr(97 + ids.below(26)) for _ in range(12))}-1"
