"""`millpond zone`: the power of availability zones, interrupted to see what a cache does without one."""

import click
import msgspec

from millpond.cli import options, output
from millpond.cli.door import Door
from millpond.config import Config


@click.group()
def zone() -> None:
    """Interrupt the power of an availability zone, as AWS's Fault Injection Service does, and bring it back.

    Nodes of caches in it die at once and are not replaced before it has power again; its packets go nowhere.
    """


@zone.command()
@options.installation
@options.region
@options.as_json
def ls(*, config: Config, region: str | None, as_json: bool) -> None:
    """List the zones of the region."""
    found = Door(config).zones(region=region)
    if as_json:
        output.print_json(found)
    elif not output.is_terminal():
        for each in found:
            output.print_row(msgspec.to_builtins(each))
    else:
        output.print_table(["ZONE", "STATE"], [[each.zone, each.state] for each in found])


@zone.command()
@click.argument("name")
@options.installation
@options.region
def interrupt(*, name: str, config: Config, region: str | None) -> None:
    """Interrupt the power of the zone NAME until `restore`."""
    _set_power(Door(config), name, is_on=False, region=region)


@zone.command()
@click.argument("name")
@options.installation
@options.region
def restore(*, name: str, config: Config, region: str | None) -> None:
    """Bring the power of the zone NAME back."""
    _set_power(Door(config), name, is_on=True, region=region)


def _set_power(door: Door, name: str, *, is_on: bool, region: str | None) -> None:
    door.set_power(name, is_on=is_on, region=region)
    state = "available" if is_on else "impaired"
    if output.is_terminal():
        click.echo(f"  {output.tick()} {name} is {state}")
    else:
        output.print_pairs({"zone": name, "state": state})
