"""`millpond flows`: what security groups let through and what they stopped, as the kernel counted it."""

import click
import msgspec

from millpond.cli import options, output
from millpond.cli.door import Door
from millpond.config import Config


@click.command()
@click.argument("vpc", default="")
@options.installation
@options.region
@options.as_json
def flows(*, vpc: str, config: Config, region: str | None, as_json: bool) -> None:
    """Show accepted and rejected packets of each network interface of VPC (the default one when not given)."""
    found = Door(config).flows(vpc, region=region)
    if as_json:
        output.print_json(found)
    elif not output.is_terminal():
        for each in found:
            output.print_row(msgspec.to_builtins(each))
    else:
        rows = [
            [
                each.interface,
                each.address,
                each.direction,
                each.action,
                str(each.packets),
                str(each.octets),
                each.description,
            ]
            for each in found
        ]
        output.print_table(["INTERFACE", "ADDRESS", "DIRECTION", "ACTION", "PACKETS", "OCTETS", "WHAT"], rows)
