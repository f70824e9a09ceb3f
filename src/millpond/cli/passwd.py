"""`millpond passwd`: a new password for the root user."""

import click

from millpond.cli import options, output
from millpond.cli.door import Door
from millpond.config import Config
from millpond.operator import home


@click.command()
@options.installation
def passwd(*, config: Config) -> None:
    """Give the root user a new password; shown on a terminal, else written to a file that only you can read."""
    new = Door(config).passwd()
    if output.is_terminal():
        output.print_labelled({"Sign in": new.name, "Password": new.password})
        click.echo("  (shown once)")
        return
    file = config.home / "root-password"
    home.replace_private(file, new.password.encode() + b"\n")
    output.print_pairs({"sign_in": new.name, "password_file": file})
