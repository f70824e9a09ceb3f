"""`millpond create`: CreateCacheCluster or CreateReplicationGroup, a wait with progress, and how to connect."""

from typing import Any

import click

from millpond.cli import found, options, output, program, progress
from millpond.cli.door import Door
from millpond.cli.found import Cache
from millpond.config import Config
from millpond.kernel.waiting import stopwatch

_NODE_TYPE = "cache.t4g.micro"


@click.command()
@click.argument("name")
@options.installation
@click.option(
    "--engine", type=click.Choice(["valkey", "redis", "memcached"]), default="valkey", show_default=True, help="Engine."
)
@click.option("--version", "engine_version", help="Engine version; the newest default of the engine when not given.")
@click.option("--type", "node_type", default=_NODE_TYPE, show_default=True, help="Node type; sets the memory limit.")
@click.option("--nodes", type=int, default=1, show_default=True, help="Number of nodes (Memcached only above 1).")
@click.option(
    "--replicas",
    type=click.IntRange(0, 5),
    default=0,
    show_default=True,
    help="Copies of each shard, which take over when its primary fails: a replication group (Valkey and Redis OSS).",
)
@click.option(
    "--shards",
    type=click.IntRange(1, 500),
    default=1,
    show_default=True,
    help="Parts that the keys are spread over: more than 1 makes a replication group with cluster mode.",
)
@click.option("--port", type=int, help="Port; 6379, or 11211 for Memcached, when not given.")
@click.option("--parameter-group", help="Cache parameter group.")
@click.option("--subnet-group", help="Cache subnet group.")
@click.option("--tag", "tags", multiple=True, metavar="KEY=VALUE", help="A tag; may be given several times.")
@click.option("--wait/--no-wait", default=True, help="Wait until it answers.  [wait]")
@click.option("--timeout", type=float, default=600.0, show_default=True, help="Seconds to wait at most.")
@options.region
@options.as_json
def create(
    *, name: str, config: Config, region: str | None, wait: bool, timeout: float, as_json: bool, **given: Any
) -> None:
    """Create the cache NAME and wait until it answers. Everything else: aws elasticache create-cache-cluster,
    create-replication-group.
    """
    door = Door(config)
    elapsed = stopwatch()
    if given["replicas"] or given["shards"] > 1:
        made = found.group(door.call("CreateReplicationGroup", _group(name, given), region=region)["ReplicationGroup"])
    else:
        made = found.cluster(door.call("CreateCacheCluster", _cluster(name, given), region=region)["CacheCluster"])
    if wait:
        with progress.shown(f"Creating {name}", silent=as_json) as shown:
            made = found.wait_available(door, name, region=region, seconds=timeout, progress=shown)
    if as_json:
        output.print_json(made.raw)
    elif output.is_terminal():
        _show(made, elapsed())
    else:
        output.print_pairs(made.summary())


def _cluster(name: str, given: dict[str, Any]) -> dict[str, Any]:
    return _parameters(given) | {"CacheClusterId": name, "NumCacheNodes": given["nodes"]}


def _group(name: str, given: dict[str, Any]) -> dict[str, Any]:
    """Every shard with its replicas in other zones, so far as there are zones."""
    if given["nodes"] != 1:
        raise click.UsageError("--nodes is for Memcached; a replication group has --replicas and --shards.")
    replicas, shards = given["replicas"], given["shards"]
    shape: dict[str, Any] = (
        {"ClusterMode": "enabled", "NumNodeGroups": shards, "ReplicasPerNodeGroup": replicas}
        if shards > 1
        else {"NumCacheClusters": 1 + replicas}
    )
    wanted = {
        "ReplicationGroupId": name,
        "ReplicationGroupDescription": name,
        "AutomaticFailoverEnabled": True,
        "MultiAZEnabled": replicas > 0,
    }
    return _parameters(given) | shape | wanted


def _parameters(given: dict[str, Any]) -> dict[str, Any]:
    """What both kinds of request have, without what was not given."""
    wanted = {
        "Engine": given["engine"],
        "EngineVersion": given["engine_version"],
        "CacheNodeType": given["node_type"],
        "Port": given["port"],
        "CacheParameterGroupName": given["parameter_group"],
        "CacheSubnetGroupName": given["subnet_group"],
        "Tags": [_tag(each) for each in given["tags"]] or None,
    }
    return {member: value for member, value in wanted.items() if value is not None}


def _tag(text: str) -> dict[str, str]:
    key, _, value = text.partition("=")
    return {"Key": key, "Value": value}


def _show(made: Cache, seconds: float) -> None:
    facts = made.summary()
    nodes = "1 node" if facts["nodes"] == 1 else f"{facts['nodes']} nodes"
    what = f"{facts['engine']} {facts['version']} · {facts['type']} · {nodes}"
    click.echo(f"  {output.tick()} {facts['name']} is {facts['status']}  {what}  {seconds:.1f} s\n")
    output.print_labelled({"Connect": f"{program.spoken()} connect {facts['name']}", "Endpoint": facts["endpoint"]})
