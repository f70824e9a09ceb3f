"""`millpond ls`, `show` and `wait`: caches as they are."""

import click

from millpond.cli import clusters, options, output, program, progress
from millpond.cli.door import Door
from millpond.config import Config


@click.command()
@options.installation
@click.option("-o", "--output", "form", type=click.Choice(["wide"]), help="wide: with endpoints.")
@options.region
@options.as_json
def ls(*, config: Config, region: str | None, form: str | None, as_json: bool) -> None:
    """List caches."""
    found = clusters.all_clusters(Door(config), region=region)
    rows = [clusters.summary(each) for each in found]
    if as_json:
        output.print_json(found)
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
    """Show the cache NAME."""
    door = Door(config)
    found = clusters.cluster(door, name, region=region)
    if as_json:
        output.print_json(found)
        return
    facts = clusters.summary(found) | {
        "parameter_group": (found.get("CacheParameterGroup") or {}).get("CacheParameterGroupName", ""),
        "subnet_group": found.get("CacheSubnetGroupName", ""),
        "created": found.get("CacheClusterCreateTime", ""),
        "arn": found.get("ARN", ""),
        "why": clusters.why(door, name, region=region),
    }
    if not output.is_terminal():
        output.print_pairs(facts)
        return
    output.print_labelled({label.replace("_", " ").capitalize(): value for label, value in facts.items()})
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
            clusters.wait_deleted(door, name, region=region, seconds=timeout, progress=shown)
            facts: dict[str, object] = {"name": name, "status": "deleted"}
        else:
            found = clusters.wait_available(door, name, region=region, seconds=timeout, progress=shown)
            facts = clusters.summary(found)
    if as_json:
        output.print_json(facts)
    elif output.is_terminal():
        click.echo(f"  {output.tick()} {name} is {facts['status']}")
    else:
        output.print_pairs(facts)
