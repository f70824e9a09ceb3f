"""One Debian suite seen through apt with state of its own: no root, nothing of the machine's package state touched.

apt itself checks what it fetches: the suite's release file against Debian's keyring, every index and package by size
and SHA-256 (apt-secure(8)). The machine's apt configuration (proxies, certificates) stays in force, its hooks do not.
"""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from time import monotonic

from millpond.engines.catalogue import Suite
from millpond.engines.obtain import command
from millpond.engines.obtain.lock import locked
from millpond.engines.obtain.mirror import APT, Mirror
from millpond.engines.spec import EngineError

_PARTS = APT / "apt.conf.d"
_FRESH_SECONDS = 60.0

_SETTINGS = """\
Acquire::Languages "none";
Acquire::PDiffs "false";
Acquire::GzipIndexes "true";
Acquire::Retries "2";
Acquire::http::Timeout "20";
Acquire::https::Timeout "20";
APT::Get::AllowUnauthenticated "false";
APT::Update::Error-Mode "any";
#clear APT::Update::Pre-Invoke;
#clear APT::Update::Post-Invoke;
#clear APT::Update::Post-Invoke-Success;
#clear DPkg::Pre-Install-Pkgs;
#clear DPkg::Post-Invoke;
"""


class Apt:
    """apt looking at one suite."""

    def __init__(self, directory: Path, *, mirror: Mirror, suite: Suite, gentle: bool = False) -> None:
        """`directory` keeps the suite's lists; it is made when missing. Being gentle leaves the processor to others."""
        self._directory = directory
        self._mirror = mirror
        self._suite = suite
        self._gentle = gentle
        self._updated = -_FRESH_SECONDS

    def exclusive(self) -> AbstractContextManager[None]:
        """Keep other look-ups and installations from this suite out meanwhile; apt itself would not wait but fail."""
        return locked(self._directory)

    def update(self) -> None:
        """Fetch the suite's indexes as far as they changed, unless that was done a moment ago.

        EngineError when they cannot be had or verified.
        """
        if monotonic() - self._updated < _FRESH_SECONDS and (self._directory / "sources.list").exists():
            return
        with command.explained(self._directory):
            self._prepare()
        command.require_space(self._directory)
        try:
            self._refresh(security=True)
        except EngineError:
            if not (self._suite.security and self._mirror.security):
                raise
            # Suites that left support lose their security archive before their main one.
            self._refresh(security=False)
        self._updated = monotonic()

    def candidate(self, package: str) -> str | None:
        """The version that would be installed, with Debian's own epoch and revision; None when there is none."""
        for line in self._run("apt-cache", "policy", package).splitlines():
            name, _, version = line.strip().partition(": ")
            if name == "Candidate" and version != "(none)":
                return version
        return None

    def closure(self, package: str) -> Sequence[str]:
        """The package and every library package that it needs, however indirectly."""
        graph: dict[str, list[str]] = {}
        current = ""
        for line in self._run(
            *("apt-cache", "depends", "--recurse", "--no-recommends", "--no-suggests", "--no-conflicts"),
            *("--no-breaks", "--no-replaces", "--no-enhances", package),
        ).splitlines():
            if not line.startswith((" ", "<")):
                current = line.strip()
                graph.setdefault(current, [])
            elif "Depends: " in line and current:
                graph[current].append(line.partition("Depends: ")[2].strip())
        wanted, pending = [package], [package]
        while pending:
            for name in graph.get(pending.pop(), ()):
                if name.startswith(("lib", "zlib", "lua-")) and name not in wanted:
                    wanted.append(name)
                    pending.append(name)
        return wanted

    def download(self, packages: Sequence[str], into: Path) -> Sequence[Path]:
        """Fetch packages into a directory; apt has checked sizes and hashes when this returns."""
        self._run("apt-get", "download", "-q", *packages, at=into)
        return sorted(into.glob("*.deb"))

    def forget(self) -> None:
        """Drop apt's binary caches; they are rebuilt when needed and are larger than the lists."""
        for each in (self._directory / "cache").glob("*.bin"):
            each.unlink(missing_ok=True)

    def _prepare(self) -> None:
        for each in ("state/lists/partial", "cache/archives/partial", "conf"):
            (self._directory / each).mkdir(parents=True, exist_ok=True)
        (self._directory / "status").touch()
        parts = self._directory / "conf"
        for old in parts.iterdir():
            old.unlink()
        if _PARTS.is_dir():
            for part in sorted(_PARTS.iterdir()):
                (parts / part.name).symlink_to(part)
        # The machine's own parts are read first, so that this one may take their hooks away again.
        (parts / "zz-millpond").write_text(_SETTINGS)

    def _refresh(self, *, security: bool) -> None:
        options = f"target=Packages signed-by={self._mirror.keyring}"
        lines = [f"deb [{options}] {self._mirror.main} {archive} main" for archive in self._suite.archives]
        if security and self._mirror.security:
            lines += [f"deb [{options}] {self._mirror.security} {archive} main" for archive in self._suite.security]
        with command.explained(self._directory):
            (self._directory / "sources.list").write_text("\n".join(lines) + "\n")
        self._run("apt-get", "update", "-q")

    def _run(self, program: str, *arguments: str, at: Path | None = None) -> str:
        here = self._directory
        options = {
            "Dir::Etc::parts": here / "conf",
            "Dir::Etc::sourcelist": here / "sources.list",
            "Dir::Etc::sourceparts": "/dev/null",
            "Dir::Etc::preferencesparts": "/dev/null",
            "Dir::Etc::preferences": "/dev/null",
            "Dir::State": here / "state",
            "Dir::State::status": here / "status",
            "Dir::Cache": here / "cache",
            "Dir::Cache::pkgcache": "pkgcache.bin",
            "Dir::Cache::srcpkgcache": "srcpkgcache.bin",
            # As root, apt would drop to a user that cannot enter a private home.
            "APT::Sandbox::User": "root",
        }
        flags = [word for name, value in options.items() for word in ("-o", f"{name}={value}")]
        # apt reads its parts before the command line: the place of our own parts is told through APT_CONFIG.
        with command.explained(here):
            (here / "apt.conf").write_text(f'Dir::Etc::parts "{here / "conf"}";\n')
        return command.run(
            [program, *flags, *arguments],
            directory=at or here,
            environment={"APT_CONFIG": str(here / "apt.conf")},
            gentle=self._gentle,
        )
