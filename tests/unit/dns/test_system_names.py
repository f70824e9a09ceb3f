"""How names come to resolve, with a hosts file and a resolver of the test's own."""

import asyncio
import os
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from millpond.dns import hosts_file, shared_file
from millpond.dns.diagnosis import diagnose
from millpond.dns.server import DnsServer
from millpond.dns.stub import ask, configured_servers, system_addresses
from millpond.dns.system_names import PROBE_ADDRESS, NamesError, SystemNames

NODE = "my-cache.a1b2c3.0001.use1.cache.millpond.test"
PLAIN = b"127.0.0.1 localhost\n"


class Machine:
    """Resolves as libc does: the hosts file first, then what a resolver might know."""

    def __init__(self, hosts: Path) -> None:
        self.hosts = hosts
        self.reads_hosts = True
        self.resolver: dict[str, tuple[str, ...]] = {}

    def lookup(self, name: str) -> list[str]:
        lines = [line.split() for line in self.hosts.read_text().splitlines() if self.reads_hosts]
        found = [words[0] for words in lines if name in words[1:] and not words[0].startswith("#")]
        return found or list(self.resolver.get(name, ()))


@pytest.fixture
def hosts() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as directory:  # pytest's own are closed to other users
        Path(directory).chmod(0o755)
        path = Path(directory) / "hosts"
        path.write_bytes(PLAIN)
        path.chmod(0o644)
        yield path


@pytest.fixture
def machine(hosts: Path) -> Machine:
    return Machine(hosts)


@pytest.fixture
def names(machine: Machine) -> SystemNames:
    return SystemNames(machine.hosts, "i-1", lookup=machine.lookup, servers=list)


@pytest.fixture
def no_root(hosts: Path) -> Iterator[None]:
    """An ordinary user on an ordinary machine."""
    if os.geteuid() != 0:
        hosts.parent.chmod(0o500)
        yield
        hosts.parent.chmod(0o700)
        return
    os.setegid(65534)
    os.seteuid(65534)
    yield
    os.seteuid(0)
    os.setegid(0)


def test_given_a_hosts_file_that_can_be_written_then_names_resolve_through_it(names: SystemNames, machine: Machine):
    decided = names.available()
    assert decided.names_resolve
    assert decided.how == "hosts file"
    assert names.publish({NODE: ("127.77.0.2",)})
    assert machine.lookup(NODE) == ["127.77.0.2"]


def test_given_published_names_when_published_again_then_nothing_is_written(names: SystemNames, hosts: Path):
    names.publish({NODE: ("127.77.0.2",)})
    before = hosts.stat()
    assert not names.publish({NODE: ("127.77.0.2",)})
    assert hosts.stat() == before


def test_given_a_block_that_somebody_removed_then_publishing_the_same_puts_it_back(
    names: SystemNames, hosts: Path, machine: Machine
):
    names.publish({NODE: ("127.77.0.2",)})
    hosts.write_bytes(PLAIN)
    assert names.publish({NODE: ("127.77.0.2",)})
    assert machine.lookup(NODE) == ["127.77.0.2"]


def test_given_names_that_changed_then_the_old_ones_are_gone(names: SystemNames, machine: Machine):
    names.publish({NODE: ("127.77.0.2",), "b.millpond.test": ("127.77.0.3",)})
    names.publish({NODE: ("127.77.0.9",)})
    assert machine.lookup(NODE) == ["127.77.0.9"]
    assert machine.lookup("b.millpond.test") == []
    assert names.published() == {NODE: ("127.77.0.9",)}


def test_given_published_names_when_withdrawn_then_the_file_is_as_it_was(names: SystemNames, hosts: Path):
    names.publish({NODE: ("127.77.0.2",)})
    assert names.withdraw()
    assert hosts.read_bytes() == PLAIN
    assert not names.withdraw()
    assert list(hosts.parent.iterdir()) == [hosts]


