"""`millpond explain` and `millpond events`: what is being done and why, and what happened."""

from datetime import datetime

import click
import msgspec

from millpond.cli import found, options, output
from millpond.cli.audit import line, records
from millpond.cli.door import Door
from millpond.cli.failure import Failure
from millpond.config import Config
from millpond.kernel.clock import SystemClock


@click.command()
@click.argument("name", default="", shell_complete=options.names)
@options.installation
@options.region
@options.as_json
def explain(*, name: str, config: Config, region: str | None, as_json: bool) -> None:
    """Say what Millpond did last about NAME (about everything when not given), and why."""
    said = Door(config).explain(name, region=region)
    if as_json:
        output.print_json(said)
    elif not output.is_terminal():
        for each in said:
            output.print_row(msgspec.to_builtins(each))
    else:
        for each in said:
            whose = ", ".join(filter(None, [each.controller, each.region, f"pass {each.passes} at {_clock(each.at)}"]))
            click.secho(f"{each.name}  ({whose})", bold=True)
            click.echo(f"  {each.why}")
            if each.error:
                click.secho(f"  failed: {each.error}", fg="red")
        if not said:
            click.echo("Nothing to explain yet: there are no caches.")


@click.command()
@click.argument("name", default="", shell_complete=options.names)
@options.installation
@click.option("--minutes", type=int, default=1440, show_default=True, help="How far to look back.")
@click.option("--audit", is_flag=True, help="Who called what instead (LookupEvents), newest first.")
@options.region
@options.as_json
def events(*, name: str, config: Config, minutes: int, audit: bool, region: str | None, as_json: bool) -> None:
    """List what happened, oldest first (DescribeEvents): to NAME, or to everything."""
    if audit:
        _print_audit(Door(config), name, region=region, minutes=minutes, as_json=as_json)
        return
    wanted: dict[str, object] = {"Duration": minutes}
    door = Door(config)
    if name:
        wanted |= {"SourceIdentifier": name, "SourceType": _source_type(door, name, region=region)}
    told = []
    marker: dict[str, object] = {}
    while True:
        page = door.call("DescribeEvents", wanted | marker, region=region)
        told += page.get("Events", [])
        if not page.get("Marker"):
            break
        marker = {"Marker": page["Marker"]}
    told.sort(key=lambda event: str(event.get("Date", "")))
    if as_json:
        output.print_json(told)
        return
    for event in told:
        date, source, message = event.get("Date", ""), event.get("SourceIdentifier", ""), event.get("Message", "")
        if output.is_terminal():
            click.echo(f"{_clock(str(date))}  {source}  {message}")
        else:
            output.print_row({"date": date, "source": source, "message": message})


def _source_type(door: Door, name: str, *, region: str | None) -> str:
    """Of a cache that may be gone, too: only a replication group that is there is told from a cluster."""
    try:
        return found.cache(door, name, region=region).kind
    except Failure:
        return "cache-cluster"


def _print_audit(door: Door, name: str, *, region: str | None, minutes: int, as_json: bool) -> None:
    said = records(door, name, region=region, minutes=minutes, clock=SystemClock())
    if as_json:
        output.print_json(list(said))
        return
    for each in map(line, said):
        if output.is_terminal():
            error = click.style(each.error, fg="red") if each.error else ""
            shown = [_clock(each.date), each.who or "-", click.style(each.event, bold=True), *each.resources, error]
            click.echo("  ".join(filter(None, shown)))
        else:
            output.print_row(msgspec.structs.asdict(each))


def _clock(moment: str) -> str:
    """A moment in the reader's own time; as it came when it cannot be read."""
    try:
        return datetime.fromisoformat(moment).astimezone().strftime("%Y-%m-%d %H:%M:%S")
    except ValueError:
        return moment
