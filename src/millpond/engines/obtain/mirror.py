"""Which Debian mirror this machine uses, learned from its own apt configuration (sources.list(5)).

No mirror's name stands in the code: what the machine's owner trusts and can reach is in the machine's files.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec

KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
APT = Path("/etc/apt")

_SUITES = (
    *("bullseye", "bookworm", "trixie", "forky", "duke", "sid"),
    *("oldoldstable", "oldstable", "stable", "testing", "unstable"),
)


class Repository(msgspec.Struct, frozen=True, kw_only=True):
    """One archive that apt knows: an address, its suites and who signs it."""

    uri: str
    suites: Sequence[str]
    components: Sequence[str]
    signed_by: str = ""


class Mirror(msgspec.Struct, frozen=True, kw_only=True):
    """Where this machine gets Debian from."""

    main: str
    security: str | None
    keyring: Path


def debian_mirror(apt: Path = APT, *, keyring: Path = KEYRING) -> Mirror | None:
    """Find the mirror, or None on a machine whose apt knows no Debian archive signed by Debian's own keys."""
    debian = [each for each in repositories(apt) if _is_debian(each)]
    main = next((each for each in debian if any(suite in _SUITES for suite in each.suites)), None)
    if main is None:
        return None
    security = next((each for each in debian if any(_is_security(suite) for suite in each.suites)), None)
    signed = Path(main.signed_by) if main.signed_by.startswith("/") else keyring
    if not signed.is_file():
        return None
    return Mirror(main=main.uri, security=security.uri if security else None, keyring=signed)


def repositories(apt: Path) -> Sequence[Repository]:
    """Read `sources.list` and everything in `sources.list.d` that apt would read; files that cannot be read count as
    absent, as they do for apt's own unprivileged users.
    """
    found: list[Repository] = []
    parts = apt / "sources.list.d"
    files = [apt / "sources.list", *sorted(parts.glob("*.list")), *sorted(parts.glob("*.sources"))]
    for path in files:
        try:
            text = path.read_text(errors="replace")
        except OSError:
            continue
        found += _deb822(text) if path.suffix == ".sources" else _one_line(text)
    return found


def _one_line(text: str) -> Iterator[Repository]:
    for line in text.splitlines():
        words = line.split("#", 1)[0].split()
        if not words or words[0] != "deb":
            continue
        options: dict[str, str] = {}
        rest = words[1:]
        if rest and rest[0].startswith("["):
            end = next((at for at, word in enumerate(rest) if word.endswith("]")), len(rest) - 1)
            for option in " ".join(rest[: end + 1]).strip("[] ").split():
                key, _, value = option.partition("=")
                options[key.lower()] = value
            rest = rest[end + 1 :]
        if len(rest) >= 2:
            yield Repository(uri=rest[0], suites=[rest[1]], components=rest[2:], signed_by=options.get("signed-by", ""))


def _deb822(text: str) -> Iterator[Repository]:
    for stanza in text.split("\n\n"):
        fields = _fields(stanza)
        if fields.get("enabled", "yes").lower() in {"no", "false", "0", "off"}:
            continue
        if "deb" not in fields.get("types", "").split():
            continue
        for uri in fields.get("uris", "").split():
            yield Repository(
                uri=uri,
                suites=fields.get("suites", "").split(),
                components=fields.get("components", "").split(),
                signed_by=fields.get("signed-by", ""),
            )


def _fields(stanza: str) -> dict[str, str]:
    fields: dict[str, str] = {}
    name = ""
    for line in stanza.splitlines():
        if line.startswith("#"):
            continue
        if line[:1].isspace():
            if name:
                fields[name] = f"{fields[name]}\n{line.strip()}".strip()
            continue
        name, colon, value = line.partition(":")
        name = name.strip().lower() if colon else ""
        if name:
            fields[name] = value.strip()
    return fields


def _is_debian(repository: Repository) -> bool:
    # Third parties publish under Debian's suite names too, but with keys or components of their own.
    signer = repository.signed_by
    by_debian = not signer or "debian-archive" in Path(signer.split(",")[0]).name
    return by_debian and not repository.uri.startswith("cdrom:") and "main" in repository.components


def _is_security(suite: str) -> bool:
    name = suite.replace("/updates", "-security")
    return name.endswith("-security") and name.removesuffix("-security") in _SUITES