def test_given_two_installations_then_each_has_its_names_and_withdraws_only_those(
    names: SystemNames, machine: Machine, hosts: Path
):
    other = SystemNames(hosts, "i-2", lookup=machine.lookup, servers=list)
    names.publish({NODE: ("127.77.0.2",)})
    other.publish({"b.millpond.test": ("127.99.0.2",)})
    names.withdraw()
    assert machine.lookup("b.millpond.test") == ["127.99.0.2"]
    other.withdraw()
    assert hosts.read_bytes() == PLAIN


def test_given_an_installation_whose_home_was_deleted_then_the_next_start_of_any_sweeps_its_block(
    machine: Machine, hosts: Path, tmp_path: Path
):
    def made(installation: str) -> SystemNames:
        home = tmp_path / installation
        home.mkdir()
        return SystemNames(hosts, installation, home=home, lookup=machine.lookup, servers=list)

    first, second = made("i-1"), made("i-2")
    first.publish({NODE: ("127.77.0.2",)})
    second.publish({"b.millpond.test": ("127.77.0.3",)})
    (tmp_path / "i-1").rmdir()
    third = made("i-3")
    third.available()
    assert machine.lookup(NODE) == []
    assert machine.lookup("b.millpond.test") == ["127.77.0.3"]
    assert third.withdraw()
    assert second.withdraw()
    assert hosts.read_bytes() == PLAIN


def test_given_names_of_a_run_that_crashed_when_deciding_then_they_stay_until_published(
    names: SystemNames, machine: Machine, hosts: Path
):
    names.publish({NODE: ("127.77.0.2",)})
    restarted = SystemNames(hosts, "i-1", lookup=machine.lookup, servers=list)
    assert restarted.available().names_resolve
    assert machine.lookup(NODE) == ["127.77.0.2"]


def test_given_a_machine_whose_programs_do_not_read_the_file_then_names_do_not_resolve_and_it_is_as_it_was(
    names: SystemNames, machine: Machine, hosts: Path, monkeypatch
):
    monkeypatch.setattr("millpond.dns.system_names._PAUSE", 0.001)
    machine.reads_hosts = False
    decided = names.available()
    assert not decided.names_resolve
    assert "nsswitch.conf" in decided.fix
    assert hosts.read_bytes() == PLAIN
    assert not names.publish({NODE: ("127.77.0.2",)})
    assert hosts.read_bytes() == PLAIN


def test_given_no_right_to_write_then_names_do_not_resolve_and_the_words_say_why(
    names: SystemNames, hosts: Path, no_root
):
    decided = names.available()
    assert not decided.names_resolve
    assert decided.how == "nothing"
    assert str(hosts) in decided.why
    assert "ermission" in decided.why
    assert "root" in decided.fix
    assert not names.publish({NODE: ("127.77.0.2",)})
    assert not names.withdraw()


def test_given_no_hosts_file_then_names_do_not_resolve(tmp_path: Path):
    names = SystemNames(tmp_path / "hosts", "i-1", lookup=lambda _: [], servers=list)
    assert not names.available().names_resolve
    with pytest.raises(NamesError, match="No such file"):
        names.withdraw()


def test_given_a_name_that_is_not_ours_then_publishing_it_is_an_error(names: SystemNames, hosts: Path):
    names.available()
    before = hosts.read_bytes()
    with pytest.raises(ValueError, match="not a host name below"):
        names.publish({"example.com": ("127.77.0.2",)})
    assert hosts.read_bytes() == before


class ServedElsewhere:
    """A name server in a thread of its own, so that the test may block."""

    def __init__(self, records: dict[str, tuple[str, ...]]) -> None:
        self._started = threading.Event()
        self._loop = asyncio.new_event_loop()
        self._server = DnsServer(lambda: records, origin="millpond.test", address="127.92.0.53")
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> tuple[str, int]:
        self._thread.start()
        assert self._started.wait(5)
        return self._server.address, self._server.port

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)

    def _run(self) -> None:
        self._loop.run_until_complete(self._server.start())
        self._loop.call_soon(self._started.set)
        self._loop.run_forever()
        self._loop.run_until_complete(self._server.close())
        self._loop.close()


