"""Learning the Debian mirror from the machine's own package sources."""

from pathlib import Path

import pytest

from millpond.engines.obtain.mirror import Mirror, debian_mirror


@pytest.fixture
def apt(tmp_path: Path) -> Path:
    (tmp_path / "sources.list.d").mkdir()
    return tmp_path


@pytest.fixture
def keyring(tmp_path: Path) -> Path:
    path = tmp_path / "debian-archive-keyring.gpg"
    path.touch()
    return path


def one_line(apt: Path, text: str) -> None:
    (apt / "sources.list").write_text(text)


def deb822(apt: Path, text: str, name: str = "debian.sources") -> None:
    (apt / "sources.list.d" / name).write_text(text)


def test_one_line_sources(apt: Path, keyring: Path):
    one_line(
        apt,
        "# deb http://old.test/debian bookworm main\n"
        "deb-src http://source.test/debian bookworm main\n"
        "deb [ arch=amd64 ] http://mirror.test/debian bookworm main contrib # here\n"
        "deb http://mirror.test/debian-security bookworm-security main\n",
    )
    assert debian_mirror(apt, keyring=keyring) == Mirror(
        main="http://mirror.test/debian", security="http://mirror.test/debian-security", keyring=keyring
    )


def test_deb822_sources(apt: Path, keyring: Path):
    deb822(
        apt,
        "Types: deb deb-src\n# a word on the next\nURIs: http://mirror.test/debian\n"
        f"Suites: trixie trixie-updates\nComponents: main\nSigned-By: {keyring}\n"
        "\n"
        "Types: deb\nURIs: http://security.test/debian-security\nSuites: trixie-security\nComponents: main\n",
    )
    assert debian_mirror(apt, keyring=Path("/nowhere")) == Mirror(
        main="http://mirror.test/debian", security="http://security.test/debian-security", keyring=keyring
    )


def test_a_machine_without_a_security_archive(apt: Path, keyring: Path):
    one_line(apt, "deb file:/srv/debian sid main\n")
    found = debian_mirror(apt, keyring=keyring)
    assert found == Mirror(main="file:/srv/debian", security=None, keyring=keyring)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "deb cdrom:[Debian]/ bookworm main\n",
        "deb http://ubuntu.test/ubuntu noble main\n",
        "deb http://third.test/debian bookworm stable\n",
        "deb [signed-by=/etc/apt/keyrings/third.gpg] http://third.test/debian bookworm main\n",
        "deb http://third.test/pg bookworm-pgdg main\n",
        "deb [broken\n",
    ],
)
def test_what_is_not_debians_own_archive_is_not_used(apt: Path, keyring: Path, text: str):
    one_line(apt, text)
    assert debian_mirror(apt, keyring=keyring) is None


def test_what_is_switched_off_is_not_used(apt: Path, keyring: Path):
    deb822(apt, "Types: deb\nURIs: http://m.test/d\nSuites: sid\nComponents: main\nEnabled: no\n")
    deb822(apt, "Types: deb\nURIs: http://n.test/d\nSuites: sid\nComponents: main\n", name="other.disabled")
    assert debian_mirror(apt, keyring=keyring) is None


def test_without_debians_keyring_nothing_can_be_verified(apt: Path):
    one_line(apt, "deb http://mirror.test/debian bookworm main\n")
    assert debian_mirror(apt, keyring=apt / "none.gpg") is None


def test_no_package_sources_at_all(tmp_path: Path):
    assert debian_mirror(tmp_path / "none") is None
