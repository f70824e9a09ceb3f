"""`ip` and `nft`, which make networks and rules: where they are, and running them so that a failure says why."""

import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec

from millpond.host.fabric import FabricError

_SECONDS = 60.0
_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
"""Ordinary users' PATH lacks sbin, where Debian keeps these programs."""


def found(program: str) -> str | None:
    """Where a program is; None when it is not installed."""
    return shutil.which(program, path=_PATH)


def ip(*arguments: str) -> bytes:
    """Run `ip`. Raise FabricError with what it said."""
    return _run("ip", arguments, "")


def ip_batch(lines: Sequence[str]) -> None:
    """Run many commands of `ip` in one process; the first that fails ends it."""
    if lines:
        _run("ip", ("-batch", "-"), "\n".join(lines) + "\n")


def ip_json(*arguments: str) -> list[dict[str, Any]]:
    """What `ip -json` tells; links that were asked for by nobody else are `{}`."""
    output = _run("ip", ("-json", "-details", *arguments), "")
    return [each for each in msgspec.json.decode(output or b"[]", type=list[dict[str, Any]]) if each]


def nft(script: str) -> None:
    """Hand a script to the kernel, as one transaction. FabricError when it is rejected; then nothing has changed."""
    if script:
        _run("nft", ("-f", "-"), script)


def nft_json(*arguments: str) -> list[dict[str, Any]]:
    """What `nft --json` tells."""
    output = _run("nft", ("--json", *arguments), "")
    return list(msgspec.json.decode(output, type=dict[str, list[dict[str, Any]]])["nftables"])


def place(program: str) -> Path:
    """Where a program is. FabricError when it is not installed."""
    path = found(program)
    if path is None:
        raise FabricError(f"The program {program} is not installed.")
    return Path(path)


def _run(program: str, arguments: Sequence[str], stdin: str) -> bytes:
    # A program that outlived a killed control plane would undo what the next one does.
    ends_with_us = (place("setpriv"), "--pdeathsig", "KILL")
    try:
        run = subprocess.run(  # noqa: S603 - a list of ours, no shell
            (*ends_with_us, place(program), *arguments),
            input=stdin.encode(),
            capture_output=True,
            check=False,
            timeout=_SECONDS,
            env={"PATH": _PATH, "LC_ALL": "C"},
            cwd="/",
        )
    except subprocess.TimeoutExpired as error:
        raise FabricError(f"{program} {' '.join(arguments)} did not end within {_SECONDS:.0f} s.") from error
    except OSError as error:
        raise FabricError(f"{program} could not be run: {error.strerror}.") from error
    if run.returncode:
        said = " | ".join(line.strip() for line in run.stderr.decode(errors="replace").splitlines() if line.strip())
        raise FabricError(f"{program} {' '.join(arguments)} failed: {said[:1000] or f'status {run.returncode}'}.")
    return run.stdout
