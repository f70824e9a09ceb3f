"""`millpond delete`: DeleteCacheCluster or DeleteReplicationGroup, after asking."""

import sys

import click

from millpond.cli import found, options, output, progress
from millpond.cli.door import Door
from millpond.cli.failure import Failure
from millpond.config import Config


@click.command()
@options.name
@options.installation
@click.option("-y", "--yes", is_flag=True, help="Do not ask.")
@click.option("--wait/--no-wait", default=True, help="Wait until it is gone.  [wait]")
@click.option("--timeout", type=float, default=600.0, show_default=True, help="Seconds to wait at most.")
@options.region
def delete(*, name: str, config: Config, yes: bool, wait: bool, timeout: float, region: str | None) -> None:
    """Delete the cache NAME and its data."""
    door = Door(config)
    cache = found.cache(door, name, region=region)
    if not yes:
        if not sys.stdin.isatty():
            raise Failure(f"Deleting needs a yes, and nobody is at the terminal: millpond delete {name} --yes")
        click.confirm(f"Delete {name} and its data?", abort=True)
    if cache.kind == "cache-cluster":
        door.call("DeleteCacheCluster", {"CacheClusterId": name}, region=region)
    else:
        door.call("DeleteReplicationGroup", {"ReplicationGroupId": name}, region=region)
    if wait:
        with progress.shown(f"Deleting {name}", silent=False) as shown:
            found.wait_deleted(door, name, region=region, seconds=timeout, progress=shown)
    done = "is gone" if wait else "is being deleted"
    if output.is_terminal():
        click.echo(f"  {output.tick()} {name} {done}")
    else:
        output.print_pairs({"name": name, "status": "deleted" if wait else "deleting"})
