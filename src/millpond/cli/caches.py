"""`millpond ls`, `show` and `wait`: caches as they are."""

import click

from millpond.cli import found, options, output, program, progress
from millpond.cli.door import Door
from millpond.config import Config


@click.command()
@options.installation
@click.option("-o", "--output", "form", type=click.Choice(["wide"]), help="wide: with endpoints.")
@options.region
@options.as_json
def ls(*, config: Config, region: str | None, form: str | None, as_json: bool) -> None:
    """List caches: replication groups by their own names, without their members."""
    caches = found.all_caches(Door(config), region=region)
    rows = [each.summary() for each in caches]
    if as_json:
        output.print_json([each.raw for each in caches])
    elif not output.is_terminal():
        for row in rows:
            output.print_row(row)
    elif not rows:
        click.echo(f"No caches. Create one: {program.spoken()} create my-cache")
    else:
        titles = ["name", "engine", "version", "type", "nodes", "status", *(["endpoint"] if form == "wide" else [])]
        output.print_table([title.upper() for title in titles], [[str(row[title]) for title in titles] for row in rows])


@click.command()
@options.name
@options.installation
@options.region
@options.as_json
def show(*, name: str, config: Config, region: str | None, as_json: bool) -> None:
    """Show the cache NAME, which may be a replication group."""
    door = Door(config)
    cache = found.cache(door, name, region=region)
    if as_json:
        output.print_json(cache.raw)
        return
    facts = cache.summary() | {
        "parameter_group": (cache.first.get("CacheParameterGroup") or {}).get("CacheParameterGroupName", ""),
        "subnet_group": cache.first.get("CacheSubnetGroupName", ""),
        "created": cache.raw.get("CacheClusterCreateTime") or cache.raw.get("ReplicationGroupCreateTime", ""),
        "arn": cache.raw.get("ARN", ""),
        "why": found.why(door, name, region=region),
    }
    members = _members(cache)
    if not output.is_terminal():
        output.print_pairs(facts)
        for each in members:
            output.print_row(each)
        return
    output.print_labelled({label.replace("_", " ").capitalize(): value for label, value in facts.items()})
    if members:
        click.echo()
        output.print_table([title.upper() for title in members[0]], [list(each.values()) for each in members])
    click.echo(f"\n  {program.spoken()} connect {name}")


@click.command()
@options.name
@options.installation
@click.option("--for", "state", type=click.Choice(["available", "deleted"]), default="available", show_default=True)
@click.option("--timeout", type=float, default=600.0, show_default=True, help="Seconds to wait at most.")
@options.region
@options.as_json
def wait(*, name: str, config: Config, state: str, timeout: float, region: str | None, as_json: bool) -> None:
    """Wait until the cache NAME is available, or gone. Exit code 1 when it cannot be, or the time is up."""
    door = Door(config)
    with progress.shown(f"Waiting for {name}", silent=as_json) as shown:
        if state == "deleted":
            found.wait_deleted(door, name, region=region, seconds=timeout, progress=shown)
            facts: dict[str, object] = {"name": name, "status": "deleted"}
        else:
            facts = found.wait_available(door, name, region=region, seconds=timeout, progress=shown).summary()
    if as_json:
        output.print_json(facts)
    elif output.is_terminal():
        click.echo(f"  {output.tick()} {name} is {facts['status']}")
    else:
        output.print_pairs(facts)


def _members(cache: found.Cache) -> list[dict[str, str]]:
    """A row a member of a replication group: where it is and which part it plays, as the engines last said."""
    return [
        {
            "member": each["CacheClusterId"],
            "shard": shard["NodeGroupId"],
            "role": each.get("CurrentRole", ""),
            "zone": each.get("PreferredAvailabilityZone", ""),
            "slots": shard.get("Slots", ""),
        }
        for shard in cache.raw.get("NodeGroups") or []
        for each in shard.get("NodeGroupMembers") or []
    ]
