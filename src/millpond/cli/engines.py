"""`millpond engines`: which engine versions there are on this machine, and installing one."""

import click
import msgspec

from millpond.cli import options, output, progress
from millpond.cli.door import Door
from millpond.config import Config
from millpond.operator.facts import EngineFacts


@click.group()
def engines() -> None:
    """List engine versions; install one."""


@engines.command("list")
@options.installation
@click.option("-a", "--all", "everything", is_flag=True, help="On a terminal too, those that cannot be had.")
@options.as_json
def listed(*, config: Config, everything: bool, as_json: bool) -> None:
    """List every version of the catalogue: installed, obtainable, or why not."""
    found = Door(config).engines()
    if as_json:
        output.print_json(found)
    elif not output.is_terminal():
        for each in found:
            output.print_row({**msgspec.to_builtins(each), "state": _state(each)})
    else:
        shown = [each for each in found if everything or each.installed or each.obtainable]
        rows = [[each.engine, each.version, _state(each), "yes" if each.tls else "no", each.reason] for each in shown]
        output.print_table(["ENGINE", "VERSION", "STATE", "TLS", "HOW"], rows)
        if len(shown) < len(found):
            click.echo(
                f"{len(found) - len(shown)} more cannot be had here; which, and why: millpond engines list --all"
            )


@engines.command()
@click.argument("engine", type=click.Choice(["valkey", "redis", "memcached"]))
@click.argument("version", default="")
@options.installation
@options.as_json
def install(*, engine: str, version: str, config: Config, as_json: bool) -> None:
    """Install a version of ENGINE: its default one when VERSION is not given."""
    door = Door(config)
    version = version or _default(door.engines(), engine)
    with progress.shown(f"Installing {engine} {version}", silent=as_json):
        installed = door.install_engine(engine, version)
    if as_json:
        output.print_json(installed)
    elif output.is_terminal():
        click.echo(f"  {output.tick()} {engine} {version} ({installed.upstream}), {installed.reason}")
    else:
        output.print_pairs(msgspec.to_builtins(installed))


def _default(found: list[EngineFacts], engine: str) -> str:
    """The version that is installed at the first start; the newest obtainable one where there is none."""
    mine = [each for each in found if each.engine == engine]
    default = [each.version for each in mine if each.default]
    obtainable = [each.version for each in mine if each.obtainable]
    if not default and not obtainable:
        raise click.UsageError(f"No version of {engine} can be had on this machine; see: millpond engines list")
    return (default or obtainable)[-1]


def _state(engine: EngineFacts) -> str:
    if engine.installed:
        return "installed"
    return "obtainable" if engine.obtainable else "not obtainable"
