"""The operator's door over a real socket: who may open it, what it answers, what it refuses."""

import os
import stat
from http.client import HTTPConnection
from pathlib import Path

import pytest

from millpond.cli.door import Door, NotRunning, Refused
from millpond.config import Config
from millpond.operator import home
from tests.doubles.operator import home_config, running


def ask(config: Config, method: str, target: str, body: bytes = b"") -> tuple[int, bytes]:
    connection = HTTPConnection("operator")
    connection.sock = home.connect(config.operator_socket, seconds=10)
    try:
        connection.request(method, target, body=body)
        response = connection.getresponse()
        return response.status, response.read()
    finally:
        connection.close()


def test_only_the_owner_can_open_the_socket(tmp_path: Path):
    config = home_config(tmp_path)
    with running(config):
        mode = config.operator_socket.stat().st_mode
        assert stat.S_ISSOCK(mode)
        assert stat.S_IMODE(mode) == 0o600
        assert config.operator_socket.stat().st_uid == os.getuid()
    assert not config.operator_socket.exists()


def test_a_home_too_long_for_a_socket_path_is_reached_all_the_same(tmp_path: Path):
    config = home_config(tmp_path / ("long" * 20) / ("longer" * 10))
    with running(config):
        assert Door(config).status().account == "123456789012"


def test_a_socket_left_behind_by_a_dead_control_plane_is_replaced(tmp_path: Path):
    config = home_config(tmp_path)
    home.bind(config.operator_socket).close()
    with running(config):
        assert Door(config).status().driver == "memory"


def test_status_never_carries_the_first_password(tmp_path: Path):
    with running(home_config(tmp_path)):
        status, content = ask(home_config(tmp_path), "GET", "/status")
    assert status == 200
    assert b"tide-maple" not in content


def test_a_call_is_handed_over_whole(tmp_path: Path):
    config = home_config(tmp_path)
    with running(config) as operator:
        Door(config).call("DescribeEvents", {"SourceIdentifier": "my-cache"}, region="eu-west-1")
        call = operator.calls[-1]
    assert (call.service, call.operation, call.region) == ("elasticache", "DescribeEvents", "eu-west-1")
    assert call.parameters == {"SourceIdentifier": "my-cache"}


def test_a_fault_comes_back_with_its_code_and_status(tmp_path: Path):
    config = home_config(tmp_path)
    with running(config):
        body = b'{"service":"elasticache","operation":"DescribeCacheClusters","parameters":{"CacheClusterId":"nope"}}'
        status, content = ask(config, "POST", "/call", body)
        with pytest.raises(Refused, match="CacheCluster not found: nope") as raised:
            Door(config).call("DescribeCacheClusters", {"CacheClusterId": "nope"})
    assert status == 404
    assert b"CacheClusterNotFound" in content
    assert raised.value.code == "CacheClusterNotFound"


def test_a_refusal_comes_back_with_its_sentence(tmp_path: Path):
    config = home_config(tmp_path)
    with running(config), pytest.raises(Refused, match="millpond engines list"):
        Door(config).install_engine("redis", "4.0.10")


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b'{"service":1,"operation":"X"}', b'{"service":"a","operation":"b","more":1}', b"\xff"]
)
def test_a_malformed_body_is_answered_and_calls_nothing(tmp_path: Path, body: bytes):
    config = home_config(tmp_path)
    with running(config) as operator:
        status, content = ask(config, "POST", "/call", body)
        assert status == 400
        assert b"MalformedRequest" in content
        assert operator.calls == []


def test_a_body_beyond_all_reason_is_refused(tmp_path: Path):
    config = home_config(tmp_path)
    with running(config) as operator:
        status, _ = ask(config, "POST", "/call", b" " * (5 * 1024 * 1024))
        assert status == 413
        assert operator.calls == []


@pytest.mark.parametrize(("method", "target"), [("GET", "/nothing"), ("POST", "/status"), ("GET", "/call")])
def test_an_unknown_request_is_answered(tmp_path: Path, method: str, target: str):
    config = home_config(tmp_path)
    with running(config):
        status, content = ask(config, method, target)
    assert status == 404
    assert b"UnknownRequest" in content


def test_a_bug_is_answered_without_its_insides(tmp_path: Path):
    config = home_config(tmp_path)
    with running(config) as operator:
        operator.caches[("us-east-1", "broken")] = {}
        operator.looks[("us-east-1", "broken")] = 5
        status, content = ask(config, "POST", "/call", b'{"service":"elasticache","operation":"CreateCacheCluster"}')
    assert status == 500
    assert b"InternalFailure" in content
    assert b"KeyError" not in content


def test_down_says_how_many_caches_stop_and_whether_they_are_kept(tmp_path: Path):
    config = home_config(tmp_path)
    with running(config) as operator:
        operator.caches[("us-east-1", "a")] = {}
        assert Door(config).down(keep_caches=True) == 1
        assert operator.kept is True


def test_nobody_at_home_is_said_clearly(tmp_path: Path):
    with pytest.raises(NotRunning, match="millpond up --detach"):
        Door(home_config(tmp_path)).status()


def test_a_home_that_is_held_in_silence_is_said_clearly(tmp_path: Path):
    config = home_config(tmp_path)
    with home.held(config), pytest.raises(NotRunning, match="starting or stopping"):
        Door(config).status()