def test_given_a_resolver_that_forwards_to_us_then_the_hosts_file_is_left_alone(
    names: SystemNames, machine: Machine, hosts: Path
):
    names.publish({NODE: ("127.77.0.2",)})  # by an earlier run
    machine.resolver.update(names.probe)
    with ServedElsewhere(dict(names.probe)) as server:
        again = SystemNames(hosts, "i-1", lookup=machine.lookup, servers=lambda: [server])
        decided = again.available()
        assert decided.how == "resolver"
        assert decided.names_resolve
        assert not again.publish({NODE: ("127.77.0.2",)})
        assert hosts.read_bytes() == PLAIN


def test_given_a_resolver_that_forwards_to_another_installation_then_the_hosts_file_is_used(
    machine: Machine, hosts: Path
):
    other = SystemNames(hosts, "i-2", lookup=machine.lookup, servers=list)
    with ServedElsewhere(dict(other.probe)) as server:
        names = SystemNames(hosts, "i-1", lookup=machine.lookup, servers=lambda: [server])
        assert names.available().how == "hosts file"


def test_given_a_name_server_that_answers_though_programs_do_not_ask_it_then_the_hosts_file_is_used(
    names: SystemNames, machine: Machine, hosts: Path
):
    with ServedElsewhere(dict(names.probe)) as server:
        again = SystemNames(hosts, "i-1", lookup=machine.lookup, servers=lambda: [server])
        assert again.available().how == "hosts file"


def test_given_name_servers_that_are_silent_absent_or_no_addresses_then_asking_ends_soon(tmp_path: Path):
    assert ask(NODE, [("127.92.0.99", 9), ("not-an-address", 53), ("::1", 9)], seconds=0.05) == ()
    assert ask(NODE, []) == ()


def test_given_a_resolv_conf_then_its_first_three_servers_count(tmp_path: Path):
    file = tmp_path / "resolv.conf"
    file.write_text("# c\nsearch a\nnameserver 10.0.0.1\n nameserver ::1 \nnameserver\nnameserver 3\nnameserver 4\n")
    assert configured_servers(file) == (("10.0.0.1", 53), ("::1", 53), ("3", 53))
    assert configured_servers(tmp_path / "absent") == ()


def test_given_localhost_then_the_system_knows_it():
    assert "127.0.0.1" in system_addresses("localhost")


def test_given_a_running_millpond_whose_names_resolve_then_doctor_is_content(names: SystemNames):
    names.publish({})
    with ServedElsewhere(dict(names.probe)) as server:
        findings = diagnose(names, server=server, nscd=Path("/nonexistent"))
    assert [finding.ok for finding in findings] == [True, True]
    assert str(names.hosts) in findings[0].why


def test_given_names_that_do_not_resolve_then_doctor_says_how_to_forward_the_zone(names: SystemNames):
    findings = diagnose(names, server=("127.92.0.98", 5353), nscd=Path("/nonexistent"))
    assert [finding.ok for finding in findings] == [False, False]
    assert "server=/millpond.test/127.92.0.98#5353" in findings[0].fix
    assert "addresses instead" in findings[0].why


def test_given_a_stopped_millpond_an_unfinished_edit_and_nscd_then_doctor_names_them(
    names: SystemNames, hosts: Path, tmp_path: Path
):
    shared_file.journal_of(hosts).write_text("{}")
    findings = diagnose(names, server=None, nscd=tmp_path)
    assert [finding.ok for finding in findings] == [True, False, True]
    assert "millpond down" in findings[1].fix
    assert "nscd" in findings[2].fix


def test_given_the_probe_then_it_stands_below_the_zone_and_in_the_block(names: SystemNames, hosts: Path):
    names.available()
    assert hosts_file.block_of(hosts.read_bytes(), "i-1") == {"probe-i-1.millpond.test": (PROBE_ADDRESS,)}
