"""`millpond version`: which Millpond this is."""

import click

import millpond
from millpond.cli import options, output


@click.command()
@options.as_json
def version(*, as_json: bool) -> None:
    """Print the version."""
    if as_json:
        output.print_json({"version": millpond.__version__})
    else:
        click.echo(millpond.__version__)
