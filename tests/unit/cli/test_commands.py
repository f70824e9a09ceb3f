"""The commands against a fake operator behind a real door: what they print, what they call, how they fail."""

import json
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from click.testing import CliRunner, Result

from millpond.cli import cli
from millpond.config import Config
from millpond.operator import home
from tests.doubles.operator import PASSWORD, FakeOperator, home_config, running


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Config:
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "aws" / "config"))
    monkeypatch.delenv("MILLPOND_HOME", raising=False)
    return home_config(tmp_path / "home")


@pytest.fixture
def operator(config: Config) -> Iterator[FakeOperator]:
    with running(config) as served:
        yield served


def run(config: Config, *arguments: str, text: str | None = None) -> Result:
    return CliRunner().invoke(cli, ["--home", str(config.home), *arguments], input=text, prog_name="millpond")


def pairs(result: Result) -> dict[str, str]:
    return dict(line.split("=", 1) for line in result.stdout.splitlines())


@pytest.mark.parametrize(
    "arguments",
    [
        ["ls"], ["create", "a"], ["show", "a"], ["connect", "a"], ["delete", "a", "--yes"], ["wait", "a"], ["env"],
        ["explain"], ["events"], ["engines", "list"], ["engines", "install", "valkey"], ["credentials"], ["passwd"],
        ["configure"], ["status"], ["logs", "a"], ["flows"], ["zone", "ls"], ["ssh", "i-1"], ["instance", "ls"], ["instance", "run"],
    ],
)  # fmt: skip
def test_every_command_says_how_to_start_when_nothing_runs(config: Config, arguments: list[str]):
    result = run(config, *arguments)
    assert result.exit_code == 1
    assert result.stderr.count("\n") == 1
    assert "millpond up --detach" in result.stderr
    assert result.stdout == ""


def test_home_is_understood_after_the_command_as_well(config: Config, operator: FakeOperator):
    result = CliRunner().invoke(cli, ["status", "--home", str(config.home), "--json"])
    assert json.loads(result.stdout)["home"] == str(config.home)
    result = CliRunner().invoke(cli, ["engines", "list", "--home", str(config.home), "--json"])
    assert result.exit_code == 0


