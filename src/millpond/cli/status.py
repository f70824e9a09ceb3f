"""`millpond status`: what `up` printed, again, for people and scripts."""

import click
import msgspec

from millpond.cli import options, output, screen
from millpond.cli.door import Door, NotRunning
from millpond.config import Config
from millpond.operator import home


@click.command()
@options.installation
@options.as_json
def status(*, config: Config, as_json: bool) -> None:
    """Say whether Millpond runs, where, and how. Exit code 1 when it does not."""
    try:
        facts = Door(config).status()
    except NotRunning as silence:
        if as_json:
            output.print_json({"running": home.is_held(config), "home": str(config.home), "detail": silence.message})
            raise SystemExit(1) from silence
        raise
    if as_json:
        output.print_json({"running": True, **_visible(msgspec.to_builtins(facts))})
    elif output.is_terminal():
        output.print_labelled(screen.labelled(facts))
    else:
        output.print_pairs({"running": True, **_visible(msgspec.to_builtins(facts))})


def _visible(facts: dict[str, object]) -> dict[str, object]:
    return {name: value for name, value in facts.items() if name != "first_run"}
