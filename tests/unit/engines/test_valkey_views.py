"""What a node answers about replication and its cluster, read; and what a member's file says about its role: nothing."""

from pathlib import Path

import pytest

from millpond.engines.spec import Build, Node, Replication
from millpond.engines.valkey import views
from millpond.engines.valkey.configuration import render
from millpond.host.spec import Place

NODES = """\
aaa 127.0.0.1:6379@16379,one.test,,tls-port=0,shard-id=x myself,master - 0 0 3 connected 0-10 12 [13->-bbb]
bbb 127.0.0.2:6379@16379,two.test slave aaa 0 1 3 connected
ccc 127.0.0.3:6379@16379 master,fail - 1 1 2 disconnected 14-20
ddd :0@0 master,noaddr - 1 1 2 disconnected
eee 127.0.0.5:6379@16379 handshake - 0 0 0 connected
"""


def test_a_nodes_view_of_its_cluster_is_read():
    view = views.cluster_view(NODES, state="cluster_state:ok\r\ncluster_slots_assigned:12\r\n")
    assert (view.me.id, view.me.address, view.me.primary) == ("aaa", "127.0.0.1", True)
    assert view.me.slots == ((0, 10), (12, 12))
    assert view.up
    assert view.moving
    assert [(each.id, each.address, each.primary, each.failed) for each in view.peers] == [
        ("bbb", "127.0.0.2", False, False),
        ("ccc", "127.0.0.3", True, True),
        ("ddd", "", True, True),
    ]
    assert view.peers[0].follows == "aaa"


@pytest.mark.parametrize(("state", "moving"), [("snapshotting", True), ("success", False), ("failed", False)])
def test_a_migration_moves_until_it_ended(state: str, moving: bool):
    line = "aaa 127.0.0.1:6379@16379 myself,master - 0 0 3 connected\n"
    assert views.cluster_view(line, migrations=[["name", "m", "state", state]]).moving is moving


def test_a_replica_of_nobody_follows_nobody():
    assert views.following({"role": "slave", "master_host": "127.0.0.1", "master_port": "1"}) == ""
    assert views.following({"role": "slave", "master_host": "127.0.0.2", "master_port": "6379"}) == "127.0.0.2"
    assert views.following({"role": "master"}) == ""


@pytest.mark.parametrize(("status", "came", "linked"), [("up", "14", True), ("up", "0", False), ("down", "14", False)])
def test_a_replica_is_linked_once_something_came_after_the_copy(status: str, came: str, linked: bool):
    info = {"role": "slave", "master_link_status": status, "repl_backlog_histlen": came}
    assert views.is_linked(info) == linked
    assert not views.is_linked({"role": "master"})


def test_offsets_of_primaries_and_replicas_compare():
    assert views.offset({"role": "master", "master_repl_offset": "12"}) == 12
    assert views.offset({"role": "slave", "slave_repl_offset": "11", "master_repl_offset": "12"}) == 11
    assert views.offset({"role": "slave", "slave_repl_offset": "-1"}) == 0


@pytest.mark.parametrize("clustered", [False, True])
def test_a_members_file_gives_it_no_role_and_holds_no_secret(clustered: bool):
    node = Node(
        name="pond",
        build=Build(
            engine="valkey", version="9.1", upstream="9.1.2", server=Path("/s"), cli=None, tls=True, source="test"
        ),
        address="127.0.0.9",
        port=6379,
        incarnation=4,
        volume="data-2",
        parameters={"cluster-enabled": "no"},
        admin_password="first secret",
        replication=Replication(clustered=clustered, hostname="pond.test", password="second secret"),
    )
    text = render(node, Place(directory=Path("/d"), socket=Path("/d/s"), log=Path("/d/l")))
    lines = text.splitlines()
    assert "secret" not in text
    assert ("replicaof 127.0.0.9 1" in lines) is not clustered
    assert ("cluster-enabled yes" in lines) is clustered
    assert ("cluster-config-file cluster-4.conf" in lines) is clustered
    assert "cluster-enabled no" not in lines