def test_home_is_taken_from_the_environment(config: Config, operator: FakeOperator, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("MILLPOND_HOME", str(config.home))
    assert CliRunner().invoke(cli, ["status"]).exit_code == 0


def test_status_as_json_has_what_scripts_rely_on(config: Config, operator: FakeOperator):
    said = json.loads(run(config, "status", "--json").stdout)
    assert said["running"] is True
    for name in ("endpoint", "pid", "version", "driver", "enforcement", "home", "zone", "account", "caches"):
        assert name in said
    assert "first_run" not in said


def test_status_as_json_of_a_stopped_installation_is_json_too(config: Config):
    result = run(config, "status", "--json")
    assert result.exit_code == 1
    assert json.loads(result.stdout)["running"] is False


def test_status_elsewhere_than_on_a_terminal_is_pairs(config: Config, operator: FakeOperator):
    said = pairs(run(config, "status"))
    assert said["endpoint"] == "http://127.0.0.1:8421"
    assert PASSWORD not in str(said)


def test_create_waits_and_prints_the_endpoint(config: Config, operator: FakeOperator):
    result = run(config, "create", "my-cache", "--tag", "a=b", "--port", "7000")
    assert result.exit_code == 0, result.output
    said = pairs(result)
    assert said["status"] == "available"
    assert said["endpoint"].startswith("my-cache.a1b2c3.0001.use1.")
    assert "Creating my-cache: node 0001 is starting" in result.stderr
    created = operator.calls[0]
    assert created.operation == "CreateCacheCluster"
    assert created.region == "us-east-1"
    assert created.parameters == {
        "CacheClusterId": "my-cache",
        "Engine": "valkey",
        "CacheNodeType": "cache.t4g.micro",
        "NumCacheNodes": 1,
        "Port": 7000,
        "Tags": [{"Key": "a", "Value": "b"}],
    }


def test_create_as_json_prints_nothing_but_the_cluster(config: Config, operator: FakeOperator):
    result = run(config, "create", "my-cache", "--engine", "memcached", "--nodes", "3", "--json")
    assert json.loads(result.stdout)["NumCacheNodes"] == 3
    assert result.stderr == ""


def test_create_without_waiting_returns_at_once(config: Config, operator: FakeOperator):
    assert pairs(run(config, "create", "my-cache", "--no-wait"))["status"] == "creating"


def test_a_fault_is_one_line_in_awss_words(config: Config, operator: FakeOperator):
    run(config, "create", "my-cache")
    result = run(config, "create", "my-cache")
    assert result.exit_code == 1
    assert result.stderr == "Error: Cache cluster my-cache already exists\n"


def test_create_says_why_it_is_late(config: Config, operator: FakeOperator):
    result = run(config, "create", "my-cache", "--timeout", "0")
    assert result.exit_code == 1
    assert "is not available after 0 s: node 0001 is starting" in result.stderr


def test_a_region_is_a_world_of_its_own(config: Config, operator: FakeOperator):
    run(config, "create", "my-cache", "--region", "eu-west-1")
    assert run(config, "ls").stdout == ""
    assert "name=my-cache" in run(config, "ls", "--region", "eu-west-1").stdout


def test_ls_follows_the_markers_to_the_end(config: Config, operator: FakeOperator):
    for name in ("a", "b", "c"):
        run(config, "create", name, "--no-wait")
    assert [line.split()[0] for line in run(config, "ls").stdout.splitlines()] == ["name=a", "name=b", "name=c"]
    assert len(json.loads(run(config, "ls", "--json").stdout)) == 3


def test_show_says_what_is_being_done(config: Config, operator: FakeOperator):
    run(config, "create", "my-cache")
    assert pairs(run(config, "show", "my-cache"))["why"] == "node 0001 is starting"


@pytest.mark.parametrize("command", [["show", "nope"], ["connect", "nope"], ["delete", "nope", "-y"], ["wait", "nope"]])
def test_a_cache_that_is_not_there_is_said_so(config: Config, operator: FakeOperator, command: list[str]):
    result = run(config, *command)
    assert result.exit_code == 1
    assert "no cache nope" in result.stderr
    assert "millpond ls" in result.stderr


def test_delete_without_a_yes_deletes_nothing(config: Config, operator: FakeOperator):
    run(config, "create", "my-cache")
    result = run(config, "delete", "my-cache")
    assert result.exit_code == 1
    assert "--yes" in result.stderr
    assert operator.caches


def test_delete_waits_until_it_is_gone(config: Config, operator: FakeOperator):
    run(config, "create", "my-cache")
    assert pairs(run(config, "delete", "my-cache", "--yes")) == {"name": "my-cache", "status": "deleted"}
    assert not operator.caches
    assert run(config, "wait", "my-cache", "--for", "deleted").exit_code == 0


def test_connect_prints_the_builds_own_client(config: Config, operator: FakeOperator, tmp_path: Path):
    client = tmp_path / "valkey-cli"
    client.touch()
    operator.cli = str(client)
    run(config, "create", "my-cache")
    result = run(config, "connect", "my-cache", "--print", "--", "PING")
    assert result.stdout == f"{client} -h my-cache.a1b2c3.0001.use1.cache.mill.test -p 6379 PING\n"


def test_connect_takes_the_management_path_where_there_are_networks(
    config: Config, operator: FakeOperator, tmp_path: Path
):
    operator.cli = str(tmp_path / "valkey-cli")
    Path(operator.cli).touch()
    operator.facts = msgspec.structs.replace(operator.facts, driver="linux")
    run(config, "create", "my-cache")
    assert run(config, "connect", "my-cache", "--print").stdout == f"{operator.cli} -s /ways/us-east-1/my-cache.sock\n"
    run(config, "create", "deep", "--shards", "3")
    assert " -h deep." in run(config, "connect", "deep", "--print").stdout  # redirections lead elsewhere


def test_connect_with_tls_names_the_authority(config: Config, operator: FakeOperator, tmp_path: Path):
    client = tmp_path / "valkey-cli"
    client.touch()
    operator.cli = str(client)
    run(config, "create", "my-cache")
    operator.caches[("us-east-1", "my-cache")]["TransitEncryptionEnabled"] = True
    assert run(config, "connect", "my-cache", "--print").stdout.rstrip().endswith("-p 6379 --tls")


def test_connect_prints_a_command_for_memcached_too(config: Config, operator: FakeOperator):
    run(config, "create", "my-cache", "--engine", "memcached")
    assert "my-cache.a1b2c3.0001.use1.cache.mill.test 6379" in run(config, "connect", "my-cache", "--print").stdout


def test_create_with_replicas_makes_a_replication_group(config: Config, operator: FakeOperator):
    made = pairs(run(config, "create", "web", "--replicas", "2", "--parameter-group", "mine"))
    assert (made["nodes"], made["status"]) == ("3", "available")
    assert made["endpoint"] == "web.a1b2c3.ng.0001.use1.cache.mill.test:6379"
    [asked] = [each.parameters for each in operator.calls if each.operation == "CreateReplicationGroup"]
    assert asked["NumCacheClusters"] == 3
    assert asked["CacheParameterGroupName"] == "mine"
    assert asked["MultiAZEnabled"] is True


def test_create_with_shards_asks_for_cluster_mode_and_connect_follows_redirections(
    config: Config, operator: FakeOperator, tmp_path: Path
):
    operator.cli = str(tmp_path / "valkey-cli")
    Path(operator.cli).touch()
    run(config, "create", "deep", "--shards", "3")
    [asked] = [each.parameters for each in operator.calls if each.operation == "CreateReplicationGroup"]
    assert (asked["ClusterMode"], asked["NumNodeGroups"], asked["ReplicasPerNodeGroup"]) == ("enabled", 3, 0)
    assert asked["MultiAZEnabled"] is False
    command = run(config, "connect", "deep", "--print").stdout
    assert command == f"{operator.cli} -h deep.a1b2c3.clustercfg.use1.cache.mill.test -p 6379 -c\n"


def test_nodes_are_not_for_replication_groups(config: Config, operator: FakeOperator):
    result = run(config, "create", "web", "--replicas", "1", "--nodes", "2")
    assert result.exit_code == 2
    assert "--replicas" in result.stderr
    assert not operator.calls


def test_the_power_of_a_zone_is_interrupted_and_brought_back(config: Config, operator: FakeOperator):
    assert pairs(run(config, "zone", "interrupt", "us-east-1a")) == {"zone": "us-east-1a", "state": "impaired"}
    assert run(config, "zone", "ls").stdout == "zone=us-east-1a state=impaired\n"
    assert pairs(run(config, "zone", "restore", "us-east-1a"))["state"] == "available"
    assert json.loads(run(config, "zone", "ls", "--json").stdout) == [{"zone": "us-east-1a", "state": "available"}]
    refused = run(config, "zone", "interrupt", "us-east-1z")
    assert (refused.exit_code, "it has us-east-1a" in refused.stderr) == (1, True)


def test_a_group_is_listed_once_shown_with_its_members_and_deleted_whole(config: Config, operator: FakeOperator):
    run(config, "create", "alone")
    run(config, "create", "web", "--replicas", "1")
    listed = run(config, "ls").stdout.splitlines()
    assert [line.split()[0] for line in listed] == ["name=alone", "name=web"]
    shown = run(config, "show", "web").stdout.splitlines()
    assert [line.split()[:3] for line in shown if line.startswith("member=")] == [
        ["member=web-001", "shard=0001", "role=primary"],
        ["member=web-002", "shard=0001", "role=replica"],
    ]
    assert run(config, "events", "web").exit_code == 0
    assert operator.calls[-1].parameters["SourceType"] == "replication-group"
    assert pairs(run(config, "delete", "web", "--yes")) == {"name": "web", "status": "deleted"}
    assert [key[1] for key in operator.caches] == ["alone"]


def test_connect_to_a_cache_without_an_endpoint_says_what_to_wait_for(config: Config, operator: FakeOperator):
    run(config, "create", "my-cache", "--no-wait")
    result = run(config, "connect", "my-cache")
    assert "millpond wait my-cache" in result.stderr


def test_explain_and_events_speak_lines_and_json(config: Config, operator: FakeOperator):
    run(config, "create", "my-cache")
    assert "why='node 0001 is starting'" in run(config, "explain", "my-cache").stdout
    assert json.loads(run(config, "explain", "--json").stdout)[0]["passes"] == 3
    assert "message='Cache cluster created'" in run(config, "events", "my-cache").stdout
    assert operator.calls[-1].parameters["SourceType"] == "cache-cluster"
    result = run(config, "explain", "nope")
    assert result.exit_code == 1
    assert "millpond ls" in result.stderr


def test_engines_are_listed_with_why_not(config: Config, operator: FakeOperator):
    lines = run(config, "engines", "list").stdout.splitlines()
    assert "state=installed" in next(line for line in lines if "version=9.1" in line)
    assert "reason='no package has it'" in next(line for line in lines if "engine=redis" in line)


def test_an_engine_is_installed_by_its_default_version(config: Config, operator: FakeOperator):
    result = run(config, "engines", "install", "memcached", "--json")
    assert json.loads(result.stdout)["version"] == "1.6.45"
    assert ("memcached", "1.6.45") in operator.installed


def test_an_engine_that_cannot_be_had_is_refused(config: Config, operator: FakeOperator):
    result = run(config, "engines", "install", "redis", "4.0.10")
    assert result.exit_code == 1
    assert "millpond engines list" in result.stderr


def test_passwd_off_a_terminal_writes_a_private_file(config: Config, operator: FakeOperator):
    result = run(config, "passwd")
    file = Path(pairs(result)["password_file"])
    assert file.read_text() == PASSWORD + "\n"
    assert file.stat().st_mode & 0o777 == 0o600
    assert PASSWORD not in result.output


def test_credentials_are_what_credential_process_expects(config: Config, operator: FakeOperator):
    said = json.loads(run(config, "credentials").stdout)
    assert said == {"Version": 1, "AccessKeyId": "AKIAEXAMPLE", "SecretAccessKey": "se/cr+et"}


def test_logs_of_a_cache_and_of_millpond(config: Config, operator: FakeOperator):
    run(config, "create", "my-cache")
    config.home.joinpath("node.log").write_text("one\ntwo\nthree\n")
    assert run(config, "logs", "my-cache", "-n", "2").stdout == "two\nthree\n"
    config.log_file.write_text('{"event":"loop.started"}\n')
    assert run(config, "logs").stdout == '{"event":"loop.started"}\n'


def test_logs_where_nothing_ever_ran_says_so(config: Config):
    result = run(config, "logs")
    assert result.exit_code == 1
    assert "never ran" in result.stderr


def test_down_stops_the_caches_unless_told_otherwise(config: Config, operator: FakeOperator):
    result = run(config, "down")
    assert result.output == "Stopped.\n"
    assert operator.kept is False
    assert not home.is_held(config)
    assert run(config, "down").output == f"Millpond is not running in {config.home}.\n"


def test_down_may_keep_the_caches(config: Config, operator: FakeOperator):
    run(config, "create", "my-cache")
    result = run(config, "down", "--keep-caches", "--json")
    assert operator.kept is True
    assert json.loads(result.stdout) | {"sentence": ""} == {"stopped": True, "caches": 1, "kept": True, "sentence": ""}


def test_doctor_works_without_a_control_plane(config: Config):
    result = run(config, "doctor")
    assert result.exit_code == 0
    assert "check='control plane' state=warning" in result.stdout


def test_doctor_adds_what_the_control_plane_knows(config: Config, operator: FakeOperator):
    checks = {check["name"]: check for check in json.loads(run(config, "doctor", "--json").stdout)}
    assert checks["names"]["fix"] == "millpond up as root"
    assert checks["control plane"]["state"] == "ok"


def test_doctor_fails_when_the_api_does_not_take_connections(config: Config):
    with running(config, endpoint="http://127.0.0.1:1"):
        result = run(config, "doctor", "--json")
    assert result.exit_code == 1
    assert {check["name"]: check["state"] for check in json.loads(result.stdout)}["API"] == "failed"


@pytest.mark.parametrize(
    "arguments",
    [
        ["nonsense"],
        ["up", "--listen", "8421"],
        ["up", "--listen", "127.0.0.1:x"],
        ["up", "--driver", "cloud"],
        ["create"],
    ],
)
def test_a_wrong_call_is_exit_code_two(config: Config, arguments: list[str]):
    assert run(config, *arguments).exit_code == 2


def test_a_wrong_driver_in_the_environment_is_exit_code_two(config: Config, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("MILLPOND_DRIVER", "cloud")
    result = run(config, "status")
    assert result.exit_code == 2
    assert "MILLPOND_DRIVER" in result.stderr


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_scripts_name_the_program(shell: str):
    assert "_MILLPOND_COMPLETE" in CliRunner().invoke(cli, ["completion", shell]).stdout


def test_completion_offers_commands_without_loading_them():
    environ = {"_MILLPOND_COMPLETE": "bash_complete", "COMP_WORDS": "millpond cr", "COMP_CWORD": "1"}
    result = CliRunner().invoke(cli, env=environ, prog_name="millpond")
    assert result.stdout.split() == ["plain,create", "plain,credentials"]


def test_completion_offers_the_names_of_caches(config: Config, operator: FakeOperator):
    run(config, "create", "my-cache", "--no-wait")
    words = f"millpond --home {config.home} show my"
    environ = {"_MILLPOND_COMPLETE": "bash_complete", "COMP_WORDS": words, "COMP_CWORD": "4"}
    assert CliRunner().invoke(cli, env=environ, prog_name="millpond").stdout == "plain,my-cache\n"


def test_flows_are_rows_for_scripts_and_json_when_asked(config: Config, operator: FakeOperator):
    result = run(config, "flows")
    assert result.stdout.startswith("vpc=vpc-0d3f interface=eni-1 address=172.31.0.9")
    (line,) = json.loads(run(config, "flows", "vpc-1", "--json").stdout)
    assert (line["vpc"], line["action"], line["packets"]) == ("vpc-1", "REJECT", 3)
    refused = run(config, "flows", "vpc-0")
    assert (refused.exit_code, refused.stderr) == (1, "Error: There is no VPC vpc-0 on this machine.\n")


def test_ssh_says_why_there_is_no_way_in(config: Config, operator: FakeOperator):
    result = run(config, "ssh", "i-0123456789", "true")
    assert result.exit_code == 1
    assert result.stderr == "Error: i-0123456789 is stopped; look: millpond explain i-0123456789\n"


def test_instances_are_run_listed_and_terminated(config: Config, operator: FakeOperator, tmp_path: Path):
    script = tmp_path / "start.sh"
    script.write_text("echo hello")
    made = pairs(run(config, "instance", "run", "--type", "t4g.micro", "--user-data", str(script), "--name", "client"))
    asked = operator.calls[0]
    assert (asked.service, asked.operation) == ("ec2", "RunInstances")
    assert asked.parameters["ImageId"].endswith("arm64")
    assert asked.parameters["UserData"] == "ZWNobyBoZWxsbw=="
    assert made == {
        "instance": "i-1", "state": "running", "type": "t4g.micro", "address": "172.31.0.9", "zone": "us-east-1a",
        "name": "client",
    }  # fmt: skip
    (listed,) = json.loads(run(config, "instance", "ls", "--json").stdout)
    assert listed["InstanceId"] == "i-1"
    assert pairs(run(config, "instance", "terminate", "i-1"))["state"] == "terminated"
