"""The configuration file of a Valkey or Redis OSS node."""

from pathlib import Path

import pytest

from millpond.engines.spec import Build, Node
from millpond.engines.valkey import commands, configuration
from millpond.host.spec import Place


def build(upstream: str) -> Build:
    return Build(engine="redis", version="7.0", upstream=upstream, server=Path("/s"), cli=None, tls=True, source="test")


def lines(upstream: str = "9.1.2", *, directory: str = "/nodes/a", **parameters: str) -> list[str]:
    node = Node(
        name="a",
        build=build(upstream),
        address="127.9.9.9",
        port=7000,
        incarnation=1,
        volume="data-3",
        parameters={name.replace("_", "-"): value for name, value in parameters.items()},
        admin_password="swordfish",
    )
    place = Place(directory=Path(directory), socket=Path("/run/a"), log=Path("/nodes/a/log"))
    return configuration.render(node, place).splitlines()


def user(text: list[str], name: str) -> list[str]:
    (line,) = [each for each in text if each.startswith(f"user {name} ")]
    return line.split()[2:]


def test_the_node_listens_where_its_users_were_told_and_nowhere_else():
    text = lines()
    assert "bind 127.9.9.9" in text
    assert "port 7000" in text
    assert [each for each in text if each.startswith("bind ")] == ["bind 127.9.9.9"]


def test_data_go_to_the_volume():
    assert "dir /nodes/a/data-3" in lines()


def test_paths_with_spaces_and_quotes_are_kept_whole():
    assert r'dir "/my \"nodes\"/a/data-3"' in lines(directory='/my "nodes"/a')


def test_nothing_is_written_to_the_disk_by_itself():
    text = lines()
    assert 'save ""' in text


def test_the_admins_password_is_there_as_a_hash_only():
    text = lines()
    assert not any("swordfish" in each for each in text)
    assert user(text, "millpond") == [
        *("on", "#b9f195c5cc7ef6afadbfbc42892ad47d3b24c6bc94bb510c4564a90a14e8b799"),
        *("~*", "&*", "+@all"),
    ]


def test_users_may_do_everything_but_what_elasticache_restricts():
    rules = user(lines(), "default")
    assert rules[:5] == ["on", "nopass", "~*", "&*", "+@all"]
    assert {"-config", "-shutdown", "-replicaof", "-acl|setuser", "-cluster|failover", "-module|load"} <= set(rules)
    assert not {"-acl", "-cluster", "-keys", "-monitor", "-acl|list"} & set(rules)


@pytest.mark.parametrize(
    ("upstream", "absent", "present"),
    [
        ("6.0.16", {"&*", "-failover", "-cluster|meet"}, {"-cluster", "+cluster|slots", "-acl", "+acl|list"}),
        ("6.2.14", {"-acl|setuser", "-cluster|links"}, {"&*", "-failover", "+acl|whoami", "+module|list"}),
        ("7.0.15", {"-cluster|migrateslots", "-acl"}, {"-cluster|links", "-module|loadex"}),
        ("9.1.2", set(), {"-cluster|migrateslots"}),
    ],
)
def test_rules_speak_the_versions_own_language(upstream: str, absent: set[str], present: set[str]):
    rules = set(user(lines(upstream), "default"))
    assert present <= rules
    assert not absent & rules


def test_renamed_commands_are_renamed_and_blocked_ones_taken_away():
    text = lines(rename_commands="'flushall restrictedflushall flushdb blocked'")
    assert [each for each in text if each.startswith("rename-command")] == [
        "rename-command flushall restrictedflushall"
    ]
    assert user(text, "default")[-1] == "-flushdb"


@pytest.mark.parametrize(
    ("value", "pairs"),
    [
        ("", {}),
        ("KEYS blocked", {"keys": "blocked"}),
        ("'flushall restrictedflushall flushdb blocked'", {"flushall": "restrictedflushall", "flushdb": "blocked"}),
        ("odd", {}),
    ],
)
def test_rename_commands_are_pairs(value: str, pairs: dict[str, str]):
    assert commands.renamed(value) == pairs
